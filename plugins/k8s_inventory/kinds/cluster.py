"""The cluster itself: its namespaces, nodes and events, the kinds that were added to it, and how it shares requests."""

from __future__ import annotations

from typing import Any

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.events import EVENTS
from k8s_inventory.kinds.nodes import NODES
from k8s_inventory.kinds.values import condition_part, holds, object_or_empty


def priority_level_shares(level: Any) -> int | None:
    limited, exempt = level.spec.limited, level.spec.exempt
    shares = (limited.nominal_concurrency_shares, limited.assured_concurrency_shares, exempt.nominal_concurrency_shares)
    return next((each for each in shares if each is not None), None)


NAMESPACES = Kind(
    name="namespaces",
    kind="Namespace",
    plural="namespaces",
    table="k8s_namespaces",
    namespaced=False,
    short_names=("ns",),
    description="Namespaces: the scopes that names live in.",
    typed_columns=(Column(name="phase", path="status.phase", description="Active or Terminating."),),
)

CRDS = Kind(
    name="crds",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    group="apiextensions.k8s.io",
    table="k8s_custom_resources",
    namespaced=False,
    short_names=("crd",),
    description="CustomResourceDefinitions: the kinds that were added to the cluster.",
    typed_columns=(
        Column(
            name="api_group", path="spec.group", description="Group of the kind (spec.group; GROUP is an SQL word)."
        ),
        Column(name="kind", path="spec.names.kind", description="Kind that it defines."),
        Column(name="list_kind", path="spec.names.listKind", description="Kind of its lists."),
        Column(name="plural", path="spec.names.plural", description="Plural name, as in URLs."),
        Column(name="singular", path="spec.names.singular", description="Singular name."),
        Column(
            name="short_names",
            type="text[]",
            path="spec.names.shortNames",
            required=True,
            description="Short names for kubectl.",
        ),
        Column(
            name="categories",
            type="text[]",
            path="spec.names.categories",
            required=True,
            description="Categories that it belongs to, such as all.",
        ),
        Column(name="scope", path="spec.scope", description="Namespaced or Cluster."),
        Column(
            name="served_versions",
            type="text[]",
            needs=("spec.versions[].name", "spec.versions[].served:boolean"),
            compute=lambda crd: [each.name or "" for each in crd.spec.versions or () if each.served],
            required=True,
            description="Versions that the API server serves.",
        ),
        Column(
            name="storage_version",
            needs=("spec.versions[].name", "spec.versions[].storage:boolean"),
            compute=lambda crd: next((each.name for each in crd.spec.versions or () if each.storage), None),
            description="Version that objects are stored in.",
        ),
        Column(
            name="stored_versions",
            type="text[]",
            path="status.storedVersions",
            required=True,
            description="Versions that were ever stored.",
        ),
        Column(
            name="established",
            type="boolean",
            needs=("status.conditions[].type", "status.conditions[].status"),
            compute=lambda crd: holds(crd, "Established"),
            description="True once the kind is served.",
        ),
        Column(name="conversion_strategy", path="spec.conversion.strategy", description="None or Webhook."),
    ),
)


APISERVICES = Kind(
    name="apiservices",
    kind="APIService",
    plural="apiservices",
    group="apiregistration.k8s.io",
    table="k8s_apiservices",
    namespaced=False,
    description="APIServices: who serves which group of the API.",
    typed_columns=(
        Column(name="api_group", path="spec.group", description="Group (spec.group; GROUP is an SQL word)."),
        Column(name="version", path="spec.version", description="Version of the group."),
        Column(
            name="service_namespace",
            path="spec.service.namespace",
            description="Namespace of the service that serves it; null for the API server itself, kubectl's Local.",
        ),
        Column(name="service_name", path="spec.service.name", description="Name of the service that serves it."),
        Column(
            name="available",
            needs=("status.conditions[].type", "status.conditions[].status"),
            compute=condition_part("Available", "status"),
            description="Condition Available: True, False or Unknown.",
        ),
        Column(
            name="available_reason",
            needs=("status.conditions[].type", "status.conditions[].reason"),
            compute=condition_part("Available", "reason"),
            description="Why, in a word.",
        ),
    ),
)

RUNTIMECLASSES = Kind(
    name="runtimeclasses",
    kind="RuntimeClass",
    plural="runtimeclasses",
    group="node.k8s.io",
    table="k8s_runtimeclasses",
    namespaced=False,
    description="RuntimeClasses: container runtimes that pods can choose.",
    rest=("data",),
    typed_columns=(
        Column(name="handler", path="handler", description="The runtime's name on the nodes."),
        Column(
            name="overhead",
            type="jsonb",
            path="overhead.podFixed",
            compute=object_or_empty,
            required=True,
            description="What a pod costs beside its containers, as text.",
        ),
    ),
)

FLOWSCHEMAS = Kind(
    name="flowschemas",
    kind="FlowSchema",
    plural="flowschemas",
    table="k8s_flowschemas",
    group="flowcontrol.apiserver.k8s.io",
    versions=("v1", "v1beta3", "v1beta2"),
    namespaced=False,
    description="FlowSchemas: which requests to the API server get which priority.",
    typed_columns=(
        Column(
            name="priority_level_name",
            path="spec.priorityLevelConfiguration.name",
            description="PriorityLevelConfiguration: kubectl's PRIORITYLEVEL.",
        ),
        Column(
            name="matching_precedence",
            type="integer",
            path="spec.matchingPrecedence",
            default=1000,
            description="Lower ones are tried first.",
        ),
        Column(
            name="distinguisher_method",
            path="spec.distinguisherMethod.type",
            description="ByUser or ByNamespace: what flows are told apart by.",
        ),
        Column(
            name="dangling",
            needs=("status.conditions[].type", "status.conditions[].status"),
            compute=condition_part("Dangling", "status"),
            description="Condition Dangling, True where the priority level is missing: kubectl's MISSINGPL.",
        ),
    ),
)

PRIORITYLEVELCONFIGURATIONS = Kind(
    name="prioritylevelconfigurations",
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    table="k8s_prioritylevelconfigurations",
    group="flowcontrol.apiserver.k8s.io",
    versions=("v1", "v1beta3", "v1beta2"),
    namespaced=False,
    description="PriorityLevelConfigurations: how much of the API server a priority gets.",
    typed_columns=(
        Column(name="type", path="spec.type", description="Exempt or Limited."),
        Column(
            name="nominal_concurrency_shares",
            type="integer",
            needs=(
                "spec.limited.nominalConcurrencyShares:integer",
                "spec.limited.assuredConcurrencyShares:integer",
                "spec.exempt.nominalConcurrencyShares:integer",
            ),
            compute=priority_level_shares,
            description="Share of the API server's concurrency.",
        ),
        Column(
            name="queues",
            type="integer",
            path="spec.limited.limitResponse.queuing.queues",
            description="Queues; null where requests are not queued.",
        ),
        Column(
            name="hand_size",
            type="integer",
            path="spec.limited.limitResponse.queuing.handSize",
            description="Queues that a flow may use.",
        ),
        Column(
            name="queue_length_limit",
            type="integer",
            path="spec.limited.limitResponse.queuing.queueLengthLimit",
            description="Requests that may wait in a queue.",
        ),
    ),
)

KINDS = (
    NAMESPACES,
    NODES,
    EVENTS,
    CRDS,
    APISERVICES,
    RUNTIMECLASSES,
    FLOWSCHEMAS,
    PRIORITYLEVELCONFIGURATIONS,
)
