"""StatefulSets and DaemonSets, and the revisions that both keep of themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.pod_templates import (
    AVAILABLE_REPLICAS,
    MIN_READY_SECONDS,
    OBSERVED_GENERATION,
    READY_REPLICAS,
    REVISION_HISTORY_LIMIT,
    SELECTOR,
    TEMPLATE_CONTAINERS,
    TEMPLATE_ENV,
    TEMPLATE_SERVICE_ACCOUNT,
    UPDATE_STRATEGY_TYPE,
)
from k8s_inventory.kinds.values import object_or_empty, objects


class Controller(NamedTuple):
    kind: str | None
    group: str | None
    name: str | None


def controller(item: Any) -> Controller:
    for owner in objects.decode(item.metadata.owner_references) or ():
        if owner.get("controller"):
            return Controller(owner["kind"], owner["apiVersion"].rpartition("/")[0], owner["name"])
    return Controller(None, None, None)


STATEFULSETS = Kind(
    name="statefulsets",
    kind="StatefulSet",
    plural="statefulsets",
    group="apps",
    table="k8s_statefulsets",
    short_names=("sts",),
    description="StatefulSets: workloads whose pods have names and volumes of their own.",
    redacted_env=TEMPLATE_ENV,
    typed_columns=(
        Column(name="replicas", type="integer", path="spec.replicas", default=1, description="Pods that are wanted."),
        READY_REPLICAS,
        Column(
            name="current_replicas",
            type="integer",
            path="status.currentReplicas",
            default=0,
            description="Pods of the current revision.",
        ),
        Column(
            name="updated_replicas",
            type="integer",
            path="status.updatedReplicas",
            default=0,
            description="Pods of the update revision.",
        ),
        AVAILABLE_REPLICAS,
        OBSERVED_GENERATION,
        Column(name="current_revision", path="status.currentRevision", description="Revision that is being replaced."),
        Column(name="update_revision", path="status.updateRevision", description="Revision that is being rolled out."),
        *TEMPLATE_CONTAINERS,
        SELECTOR,
        Column(name="service_name", path="spec.serviceName", description="Headless Service that names its pods."),
        Column(name="pod_management_policy", path="spec.podManagementPolicy", description="OrderedReady or Parallel."),
        UPDATE_STRATEGY_TYPE,
        MIN_READY_SECONDS,
        REVISION_HISTORY_LIMIT,
        TEMPLATE_SERVICE_ACCOUNT,
    ),
)


DAEMONSETS = Kind(
    name="daemonsets",
    kind="DaemonSet",
    plural="daemonsets",
    group="apps",
    table="k8s_daemonsets",
    short_names=("ds",),
    description="DaemonSets: workloads with a pod on each node.",
    redacted_env=TEMPLATE_ENV,
    typed_columns=(
        Column(
            name="desired_number_scheduled",
            type="integer",
            path="status.desiredNumberScheduled",
            default=0,
            description="Nodes that should run a pod: kubectl's DESIRED.",
        ),
        Column(
            name="current_number_scheduled",
            type="integer",
            path="status.currentNumberScheduled",
            default=0,
            description="Nodes that should and do run one: kubectl's CURRENT.",
        ),
        Column(
            name="number_ready",
            type="integer",
            path="status.numberReady",
            default=0,
            description="Nodes whose pod is ready.",
        ),
        Column(
            name="updated_number_scheduled",
            type="integer",
            path="status.updatedNumberScheduled",
            default=0,
            description="Nodes whose pod is of the current template: kubectl's UP-TO-DATE.",
        ),
        Column(
            name="number_available",
            type="integer",
            path="status.numberAvailable",
            default=0,
            description="Nodes whose pod has been ready for minReadySeconds.",
        ),
        Column(
            name="number_misscheduled",
            type="integer",
            path="status.numberMisscheduled",
            default=0,
            description="Nodes that run a pod and should not.",
        ),
        OBSERVED_GENERATION,
        Column(
            name="node_selector",
            type="jsonb",
            path="spec.template.spec.nodeSelector",
            compute=object_or_empty,
            required=True,
            description="Labels that a node must have; an empty object where there are none.",
        ),
        *TEMPLATE_CONTAINERS,
        SELECTOR,
        UPDATE_STRATEGY_TYPE,
        MIN_READY_SECONDS,
        REVISION_HISTORY_LIMIT,
        TEMPLATE_SERVICE_ACCOUNT,
    ),
)


CONTROLLERREVISIONS = Kind(
    name="controllerrevisions",
    kind="ControllerRevision",
    plural="controllerrevisions",
    group="apps",
    table="k8s_controllerrevisions",
    raw_json=True,
    description="ControllerRevisions: what a DaemonSet or StatefulSet was at each of its revisions.",
    rest=("data",),
    typed_columns=(
        Column(
            name="controller_kind",
            needs=("metadata.ownerReferences:jsonb",),
            compute=controller,
            part="kind",
            description="Kind of its controller: the first part of kubectl's CONTROLLER.",
        ),
        Column(
            name="controller_group",
            needs=("metadata.ownerReferences:jsonb",),
            compute=controller,
            part="group",
            description="API group of its controller.",
        ),
        Column(
            name="controller_name",
            needs=("metadata.ownerReferences:jsonb",),
            compute=controller,
            part="name",
            description="Name of its controller: the last part of kubectl's CONTROLLER.",
        ),
        Column(name="revision", type="bigint", path="revision", description="Number of the revision."),
    ),
)
