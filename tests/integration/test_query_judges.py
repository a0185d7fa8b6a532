"""The API server itself is the judge of the queries on Pod Security Standards and on RBAC."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg.rows import dict_row

from k8s_inventory.queries import query_pack
from k8s_inventory.store import Store
from tests.cluster import Cluster
from tests.cluster.cluster import Object, Rejected
from tests.cluster.objects import namespace
from tests.conftest import _migrate, context_to, sync_with_custom_objects

RBAC = "/apis/rbac.authorization.k8s.io/v1"
Row = dict[str, Any]


# -- Pod Security Standards ------------------------------------------------------------------------

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What a container must set to break no control."""


def container(name: str = "main", /, **fields: Any) -> Object:
    context = {**RESTRICTED, **fields.pop("context", {})}
    context = {key: value for key, value in context.items() if value is not ...}
    return {"name": name, "image": "a:1", "securityContext": context, **fields}


def pod_of(*containers: Object, annotations: Object | None = None, **spec: Any) -> Object:
    return {"metadata": {"annotations": annotations or {}}, "spec": {"containers": containers or [container()], **spec}}


def in_container(**context: Any) -> Object:
    return pod_of(container(context=context))


def in_init(**context: Any) -> Object:
    return pod_of(initContainers=[container("first", context=context)])


def in_sidecar(**context: Any) -> Object:
    return pod_of(initContainers=[{**container("beside", context=context), "restartPolicy": "Always"}])


def in_pod(**context: Any) -> Object:
    return pod_of(securityContext=context)


def left_to_pod(*names: str, **context: Any) -> Object:
    return pod_of(container(context=dict.fromkeys(names, ...)), securityContext=context)


def volume(**source: Any) -> Object:
    return pod_of(volumes=[{"name": "v", **source}])


HTTP = {"path": "/", "port": 80}
OTHER_HOST = {"httpGet": {**HTTP, "host": "192.0.2.1"}}
UNMASKED = {"hostUsers": False}
PODS: dict[str, Object] = {
    "restricted": pod_of(),
    "nothing-set": pod_of({"name": "main", "image": "a:1"}),
    "empty-context": pod_of({"name": "main", "image": "a:1", "securityContext": {}}, securityContext={}),
    "host-network": pod_of(hostNetwork=True),
    "host-pid": pod_of(hostPID=True),
    "host-ipc": pod_of(hostIPC=True),
    "no-host-pid": pod_of(hostPID=False),
    "privileged": in_container(privileged=True, allowPrivilegeEscalation=True),
    "not-privileged": in_container(privileged=False),
    "privileged-init": in_init(privileged=True, allowPrivilegeEscalation=True),
    "privileged-sidecar": in_sidecar(privileged=True, allowPrivilegeEscalation=True),
    "adds-net-admin": in_container(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}),
    "adds-net-raw": in_container(capabilities={"drop": ["ALL"], "add": ["NET_RAW"]}),
    "adds-chown": in_container(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}),
    "adds-bind": in_container(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    "drops-some": in_container(capabilities={"drop": ["NET_RAW"]}),
    "drops-all-and-more": in_container(capabilities={"drop": ["NET_RAW", "ALL"]}),
    "drops-all-in-small": in_container(capabilities={"drop": ["all"]}),
    "adds-none": in_container(capabilities={"drop": ["ALL"], "add": []}),
    "init-adds": in_init(capabilities={"add": ["SYS_TIME"]}),
    "host-path": volume(hostPath={"path": "/"}),
    "empty-dir": volume(emptyDir={}),
    "no-source": volume(),
    "config-map": volume(configMap={"name": "a"}),
    "projected": volume(projected={"sources": [{"secret": {"name": "a"}}]}),
    "image-volume": volume(image={"reference": "a:1"}),
    "csi": volume(csi={"driver": "a.example"}),
    "ephemeral": volume(
        ephemeral={
            "volumeClaimTemplate": {
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}
            }
        }
    ),
    "claim": volume(persistentVolumeClaim={"claimName": "a"}),
    "downward": volume(downwardAPI={"items": []}),
    "nfs": volume(nfs={"server": "a", "path": "/"}),
    "iscsi": volume(iscsi={"targetPortal": "a", "iqn": "iqn.2026-01.example:a", "lun": 0}),
    "host-port": pod_of(container(ports=[{"containerPort": 80, "hostPort": 80}])),
    "port-zero": pod_of(container(ports=[{"containerPort": 80, "hostPort": 0}])),
    "probe-of-other-host": pod_of(container(livenessProbe=OTHER_HOST)),
    "probe-of-itself": pod_of(container(readinessProbe={"httpGet": HTTP})),
    "startup-of-other-host": pod_of(container(startupProbe={"tcpSocket": {"port": 80, "host": "192.0.2.1"}})),
    "hook-to-other-host": pod_of(container(lifecycle={"preStop": OTHER_HOST})),
    "hook-to-itself": pod_of(container(lifecycle={"postStart": {"httpGet": HTTP}})),
    "apparmor-unconfined": in_container(appArmorProfile={"type": "Unconfined"}),
    "apparmor-local": in_container(appArmorProfile={"type": "Localhost", "localhostProfile": "a"}),
    "apparmor-pod": in_pod(appArmorProfile={"type": "Unconfined"}),
    "apparmor-annotation": pod_of(annotations={"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}),
    "apparmor-default": pod_of(annotations={"container.apparmor.security.beta.kubernetes.io/main": "runtime/default"}),
    "selinux-type": in_container(seLinuxOptions={"type": "spc_t"}),
    "selinux-container": in_container(seLinuxOptions={"type": "container_t", "level": "s0"}),
    "selinux-engine": in_pod(seLinuxOptions={"type": "container_engine_t"}),
    "selinux-user": in_pod(seLinuxOptions={"user": "a"}),
    "selinux-role": in_container(seLinuxOptions={"role": "a"}),
    "unmasked-proc": pod_of(container(context={"procMount": "Unmasked"}), **UNMASKED),
    "default-proc": in_container(procMount="Default"),
    "unconfined": in_container(seccompProfile={"type": "Unconfined"}),
    "unconfined-pod": in_pod(seccompProfile={"type": "Unconfined"}),
    "seccomp-of-pod": left_to_pod("seccompProfile", seccompProfile={"type": "RuntimeDefault"}),
    "seccomp-of-one": pod_of(container(), container("other", context={"seccompProfile": ...})),
    "seccomp-local": in_container(seccompProfile={"type": "Localhost", "localhostProfile": "a"}),
    "sysctl": in_pod(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "safe-sysctl": in_pod(sysctls=[{"name": "net.ipv4.tcp_rmem", "value": "1"}]),
    "host-process": pod_of(
        hostNetwork=True, securityContext={"windowsOptions": {"hostProcess": True, "runAsUserName": "a"}}
    ),
    "root": in_container(runAsUser=0),
    "root-pod": in_pod(runAsUser=0),
    "root-in-namespace": pod_of(
        container(context={"runAsNonRoot": False, "runAsUser": 0}), hostUsers=False, securityContext={"runAsUser": 0}
    ),
    "root-with-host-users": pod_of(container(context={"runAsUser": 0}), hostUsers=True),
    "user": in_container(runAsUser=1000),
    "may-be-root": in_container(runAsNonRoot=False),
    "may-be-root-pod": in_pod(runAsNonRoot=False),
    "non-root-of-pod": left_to_pod("runAsNonRoot", runAsNonRoot=True),
    "non-root-of-nobody": left_to_pod("runAsNonRoot"),
    "overrides-pod": pod_of(container(context={"runAsNonRoot": False}), securityContext={"runAsNonRoot": True}),
    "escalates": in_container(allowPrivilegeEscalation=True),
    "escalates-by-default": in_container(allowPrivilegeEscalation=...),
    "init-escalates": in_init(allowPrivilegeEscalation=...),
    "windows": pod_of(
        {"name": "main", "image": "a:1", "securityContext": {"runAsNonRoot": True}}, os={"name": "windows"}
    ),
    "windows-root": pod_of({"name": "main", "image": "a:1"}, os={"name": "windows"}),
}
REASONS = {
    "host namespaces": {"hostNamespaces"},
    "privileged": {"privileged"},
    "non-default capabilities": {"capabilities_baseline"},
    "hostPath volumes": {"hostPathVolumes"},
    "hostPort": {"hostPorts"},
    "probe or lifecycle host": {"hostProbesAndHostLifecycle"},
    "forbidden AppArmor profile": {"appArmorProfile"},
    "forbidden AppArmor profiles": {"appArmorProfile"},
    "procMount": {"procMount", "procMount_restricted"},
    "seLinuxOptions": {"seLinuxOptions"},
    "seccompProfile": {"seccompProfile_baseline", "seccompProfile_restricted"},
    "forbidden sysctls": {"sysctls"},
    "hostProcess": {"windowsHostProcess"},
    "allowPrivilegeEscalation != false": {"allowPrivilegeEscalation"},
    "unrestricted capabilities": {"capabilities_restricted"},
    "restricted volume types": {"restrictedVolumes"},
    "runAsNonRoot != true": {"runAsNonRoot"},
    "runAsUser=0": {"runAsUser"},
}
"""What admission calls it when a control is broken: the controls that it may be."""
STANDS_FOR = {"non-default capabilities", "hostPath volumes"}
"""Of baseline, what another control of restricted says in its place."""


@pytest.fixture(scope="module")
def judged(start_cluster: Callable[..., Cluster]) -> Cluster:
    made = start_cluster()
    for level in ("baseline", "restricted"):
        body = namespace(f"judge-{level}")
        body["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": level}
        made.create("/api/v1/namespaces", body)
    made.create("/api/v1/namespaces", namespace("judged"))
    for name, body in PODS.items():
        body = {**body, "metadata": {**body["metadata"], "name": name}}
        made.create("/api/v1/namespaces/judged/pods", body)
    debugged = made.create("/api/v1/namespaces/judged/pods", {**PODS["restricted"], "metadata": {"name": "debugged"}})
    debugged["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": "a:1"}]
    made.request("PUT", "/api/v1/namespaces/judged/pods/debugged/ephemeralcontainers", debugged)
    _grant(made)
    return made


@pytest.fixture(scope="module")
def stored(
    judged: Cluster, copy_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    with Store.connect(copy_database(_migrate)) as store:
        context = context_to(judged, folder=tmp_path_factory.mktemp("judged"))
        sync_with_custom_objects(store, context, "run")
        yield store


def asked(store: Store, text: str, *values: Any) -> list[Row]:
    with store.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text.encode(), values or None).fetchall()


def verdict(cluster: Cluster, level: str, body: Object) -> set[str]:
    """The reasons for which admission refuses a pod."""
    path = f"/api/v1/namespaces/judge-{level}/pods?dryRun=All"
    try:
        cluster.create(path, {**body, "metadata": {**body["metadata"], "name": "tried"}})
    except Rejected as error:
        refused = error.body
    else:
        return set()
    found = re.search(r'violates PodSecurity \\"[a-z]+:latest\\": (.*?)","reason":"Forbidden"', refused)
    assert found, refused
    return set(re.findall(r"(?:^|\), )([^()]+?) \(", found[1]))


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_pods_are_judged_as_by_admission(judged: Cluster, stored: Store, level: str) -> None:
    rows = asked(stored, query_pack()[f"security/pss_{level}"].sql)
    found = {row["pod"]: row["controls"].keys() for row in rows if row["namespace"] == "judged"}
    for name, body in PODS.items():
        reasons = verdict(judged, level, body)
        assert (name in found) == bool(reasons), (name, reasons)
        controls = set(found.get(name, ()))
        for reason in reasons:
            assert controls & REASONS[reason], (name, reason, controls)
        ours = {reason for reason, of_it in REASONS.items() if controls & of_it}
        ours -= STANDS_FOR if level == "restricted" else set()
        ours = {each.removesuffix("s") if "AppArmor" in each else each for each in ours}
        assert ours == {each.removesuffix("s") if "AppArmor" in each else each for each in reasons}, name
    assert ("debugged" in found) == (level == "restricted")


def test_admission_refuses_what_an_ephemeral_container_breaks(judged: Cluster) -> None:
    """So that it counts in the query, too."""
    path = "/api/v1/namespaces/judge-restricted/pods"
    made = judged.create(path, {**PODS["restricted"], "metadata": {"name": "debugged"}})
    made["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": "a:1"}]
    with pytest.raises(Rejected, match="violates PodSecurity"):
        judged.request("PUT", f"{path}/debugged/ephemeralcontainers", made)


# -- RBAC ------------------------------------------------------------------------------------------


def rule(verbs: str, groups: str, resources: str, names: str = "") -> Object:
    made = {"verbs": verbs.split(), "resources": resources.split()}
    made["apiGroups"] = ["" if group == "core" else group for group in groups.split()]
    return {**made, **({"resourceNames": names.split()} if names else {})}


ROLES = {
    "all": rule("*", "*", "*"),
    "all-of-core": rule("*", "core", "*"),
    "all-verbs": rule("*", "core", "secrets pods"),
    "readers": rule("get list watch", "core", "secrets"),
    "one-secret": rule("get", "core", "secrets", "one"),
    "subresources": rule("create", "core", "pods/exec serviceaccounts/token"),
    "any-exec": rule("create get", "core", "*/exec"),
    "no-such-wildcard": rule("*", "core", "pods/* secret*"),
    "deployers": rule("create", "apps", "deployments"),
    "wrong-group": rule("*", "apps", "secrets pods"),
    "any-group": rule("get", "*", "secrets"),
    "impersonators": rule("impersonate", "core", "users groups serviceaccounts"),
    "escalators": rule("escalate bind", "rbac.authorization.k8s.io", "clusterroles"),
    "signers": rule("approve", "certificates.k8s.io", "signers", "example.com/a"),
    "nodes": rule("get", "core", "nodes/proxy"),
    "upper-case": rule("GET", "core", "Secrets"),
}
REQUESTS = [
    (verb, group, resource, name)
    for verb, group, resource, name in (
        *(("get", "", "secrets", name) for name in ("", "one", "other")),
        ("list", "", "secrets", ""),
        ("watch", "", "secrets", ""),
        ("create", "", "secrets", ""),
        *((verb, "", "pods/exec", "") for verb in ("create", "get")),
        ("create", "", "pods", ""),
        ("get", "", "pods/log", ""),
        ("create", "", "serviceaccounts/token", ""),
        ("create", "apps", "deployments", ""),
        ("create", "batch", "jobs", ""),
        ("impersonate", "", "users", ""),
        ("impersonate", "", "serviceaccounts", ""),
        ("escalate", "rbac.authorization.k8s.io", "clusterroles", ""),
        ("bind", "rbac.authorization.k8s.io", "roles", ""),
        ("approve", "certificates.k8s.io", "signers", "example.com/a"),
        ("approve", "certificates.k8s.io", "signers", ""),
        ("get", "", "nodes/proxy", ""),
    )
]


def _grant(cluster: Cluster) -> None:
    """Each role in one namespace and everywhere, to a user; some to groups and service accounts."""
    group = {"apiGroup": "rbac.authorization.k8s.io"}
    for name, of_role in ROLES.items():
        cluster.create(f"{RBAC}/clusterroles", {"metadata": {"name": f"judged-{name}"}, "rules": [of_role]})
        cluster.create(f"{RBAC}/namespaces/judged/roles", {"metadata": {"name": name}, "rules": [of_role]})
        to_cluster_role = {**group, "kind": "ClusterRole", "name": f"judged-{name}"}
        bindings: list[tuple[str, Object, list[Object]]] = [
            (f"{RBAC}/clusterrolebindings", to_cluster_role, [{**group, "kind": "User", "name": f"wide-{name}"}]),
            (
                f"{RBAC}/namespaces/judged/rolebindings",
                {**group, "kind": "Role", "name": name},
                [{**group, "kind": "User", "name": f"narrow-{name}"}],
            ),
            (
                f"{RBAC}/namespaces/judge-baseline/rolebindings",
                to_cluster_role,
                [
                    {"kind": "ServiceAccount", "name": name, "namespace": "judged"},
                    {**group, "kind": "Group", "name": f"group-{name}"},
                ],
            ),
        ]
        for path, of_it, subjects in bindings:
            metadata = {"name": f"judged-{name}"}
            cluster.create(path, {"metadata": metadata, "roleRef": of_it, "subjects": subjects})
    cluster.create(
        f"{RBAC}/namespaces/judged/rolebindings",
        {
            "metadata": {"name": "to-nothing"},
            "roleRef": {**group, "kind": "Role", "name": "of-other-namespace"},
            "subjects": [{**group, "kind": "User", "name": "narrow-nothing"}],
        },
    )
    cluster.create(
        f"{RBAC}/namespaces/judge-baseline/roles",
        {"metadata": {"name": "of-other-namespace"}, "rules": [ROLES["all"]]},
    )


ALLOWED = """
SELECT EXISTS (
    SELECT 1
    FROM k8s_grants
    WHERE
        (subject_kind = %(kind)s AND subject_name = %(name)s AND subject_namespace IS NOT DISTINCT FROM %(of)s)
        AND (namespace IS NULL OR namespace = %(namespace)s)
        AND k8s_rule_allows(rule, %(verb)s, %(group)s, %(resource)s)
        AND (NOT jsonb_path_exists(rule, '$.resourceNames[*]') OR rule -> 'resourceNames' ? %(object)s)
) AS allowed
"""


def test_rights_are_those_of_the_authorizer(judged: Cluster, stored: Store) -> None:
    subjects: list[tuple[str, str, str | None]] = []
    for name in ROLES:
        subjects += [("User", f"{width}-{name}", None) for width in ("wide", "narrow")]
        subjects += [("Group", f"group-{name}", None), ("ServiceAccount", name, "judged")]
    subjects.append(("User", "narrow-nothing", None))
    differing, allowed = [], 0
    for (kind, name, of), (verb, group, resource, named), place in itertools.product(
        subjects, REQUESTS, ("judged", "judge-baseline")
    ):
        if (kind, place) in (("ServiceAccount", "judged"), ("Group", "judged")) and verb != "get":
            continue  # they have no right there: some requests do to show it
        base, _, sub = resource.partition("/")
        attributes = {"namespace": place, "verb": verb, "group": group, "resource": base, "subresource": sub}
        spec: Object = {"resourceAttributes": {**attributes, "name": named}}
        if kind == "Group":
            spec |= {"user": "somebody", "groups": [name]}
        else:
            spec["user"] = name if kind == "User" else f"system:serviceaccount:{of}:{name}"
        answer = judged.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        asked_for = {"kind": kind, "name": name, "of": of, "namespace": place, "verb": verb, "group": group}
        asked_for |= {"resource": resource, "object": named}
        found = stored.connection.execute(ALLOWED, asked_for).fetchone()
        assert found is not None
        allowed += found[0]
        if found[0] != answer["status"]["allowed"]:
            differing.append((kind, name, verb, group, resource, named, place, found[0]))
    assert differing == []
    assert allowed > 200
