"""Access: who may do what."""

from k8s_inventory.kinds.declaration import Column, Kind

_RULES = Column(
    name="rules",
    type="jsonb",
    path="rules",
    convert="array",
    required=True,
    description="Rules: apiGroups, resources, resourceNames, nonResourceURLs, verbs.",
)
_BINDING_COLUMNS = (
    Column(name="role_kind", path="roleRef.kind", description="Role or ClusterRole: the first part of kubectl's ROLE."),
    Column(name="role_name", path="roleRef.name", description="Role that is granted: the rest of kubectl's ROLE."),
    Column(
        name="subjects",
        type="jsonb",
        path="subjects",
        convert="array",
        required=True,
        description="Who gets the role: kind, name, namespace, apiGroup.",
    ),
    *(
        Column(
            name=name,
            type="text[]",
            needs=("subjects:jsonb",),
            convert=f"subjects.{name}",
            required=True,
            description=description,
        )
        for name, description in (
            ("users", "Users that get it."),
            ("groups", "Groups that get it."),
            ("service_accounts", "Service accounts that get it, as namespace/name."),
        )
    ),
)

SERVICEACCOUNTS = Kind(
    name="serviceaccounts",
    kind="ServiceAccount",
    plural="serviceaccounts",
    table="k8s_serviceaccounts",
    short_names=("sa",),
    description="ServiceAccounts: the identities of pods.",
    rest=("data",),
    typed_columns=(
        Column(
            name="automount_service_account_token",
            type="boolean",
            path="automountServiceAccountToken",
            description="Whether pods get its token; null leaves it to the pod.",
        ),
        Column(
            name="image_pull_secrets",
            type="text[]",
            needs=("imagePullSecrets[].name",),
            convert="image_pull_secrets",
            required=True,
            description="Secrets that its pods pull images with.",
        ),
        Column(
            name="secrets",
            type="text[]",
            needs=("secrets[].name",),
            convert="account_secrets",
            required=True,
            description="Secrets that its pods may use.",
        ),
    ),
)

ROLES = Kind(
    name="roles",
    kind="Role",
    plural="roles",
    group="rbac.authorization.k8s.io",
    table="k8s_roles",
    description="Roles: what may be done in a namespace.",
    rest=("data",),
    typed_columns=(_RULES,),
)

CLUSTERROLES = Kind(
    name="clusterroles",
    kind="ClusterRole",
    plural="clusterroles",
    group="rbac.authorization.k8s.io",
    table="k8s_clusterroles",
    namespaced=False,
    description="ClusterRoles: what may be done in the cluster, or in a namespace by a RoleBinding.",
    rest=("data",),
    typed_columns=(
        _RULES,
        Column(
            name="aggregation_rule",
            type="jsonb",
            path="aggregationRule",
            description="Selectors of the ClusterRoles that its rules are collected from.",
        ),
    ),
)

ROLEBINDINGS = Kind(
    name="rolebindings",
    kind="RoleBinding",
    plural="rolebindings",
    group="rbac.authorization.k8s.io",
    table="k8s_rolebindings",
    description="RoleBindings: who has which role in a namespace.",
    rest=("data",),
    typed_columns=_BINDING_COLUMNS,
)

CLUSTERROLEBINDINGS = Kind(
    name="clusterrolebindings",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    group="rbac.authorization.k8s.io",
    table="k8s_clusterrolebindings",
    namespaced=False,
    description="ClusterRoleBindings: who has which role in the whole cluster.",
    rest=("data",),
    typed_columns=_BINDING_COLUMNS,
)

CERTIFICATESIGNINGREQUESTS = Kind(
    name="certificatesigningrequests",
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    group="certificates.k8s.io",
    table="k8s_certificatesigningrequests",
    namespaced=False,
    short_names=("csr",),
    description="CertificateSigningRequests: who asked for a certificate, and got it or not.",
    typed_columns=(
        Column(name="signer_name", path="spec.signerName", description="Signer that is asked."),
        Column(name="username", path="spec.username", description="Who asked: kubectl's REQUESTOR."),
        Column(
            name="expiration_seconds",
            type="integer",
            path="spec.expirationSeconds",
            description="Validity that is asked for, in seconds: kubectl's REQUESTEDDURATION.",
        ),
        Column(
            name="display_condition",
            needs=("status.conditions[].type", "status.certificate"),
            convert="csr_display_condition",
            required=True,
            description="CONDITION as kubectl computes it: Pending, Approved, Approved,Issued, Denied ...",
        ),
        Column(
            name="usages",
            type="text[]",
            path="spec.usages",
            required=True,
            description="What the key is to be used for.",
        ),
    ),
)

KINDS = (SERVICEACCOUNTS, ROLES, ROLEBINDINGS, CLUSTERROLES, CLUSTERROLEBINDINGS, CERTIFICATESIGNINGREQUESTS)
