"""Workloads whose pods are all alike: Deployments, their ReplicaSets, and what there was before."""

from __future__ import annotations

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.pod_templates import (
    AVAILABLE_REPLICAS,
    MIN_READY_SECONDS,
    OBSERVED_GENERATION,
    READY_REPLICAS,
    SELECTOR,
    TEMPLATE_CONTAINERS,
    TEMPLATE_ENV,
    TEMPLATE_SERVICE_ACCOUNT,
)
from k8s_inventory.kinds.values import object_or_empty

DEPLOYMENTS = Kind(
    name="deployments",
    kind="Deployment",
    plural="deployments",
    group="apps",
    table="k8s_deployments",
    short_names=("deploy",),
    description="Deployments: stateless workloads and how far their rollout is.",
    redacted_env=TEMPLATE_ENV,
    typed_columns=(
        Column(name="replicas", type="integer", path="spec.replicas", default=1, description="Pods that are wanted."),
        READY_REPLICAS,
        Column(
            name="updated_replicas",
            type="integer",
            path="status.updatedReplicas",
            default=0,
            description="Pods of the current template: kubectl's UP-TO-DATE.",
        ),
        Column(
            name="available_replicas",
            type="integer",
            path="status.availableReplicas",
            default=0,
            description="Pods that have been ready for minReadySeconds: kubectl's AVAILABLE.",
        ),
        Column(
            name="unavailable_replicas",
            type="integer",
            path="status.unavailableReplicas",
            default=0,
            description="Pods that are still missing.",
        ),
        OBSERVED_GENERATION,
        *TEMPLATE_CONTAINERS,
        SELECTOR,
        Column(name="strategy_type", path="spec.strategy.type", description="RollingUpdate or Recreate."),
        Column(
            name="paused",
            type="boolean",
            path="spec.paused",
            default=False,
            description="True while the rollout is paused.",
        ),
        MIN_READY_SECONDS,
        Column(
            name="revision_history_limit",
            type="integer",
            path="spec.revisionHistoryLimit",
            default=10,
            description="Old ReplicaSets that are kept.",
        ),
        Column(
            name="progress_deadline_seconds",
            type="integer",
            path="spec.progressDeadlineSeconds",
            default=600,
            description="Seconds after which a rollout without progress counts as failed.",
        ),
        TEMPLATE_SERVICE_ACCOUNT,
    ),
)


_DESIRED = Column(
    name="replicas",
    type="integer",
    path="spec.replicas",
    default=1,
    description="Pods that are wanted: kubectl's DESIRED.",
)
_CURRENT = Column(
    name="current_replicas",
    type="integer",
    path="status.replicas",
    default=0,
    description="Pods that there are: kubectl's CURRENT.",
)


REPLICASETS = Kind(
    name="replicasets",
    kind="ReplicaSet",
    plural="replicasets",
    group="apps",
    table="k8s_replicasets",
    short_names=("rs",),
    description="ReplicaSets: the pods of one revision of a Deployment.",
    redacted_env=TEMPLATE_ENV,
    typed_columns=(
        _DESIRED,
        _CURRENT,
        READY_REPLICAS,
        AVAILABLE_REPLICAS,
        Column(
            name="fully_labeled_replicas",
            type="integer",
            path="status.fullyLabeledReplicas",
            default=0,
            description="Pods that have all labels of the template.",
        ),
        OBSERVED_GENERATION,
        *TEMPLATE_CONTAINERS,
        SELECTOR,
        MIN_READY_SECONDS,
        TEMPLATE_SERVICE_ACCOUNT,
    ),
)


REPLICATIONCONTROLLERS = Kind(
    name="replicationcontrollers",
    kind="ReplicationController",
    plural="replicationcontrollers",
    table="k8s_replicationcontrollers",
    short_names=("rc",),
    description="ReplicationControllers: what there was before ReplicaSets.",
    redacted_env=TEMPLATE_ENV,
    typed_columns=(
        _DESIRED,
        _CURRENT,
        READY_REPLICAS,
        AVAILABLE_REPLICAS,
        OBSERVED_GENERATION,
        *TEMPLATE_CONTAINERS,
        Column(
            name="selector",
            type="jsonb",
            path="spec.selector",
            compute=object_or_empty,
            required=True,
            description="Labels of its pods.",
        ),
        TEMPLATE_SERVICE_ACCOUNT,
    ),
)
