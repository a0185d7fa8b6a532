"""Relations that objects claim and that are not so, or not only once: by the rules of Kubernetes' own controllers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from k8s_inventory.store import Store
from k8s_inventory.store.statements import FOLDER
from tests.cluster import Cluster
from tests.cluster.cluster import Object
from tests.cluster.objects import crd, namespace, pod
from tests.conftest import context_to, sync_with_custom_objects

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CORE = "/api/v1/namespaces/default"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLAIMED: Object = {
    "accessModes": ["ReadWriteOnce"],
    "storageClassName": "",
    "resources": {"requests": {"storage": "1Gi"}},
}


@pytest.fixture(scope="module")
def odd(start_cluster: Callable[..., Cluster]) -> Cluster:
    """No controllers: nobody collects what has no owner, and nobody binds claims but the test."""
    cluster = start_cluster()
    cluster.create("/api/v1/namespaces", namespace("other"))
    _cycles(cluster)
    _owners(cluster)
    _services(cluster)
    _claims(cluster)
    _bindings(cluster)
    return cluster


def _map(cluster: Cluster, name: str, *owners: Object, where: str = "default") -> Object:
    body = {"metadata": {"name": name, "ownerReferences": list(owners)}}
    made: Object = cluster.create(f"/api/v1/namespaces/{where}/configmaps", body)
    return made


def _owner(of: Object, **changed: Any) -> Object:
    version, kind = of.get("apiVersion", "v1"), of.get("kind", "ConfigMap")
    reference = {"apiVersion": version, "kind": kind, "name": of["metadata"]["name"], "uid": of["metadata"]["uid"]}
    return {**reference, **changed}


def _own(cluster: Cluster, name: str, owners: Sequence[Object]) -> None:
    cluster.patch(f"{CORE}/configmaps/{name}", {"metadata": {"ownerReferences": owners}})


def _cycles(cluster: Cluster) -> None:
    awx = _map(cluster, "awx")
    _own(cluster, "awx", [_owner(awx, controller=True)])
    _map(cluster, "awx-child", _owner(awx, controller=True))
    first, second = _map(cluster, "two-a"), _map(cluster, "two-b")
    _own(cluster, "two-a", [_owner(second), _owner(awx)])
    _own(cluster, "two-b", [_owner(first), _owner(awx)])
    _map(cluster, "two-child", _owner(first))
    ring = [_map(cluster, f"ring-{n}") for n in range(3)]
    for n in range(3):
        _own(cluster, f"ring-{n}", [_owner(ring[(n + 1) % 3], controller=True)])
    last = _map(cluster, "long-0")
    for n in range(1, 25):
        last = _map(cluster, f"long-{n}", _owner(last))
    top = _map(cluster, "top")
    left, right = _map(cluster, "left", _owner(top)), _map(cluster, "right", _owner(top))
    _map(cluster, "bottom", _owner(left), _owner(right, controller=True))


def _owners(cluster: Cluster) -> None:
    for plural, group, scope in (("nodes", "longhorn.example", "Namespaced"), ("roles", "iam.example", "Cluster")):
        kind = cluster.create(CRDS, crd(plural, group, scope=scope))["spec"]["names"]["kind"]
        path = f"/apis/{group}/v1/{'' if scope == 'Cluster' else 'namespaces/default/'}{plural}"
        cluster.until_served(path)
        body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "owner"}}
        _map(cluster, f"of-{plural}", _owner(cluster.create(path, body)))
    owner = _map(cluster, "owner")
    _map(cluster, "orphan", _owner(owner, uid="00000000-0000-4000-8000-000000000000", controller=True))
    _map(cluster, "other-name", _owner(owner, name="other"))
    _map(cluster, "other-kind", _owner(owner, kind="Secret"))
    _map(cluster, "other-group", _owner(owner, apiVersion="other.example/v1"))
    _map(cluster, "other-version", _owner(owner, apiVersion="v9"))
    _map(cluster, "twice", _owner(owner), _owner(owner))
    _map(cluster, "across", _owner(owner), where="other")


def _services(cluster: Cluster) -> None:
    selector = {"app": "web"}
    made = pod("web")
    made["metadata"]["labels"] = selector
    cluster.create(f"{CORE}/pods", made)
    for phase in ("Succeeded", "Failed"):
        ended = pod(phase.lower())
        ended["metadata"]["labels"] = {"app": "ended"}
        cluster.create(f"{CORE}/pods", ended)
        cluster.patch(f"{CORE}/pods/{phase.lower()}/status", {"status": {"phase": phase}})
    ports = [{"port": 80}]
    for name, spec in (
        ("outside", {"type": "ExternalName", "externalName": "db.example.com", "selector": selector}),
        ("outside-none", {"type": "ExternalName", "externalName": "db.example.com", "selector": {"app": "no"}}),
        ("inside", {"selector": selector, "ports": ports}),
        ("headless", {"selector": selector, "clusterIP": "None"}),
        ("inside-none", {"selector": {"app": "no"}, "ports": ports}),
        ("inside-ended", {"selector": {"app": "ended"}, "ports": ports}),
        ("by-hand", {"ports": ports}),
        ("emptied", {"selector": {}, "ports": ports}),
    ):
        cluster.create(f"{CORE}/services", {"metadata": {"name": name}, "spec": spec})
    for name, policy in (("all", {}), ("none", {"podSelector": {"matchLabels": {"app": "no"}}})):
        body = {"metadata": {"name": name}, "spec": policy}
        cluster.create("/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", body)


def _claims(cluster: Cluster) -> None:
    claims = f"{CORE}/persistentvolumeclaims"

    def claim(name: str, volume: str, phase: str, *owners: Object) -> Object:
        spec = {**CLAIMED, "volumeName": volume}
        made: Object = cluster.create(
            claims, {"metadata": {"name": name, "ownerReferences": list(owners)}, "spec": spec}
        )
        cluster.replace_status(f"{claims}/{name}", {**made, "status": {"phase": phase}})
        return made

    def volume(name: str, of: Object | None, /, **changed: str) -> None:
        spec: Object = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
        if of:
            reference = {"kind": "PersistentVolumeClaim", "namespace": "default", "name": of["metadata"]["name"]}
            spec["claimRef"] = reference | ({"uid": of["metadata"]["uid"]} if "uid" in of["metadata"] else {}) | changed
        cluster.create("/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": spec})

    first = claim("first", "shared", "Bound")
    claim("second", "shared", "Pending")
    volume("shared", first)
    lost = claim("lost", "elsewhere", "Lost")
    volume("elsewhere", first)
    volume("for-lost", lost)
    claim("stale", "free", "Bound")
    volume("free", None)
    claim("kept-for", "reserved", "Pending")
    volume("reserved", {"metadata": {"name": "kept-for"}})
    claim("not-read", "unknown", "Bound")
    volume("of-another-name", claim("first-name", "of-another-name", "Bound"), name="second-name")
    volume("of-another-namespace", claim("moved", "of-another-namespace", "Bound"), namespace="other")
    volumes = [{"name": name, "ephemeral": {"volumeClaimTemplate": {"spec": CLAIMED}}} for name in ("mine", "strange")]
    body = pod("scratch")
    body["spec"]["volumes"] = [*volumes, {"name": "c", "persistentVolumeClaim": {"claimName": "first"}}]
    body["spec"]["imagePullSecrets"] = [{}]
    made = {"apiVersion": "v1", "kind": "Pod", **cluster.create(f"{CORE}/pods", body)}
    claim("scratch-mine", "", "Pending", _owner(made, controller=True))
    claim("scratch-strange", "", "Pending")


def _bindings(cluster: Cluster) -> None:
    for where in ("default", "other"):
        cluster.create(f"/api/v1/namespaces/{where}/serviceaccounts", {"metadata": {"name": "robot"}})
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    cluster.create(f"{RBAC}/namespaces/default/roles", {"metadata": {"name": "reader"}, "rules": rules})
    subjects = [
        {"kind": "ServiceAccount", "name": "robot"},
        {"kind": "ServiceAccount", "name": "robot", "namespace": "other"},
        {"kind": "ServiceAccount", "name": "robot", "namespace": "other"},
        {"kind": "ServiceAccount", "name": "gone"},
        {"kind": "User", "name": "anna", "namespace": "nowhere"},
        {"kind": "Group", "name": "ops"},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    body = {"metadata": {"name": "readers"}, "subjects": subjects, "roleRef": role}
    cluster.create(f"{RBAC}/namespaces/default/rolebindings", body)


@pytest.fixture(scope="module")
def stored(odd: Cluster, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.connect(new_database()) as store:
        store.migrate()
        context = context_to(odd, folder=tmp_path_factory.mktemp("odd"))
        for result in sync_with_custom_objects(store, context, "run").values():
            assert result.attempt.outcome in ("complete", "absent"), result
        store.connection.execute("ANALYZE")
        yield store


def _asked(store: Store, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return store.connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]


def _chain(store: Store, name: str) -> list[tuple[Any, ...]]:
    query = """SELECT depth, owner_name, is_root FROM k8s_owner_chain
        WHERE namespace = 'default' AND name = %s ORDER BY depth"""
    return _asked(store, query, name)


def test_a_chain_of_owners_ends_where_it_would_repeat(stored: Store) -> None:
    assert _chain(stored, "awx") == [(1, "awx", True)]
    assert _chain(stored, "awx-child") == [(1, "awx", True)]
    assert _chain(stored, "two-a") == [(1, "two-b", False), (2, "two-a", False)]
    assert _chain(stored, "two-child") == [(1, "two-a", False), (2, "two-b", False)]
    assert _chain(stored, "ring-0") == [(1, "ring-1", False), (2, "ring-2", False), (3, "ring-0", False)]


def test_a_chain_that_is_longer_than_what_is_shown_has_no_root(stored: Store) -> None:
    assert _chain(stored, "long-24") == [(n, f"long-{24 - n}", False) for n in range(1, 21)]
    assert _chain(stored, "long-20") == [(n, f"long-{20 - n}", n == 20) for n in range(1, 21)]


def test_a_diamond_is_no_cycle(stored: Store) -> None:
    assert _chain(stored, "bottom") == [(1, "right", False), (2, "top", True)]
    assert _owned(stored, "top") == [(1, "left"), (1, "right"), (2, "bottom")]


def _owned(store: Store, name: str) -> list[tuple[Any, ...]]:
    query = """SELECT owned.depth, owned.name FROM k8s_configmaps AS owner
        CROSS JOIN LATERAL k8s_owned_by(owner.context_name, owner.uid) AS owned
        WHERE owner.namespace = 'default' AND owner.name = %s ORDER BY 1, 2"""
    return _asked(store, query, name)


def test_what_is_owned_is_there_once(stored: Store) -> None:
    assert _owned(stored, "awx") == [(1, "awx"), (1, "awx-child")]
    assert _owned(stored, "two-a") == [(1, "two-b"), (1, "two-child"), (2, "two-a")]
    assert _owned(stored, "ring-0") == [(1, "ring-2"), (2, "ring-1"), (3, "ring-0")]
    assert [name for _, name in _owned(stored, "long-0")] == [f"long-{n}" for n in range(1, 21)]


def test_what_only_claims_an_owner_by_its_uid_is_not_owned(stored: Store) -> None:
    assert _owned(stored, "owner") == [(1, "other-version"), (1, "twice")]


def test_what_an_owner_that_is_not_in_the_inventory_owns_goes_by_the_uid(stored: Store) -> None:
    query = "SELECT name FROM k8s_owned_by('test', '00000000-0000-4000-8000-000000000000')"
    assert _asked(stored, query) == [("orphan",)]


def test_owners_are_found_as_the_garbage_collector_finds_them(stored: Store) -> None:
    query = """SELECT source_name, target_group, target_kind, target_namespace, target_uid IS NOT NULL
        FROM k8s_edges WHERE relation = 'owned by' AND source_name = ANY(%s)"""
    names = ["of-nodes", "of-roles", "orphan", "other-name", "other-kind", "other-group", "other-version", "twice"]
    found = {row[0]: row[1:] for row in _asked(stored, query, [*names, "across"])}
    assert len(_asked(stored, query, ["twice"])) == 1
    assert found == {
        "of-nodes": ("longhorn.example", "Node", "default", True),
        "of-roles": ("iam.example", "Role", None, True),
        "orphan": ("", "ConfigMap", "default", False),
        "other-name": ("", "ConfigMap", "default", False),
        "other-kind": ("", "Secret", "default", False),
        "other-group": ("other.example", "ConfigMap", "default", False),
        "other-version": ("", "ConfigMap", "default", True),
        "twice": ("", "ConfigMap", "default", True),
        "across": ("", "ConfigMap", "other", False),
    }


def test_the_scope_of_an_owner_is_known_without_its_definition(stored: Store) -> None:
    query = "SELECT target_namespace FROM k8s_edges WHERE relation = 'owned by' AND source_name = 'of-roles'"
    with stored.connection.transaction(force_rollback=True):
        stored.connection.execute("DELETE FROM k8s_custom_resources")
        assert _asked(stored, query) == [(None,)]


def test_what_selects_pods(stored: Store) -> None:
    query = "SELECT source_kind, source_name, target_name FROM k8s_edges WHERE relation = 'selects'"
    assert set(_asked(stored, query)) == {
        ("Service", "inside", "web"),
        ("Service", "headless", "web"),
        ("NetworkPolicy", "all", "web"),
        *(("NetworkPolicy", "all", name) for name in ("scratch", "succeeded", "failed")),
    }
    without = (FOLDER / "queries" / "network" / "services_without_pods.sql").read_text()
    assert [row[3] for row in _asked(stored, without)] == ["inside-ended", "inside-none"]
    with stored.connection.transaction(force_rollback=True):
        stored.connection.execute("UPDATE k8s_sync_runs SET outcome = 'forbidden' WHERE kind = 'pods'")
        assert {row[3] for row in _asked(stored, without)} == {None}, "nobody knows of pods that were not read"


def test_a_claim_is_bound_where_both_say_so(stored: Store) -> None:
    query = "SELECT source_name, target_name, target_uid IS NOT NULL FROM k8s_edges WHERE relation = 'bound to'"
    assert set(_asked(stored, query)) == {("first", "shared", True), ("not-read", "unknown", False)}


def test_the_claim_of_an_ephemeral_volume_is_the_pods_own(stored: Store) -> None:
    query = "SELECT target_name, target_uid IS NOT NULL FROM k8s_edges WHERE relation = 'mounts' AND source_name = %s"
    assert set(_asked(stored, query, "scratch")) == {
        ("scratch-mine", True),
        ("scratch-strange", False),
        ("first", True),
    }


def test_a_service_account_without_a_namespace_is_of_the_binding(stored: Store, odd: Cluster) -> None:
    query = """SELECT target_kind, target_namespace, target_name, target_uid IS NOT NULL FROM k8s_edges
        WHERE relation = 'grants to' AND source_name = 'readers'"""
    wanted = [
        ("Group", None, "ops", False),
        ("ServiceAccount", "default", "gone", False),
        ("ServiceAccount", "default", "robot", True),
        ("ServiceAccount", "other", "robot", True),
        ("User", None, "anna", False),
    ]
    assert sorted(_asked(stored, query), key=str) == wanted
    readers = _asked(stored, (FOLDER / "queries" / "rbac" / "who_can_read_secrets.sql").read_text())
    mine = [row[2:5] for row in readers if row[12] == "readers"]
    assert sorted(mine, key=str) == sorted((row[:3] for row in wanted), key=str)
    for account, namespace_ in (("robot", "default"), ("robot", "other")):
        asked = {"namespace": "default", "verb": "get", "resource": "secrets"}
        spec = {"user": f"system:serviceaccount:{namespace_}:{account}", "resourceAttributes": asked}
        review = odd.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        assert review["status"]["allowed"]


def test_many_owners_of_each_other_take_no_time(stored: Store) -> None:
    start = time.monotonic()
    _asked(stored, "SELECT count(*) FROM k8s_owner_chain")
    assert time.monotonic() - start < 30
