"""Access: who may do what."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.values import array_or_empty, names, objects


class Subjects(NamedTuple):
    users: list[str]
    groups: list[str]
    service_accounts: list[str]


def subjects_of(binding: Any) -> Subjects:
    of_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for each in objects.decode(binding.subjects) or ():
        kind, name = each["kind"], each["name"]
        of_kind.setdefault(kind, []).append(f"{each.get('namespace', '')}/{name}" if kind == "ServiceAccount" else name)
    return Subjects(of_kind["User"], of_kind["Group"], of_kind["ServiceAccount"])


def csr_display_condition(request: Any) -> str:
    """The rule of `extractCSRStatus` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    holds = {each.type for each in request.status.conditions or ()}
    words = ["Denied" if "Denied" in holds else "Approved" if "Approved" in holds else "Pending"]
    words += ["Failed"] if "Failed" in holds else []
    words += ["Issued"] if request.status.certificate else []
    return ",".join(words)


_RULES = Column(
    name="rules",
    type="jsonb",
    path="rules",
    compute=array_or_empty,
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
        compute=array_or_empty,
        required=True,
        description="Who gets the role: kind, name, namespace, apiGroup.",
    ),
    *(
        Column(
            name=name,
            type="text[]",
            needs=("subjects:jsonb",),
            compute=subjects_of,
            part=name,
            required=True,
            description=description,
        )
        for name, description in (
            ("users", "Users that get it."),
            ("groups", "Groups that get it."),
            (
                "service_accounts",
                "Service accounts that get it, as namespace/name; /name is one of the binding's own namespace.",
            ),
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
            compute=lambda account: names(account.image_pull_secrets),
            required=True,
            description="Secrets that its pods pull images with.",
        ),
        Column(
            name="secrets",
            type="text[]",
            needs=("secrets[].name",),
            compute=lambda account: names(account.secrets),
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
    long_names=True,
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
    long_names=True,
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
    long_names=True,
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
    long_names=True,
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
    long_names=True,
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
            compute=csr_display_condition,
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
