"""The cluster itself: its namespaces and the kinds that were added to it."""

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
