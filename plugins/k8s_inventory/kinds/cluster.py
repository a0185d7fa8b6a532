"""The cluster itself: its namespaces, nodes and events, the kinds that were added to it, and how it shares requests."""

from k8s_inventory.kinds.declaration import Column, Kind

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
            convert="crd_served_versions",
            required=True,
            description="Versions that the API server serves.",
        ),
        Column(
            name="storage_version",
            needs=("spec.versions[].name", "spec.versions[].storage:boolean"),
            convert="crd_storage_version",
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
            convert="crd_established",
            description="True once the kind is served.",
        ),
        Column(name="conversion_strategy", path="spec.conversion.strategy", description="None or Webhook."),
    ),
)

_NODE_ADDRESS = ("status.addresses[].type", "status.addresses[].address")


def _amount(part: str, resource: str, what: str) -> Column:
    """One resource of a node, as a number. `part` is `capacity` or `allocatable`."""
    name = f"{resource.replace('-', '_')}_{part}"
    convert = f"node_{part}.{resource.replace('-', '_')}"
    return Column(name=name, type="numeric", needs=(f"status.{part}:jsonb",), convert=convert, description=what)


NODES = Kind(
    name="nodes",
    kind="Node",
    plural="nodes",
    table="k8s_nodes",
    namespaced=False,
    short_names=("no",),
    description="Nodes: the machines that pods run on.",
    typed_columns=(
        Column(
            name="display_status",
            needs=("status.conditions[].type", "status.conditions[].status", "spec.unschedulable:boolean"),
            convert="node_display_status",
            required=True,
            description="STATUS as kubectl computes it: Ready, NotReady, Unknown, with SchedulingDisabled.",
        ),
        Column(
            name="roles",
            type="text[]",
            needs=("metadata.labels:jsonb",),
            convert="node_roles",
            required=True,
            description="Roles, by the labels node-role.kubernetes.io/... and kubernetes.io/role.",
        ),
        Column(name="kubelet_version", path="status.nodeInfo.kubeletVersion", description="kubectl's VERSION."),
        Column(
            name="internal_ip",
            needs=_NODE_ADDRESS,
            convert="node_internal_ip",
            description="First address of type InternalIP.",
        ),
        Column(
            name="external_ip",
            needs=_NODE_ADDRESS,
            convert="node_external_ip",
            description="First address of type ExternalIP.",
        ),
        Column(name="os_image", path="status.nodeInfo.osImage", description="Operating system."),
        Column(name="kernel_version", path="status.nodeInfo.kernelVersion", description="Kernel."),
        Column(
            name="container_runtime_version",
            path="status.nodeInfo.containerRuntimeVersion",
            description="Container runtime: kubectl's CONTAINER-RUNTIME.",
        ),
        Column(name="architecture", path="status.nodeInfo.architecture", description="Such as amd64."),
        Column(name="operating_system", path="status.nodeInfo.operatingSystem", description="linux or windows."),
        Column(name="unschedulable", type="boolean", path="spec.unschedulable", description="True if cordoned."),
        Column(
            name="taints",
            type="jsonb",
            path="spec.taints",
            convert="array",
            required=True,
            description="Taints: key, value, effect.",
        ),
        Column(name="provider_id", path="spec.providerID", description="The cloud's name of the machine."),
        Column(
            name="pod_cidrs",
            type="text[]",
            path="spec.podCIDRs",
            required=True,
            description="Address ranges of its pods.",
        ),
        _amount("capacity", "cpu", "Cores."),
        _amount("capacity", "memory", "Memory in bytes."),
        _amount("capacity", "ephemeral-storage", "Local storage in bytes."),
        _amount("capacity", "pods", "Pods at most."),
        _amount("allocatable", "cpu", "Cores for pods."),
        _amount("allocatable", "memory", "Memory for pods in bytes."),
        _amount("allocatable", "ephemeral-storage", "Local storage for pods in bytes."),
        _amount("allocatable", "pods", "Pods at most, for the scheduler."),
        Column(
            name="capacity",
            type="jsonb",
            path="status.capacity",
            convert="object",
            required=True,
            description="All that the node has, as text.",
        ),
        Column(
            name="allocatable",
            type="jsonb",
            path="status.allocatable",
            convert="object",
            required=True,
            description="All that the node has for pods, as text.",
        ),
    ),
)

_EVENT = (
    "firstTimestamp:timestamptz",
    "lastTimestamp:timestamptz",
    "eventTime:timestamptz",
    "count:integer",
    "series?.count:integer",
    "series?.lastObservedTime:timestamptz",
)

EVENTS = Kind(
    name="events",
    kind="Event",
    plural="events",
    table="k8s_events",
    short_names=("ev",),
    description="Events: what happened to objects lately. The API server itself keeps them for an hour.",
    rest=("data",),
    typed_columns=(
        Column(
            name="last_seen_at",
            type="timestamptz",
            needs=_EVENT,
            convert="event_times.last_seen",
            description="When it was last seen: kubectl's LAST SEEN.",
        ),
        Column(name="type", path="type", description="Normal or Warning."),
        Column(name="reason", path="reason", description="What happened, in a word."),
        Column(name="involved_kind", path="involvedObject.kind", description="Kind of the object it is about."),
        Column(name="involved_namespace", path="involvedObject.namespace", description="Namespace of that object."),
        Column(name="involved_name", path="involvedObject.name", description="Name of that object."),
        Column(name="involved_uid", path="involvedObject.uid", description="UID of that object."),
        Column(
            name="involved_field_path", path="involvedObject.fieldPath", description="Part of it: kubectl's SUBOBJECT."
        ),
        Column(
            name="source_component",
            needs=("source.component", "reportingComponent"),
            convert="event_component",
            description="Who saw it: the first part of kubectl's SOURCE.",
        ),
        Column(
            name="source_host",
            needs=("source.host", "source.component", "reportingInstance"),
            convert="event_host",
            description="Where it was seen: the second part of kubectl's SOURCE.",
        ),
        Column(name="message", path="message", description="What happened, in words."),
        Column(
            name="first_seen_at",
            type="timestamptz",
            needs=_EVENT,
            convert="event_times.first_seen",
            description="When it was first seen: kubectl's FIRST SEEN.",
        ),
        Column(
            name="count",
            type="integer",
            needs=_EVENT,
            convert="event_times.times",
            description="Times that it was seen.",
        ),
        Column(name="action", path="action", description="What was done or tried."),
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
            convert="api_service_available",
            description="Condition Available: True, False or Unknown.",
        ),
        Column(
            name="available_reason",
            needs=("status.conditions[].type", "status.conditions[].reason"),
            convert="api_service_reason",
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
            convert="object",
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
            convert="flow_schema_dangling",
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
            convert="priority_level_shares",
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
