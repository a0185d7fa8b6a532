"""Owners and edges between objects, of what the API server and its controllers made; never across contexts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.store.statements import FOLDER
from k8s_inventory.sync import Run, sync_target
from tests.cluster import Cluster, kubeconfig, wait_until
from tests.cluster.objects import NODE, crd, cron_job, deployment, fake_node, namespace, service
from tests.conftest import IMPATIENT

RBAC = "/apis/rbac.authorization.k8s.io/v1"
SHOP = "/api/v1/namespaces/shop"
KINDS_SYNCED = [
    "pods",
    "replicasets",
    "deployments",
    "jobs",
    "cronjobs",
    "services",
    "endpointslices",
    "nodes",
    "serviceaccounts",
    "configmaps",
    "secrets",
    "persistentvolumeclaims",
    "persistentvolumes",
    "ingresses",
    "horizontalpodautoscalers",
    "networkpolicies",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "validatingwebhookconfigurations",
    "crds",
]
APPS = custom_kind(group="shop.example", version="v1", kind="App", plural="apps", namespaced=False)
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
MOUNTED: dict[str, Any] = {
    "volumes": [
        {"name": "a", "configMap": {"name": "settings"}},
        {"name": "b", "projected": {"sources": [{"secret": {"name": "projected"}}, {"configMap": {"name": "also"}}]}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "d", "ephemeral": {"volumeClaimTemplate": {"spec": {**CLAIM, "storageClassName": ""}}}},
        {"name": "e", "csi": {"driver": "d.example", "nodePublishSecretRef": {"name": "csi"}}},
        {"name": "f", "iscsi": {"targetPortal": "t", "iqn": "iqn.2026-01.a:b", "lun": 0, "secretRef": {"name": "old"}}},
        {"name": "g", "secret": {"secretName": "token"}},
    ],
    "serviceAccountName": "default",
    "imagePullSecrets": [{"name": "registry"}],
    "initContainers": [
        {"name": "i", "image": "a", "envFrom": [{"configMapRef": {"name": "from"}}, {"secretRef": {"name": "from"}}]}
    ],
    "containers": [
        {
            "name": "c",
            "image": "a",
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "key", "key": "b"}}},
                {"name": "C", "value": "settings"},
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def shop(start_cluster: Callable[..., Cluster]) -> Cluster:
    cluster = start_cluster(controllers=True)
    fake_node(cluster)
    cluster.create("/api/v1/namespaces", namespace("shop"))
    cluster.create("/api/v1/namespaces", namespace("other"))
    cluster.create(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("apps", "shop.example", scope="Cluster")
    )
    cluster.until_served("/apis/shop.example/v1/apps")
    app = cluster.create(
        "/apis/shop.example/v1/apps", {"apiVersion": "shop.example/v1", "kind": "App", "metadata": {"name": "all"}}
    )
    web = deployment("web", replicas=2)
    web["metadata"]["ownerReferences"] = [_owner(app)]
    cluster.create("/apis/apps/v1/namespaces/shop/deployments", web)
    nightly = cluster.create("/apis/batch/v1/namespaces/shop/cronjobs", cron_job("nightly"))
    job = {"metadata": {"name": "nightly-1", "ownerReferences": [_owner(nightly)]}, "spec": {}}
    job["spec"] = nightly["spec"]["jobTemplate"]["spec"]
    cluster.create("/apis/batch/v1/namespaces/shop/jobs", job)
    orphan = {"metadata": {"name": "orphan", "ownerReferences": [{**_owner(app), "kind": "Gone", "uid": "gone"}]}}
    cluster.create(f"{SHOP}/configmaps", orphan)
    for each in ("settings", "also"):
        cluster.create(f"{SHOP}/configmaps", {"metadata": {"name": each}})
    cluster.create(f"{SHOP}/secrets", {"metadata": {"name": "token"}})
    cluster.create(f"{SHOP}/pods", {"metadata": {"name": "mounts"}, "spec": MOUNTED})
    cluster.create(f"{SHOP}/services", service("web"))
    cluster.create(f"{SHOP}/services", service("empty", selector=None))
    cluster.create("/api/v1/namespaces/other/services", service("web"))
    _storage(cluster)
    _network(cluster)
    _access(cluster)
    wait_until(lambda: len(_pods(cluster)) == 4, "pods of the Deployment and the Job")
    wait_until(lambda: len(cluster.list(f"{SHOP}/persistentvolumeclaims")) == 2, "the claim of an ephemeral volume")
    scheduled = ("web", "nightly")
    wait_until(
        lambda: all(each["spec"].get("nodeName") for each in _pods(cluster) if _name(each).startswith(scheduled)),
        "pods are scheduled",
    )
    return cluster


def _pods(cluster: Cluster) -> list[dict[str, Any]]:
    return cluster.list(f"{SHOP}/pods")


def _name(item: dict[str, Any]) -> str:
    return str(item["metadata"]["name"])


def _owner(item: dict[str, Any]) -> dict[str, Any]:
    names = {"name": item["metadata"]["name"], "uid": item["metadata"]["uid"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], **names, "controller": True}


def _storage(cluster: Cluster) -> None:
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}
    cluster.create("/api/v1/persistentvolumes", {"metadata": {"name": "volume"}, "spec": volume})
    claim = {"metadata": {"name": "data"}, "spec": {**CLAIM, "volumeName": "volume", "storageClassName": ""}}
    cluster.create(f"{SHOP}/persistentvolumeclaims", claim)


def _network(cluster: Cluster) -> None:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    missing = {"service": {"name": "missing", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": each} for each in (backend, missing)]
    ingress = {"metadata": {"name": "front"}, "spec": {"rules": [{"host": "a.example", "http": {"paths": paths}}]}}
    cluster.create("/apis/networking.k8s.io/v1/namespaces/shop/ingresses", ingress)
    expression = {"key": "app", "operator": "In", "values": ["web"]}
    policy = {"metadata": {"name": "web"}, "spec": {"podSelector": {"matchExpressions": [expression]}}}
    cluster.create("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies", policy)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target, "maxReplicas": 3}}
    cluster.create("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers", scaler)
    hook = {
        "name": "check.shop.example",
        "clientConfig": {"service": {"namespace": "shop", "name": "web"}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Ignore",
        "rules": [
            {"apiGroups": ["none.example"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["none"]}
        ],
    }
    cluster.create(
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        {"metadata": {"name": "check"}, "webhooks": [hook]},
    )


def _access(cluster: Cluster) -> None:
    reading = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]
    cluster.create(f"{RBAC}/namespaces/shop/roles", {"metadata": {"name": "reader"}, "rules": reading})
    one = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["token"], "verbs": ["get"]}]
    cluster.create(f"{RBAC}/clusterroles", {"metadata": {"name": "token-reader"}, "rules": one})
    pods = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}]
    cluster.create(f"{RBAC}/namespaces/other/roles", {"metadata": {"name": "reader"}, "rules": pods})
    account = {"kind": "ServiceAccount", "namespace": "shop", "name": "default"}
    for where, role_kind, role, subjects in (
        ("shop", "Role", "reader", [account]),
        ("other", "Role", "reader", [{"kind": "User", "name": "no", "apiGroup": "rbac.authorization.k8s.io"}]),
        ("other", "ClusterRole", "token-reader", [{"kind": "Group", "name": "ops"}]),
    ):
        binding = {"metadata": {"name": f"{role}-{role_kind.lower()}"}, "subjects": subjects}
        binding["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}
        cluster.create(f"{RBAC}/namespaces/{where}/rolebindings", binding)


@pytest.fixture(scope="module")
def stored(shop: Cluster, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two contexts that lead to the same cluster, so that every name and uid is there twice."""
    path = tmp_path_factory.mktemp("relations") / "kubeconfig"
    path.write_text(kubeconfig({"one": shop, "two": shop}))
    with Store.connect(new_database()) as store:
        store.migrate()
        for context in kubeconfig_contexts(str(path)).values():
            with Session(context, IMPATIENT) as session:
                for kind in (*(KINDS[name] for name in KINDS_SYNCED), APPS):
                    result = sync_target(session, store, kind, run=Run("run"), settings=Settings.load({}))
                    assert result.attempt.outcome == "complete", result
        yield store


def _asked(store: Store, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return store.connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]


def _edges(store: Store, relation: str) -> set[tuple[Any, ...]]:
    """(source, target, whether the target is in the inventory); each context must have the same ones."""
    found = [
        _asked(
            store,
            """SELECT source_kind, source_namespace, source_name, target_kind, target_namespace, target_name,
            target_uid IS NOT NULL FROM k8s_edges WHERE relation = %s AND context_name = %s""",
            relation,
            context,
        )
        for context in ("one", "two")
    ]
    assert sorted(map(str, found[0])) == sorted(map(str, found[1]))
    assert len(set(found[0])) == len(found[0])
    return set(found[0])


def _names(shop: Cluster, of: str) -> list[str]:
    return [each["metadata"]["name"] for each in _pods(shop) if each["metadata"].get("labels", {}).get("app") == of]


def test_every_pod_has_its_whole_chain_of_owners(shop: Cluster, stored: Store) -> None:
    query = """SELECT name, depth, owner_kind, owner_group, owner_name, is_root FROM k8s_owner_chain
        WHERE context_name = 'one' AND kind = 'Pod' ORDER BY name, depth"""
    chains: dict[str, list[tuple[Any, ...]]] = {}
    for name, *rest in _asked(stored, query):
        chains.setdefault(name, []).append(tuple(rest))
    (replica_set,) = [each["metadata"]["name"] for each in shop.list("/apis/apps/v1/namespaces/shop/replicasets")]
    for name in _names(shop, "web"):
        assert chains.pop(name) == [
            (1, "ReplicaSet", "apps", replica_set, False),
            (2, "Deployment", "apps", "web", False),
            (3, "App", "shop.example", "all", True),
        ]
    assert list(chains.values()) == [
        [(1, "Job", "batch", "nightly-1", False), (2, "CronJob", "batch", "nightly", True)]
    ]


def test_an_owner_that_is_not_in_the_inventory_is_named_all_the_same(stored: Store) -> None:
    query = "SELECT owner_kind, owner_uid, is_root FROM k8s_owner_chain WHERE context_name = 'two' AND name = 'orphan'"
    assert _asked(stored, query) == [("Gone", "gone", True)]


def test_what_an_owner_owns_in_all(shop: Cluster, stored: Store) -> None:
    query = """SELECT owned.depth, owned.kind, owned.name FROM k8s_custom_objects AS app
        CROSS JOIN LATERAL k8s_owned_by(app.context_name, app.uid) AS owned
        WHERE app.context_name = 'one' AND app.name = 'all' ORDER BY 1, 3"""
    found = _asked(stored, query)
    assert [(depth, kind) for depth, kind, _ in found] == [
        (1, "Deployment"),
        (2, "ReplicaSet"),
        (3, "Pod"),
        (3, "Pod"),
    ]
    assert [name for _, kind, name in found if kind == "Pod"] == sorted(_names(shop, "web"))


def test_edges_between_objects(shop: Cluster, stored: Store) -> None:
    web = _names(shop, "web")
    assert _edges(stored, "selects") == {
        *(("Service", "shop", "web", "Pod", "shop", name, True) for name in web),
        *(("NetworkPolicy", "shop", "web", "Pod", "shop", name, True) for name in web),
    }
    assert {each for each in _edges(stored, "runs on") if each[2] in web} == {
        ("Pod", "shop", name, "Node", None, NODE, True) for name in web
    }
    assert _edges(stored, "bound to") == {
        ("PersistentVolumeClaim", "shop", "data", "PersistentVolume", None, "volume", True)
    }
    assert _edges(stored, "routes to") == {
        ("Ingress", "shop", "front", "Service", "shop", "web", True),
        ("Ingress", "shop", "front", "Service", "shop", "missing", False),
    }
    assert _edges(stored, "scales") == {("HorizontalPodAutoscaler", "shop", "web", "Deployment", "shop", "web", True)}
    assert _edges(stored, "calls") == {
        ("ValidatingWebhookConfiguration", None, "check", "Service", "shop", "web", True)
    }
    owned = {each for each in _edges(stored, "owned by") if each[0] in ("Deployment", "ReplicaSet", "ConfigMap")}
    assert ("Deployment", "shop", "web", "App", None, "all", True) in owned
    assert {each[3:6] for each in owned if each[0] == "ReplicaSet"} == {("Deployment", "shop", "web")}


def test_what_a_pod_takes(stored: Store) -> None:
    mine = {each[3:] for each in _edges(stored, "mounts") if each[2] == "mounts"}
    assert mine == {
        *(("ConfigMap", "shop", name, name in ("settings", "also")) for name in ("settings", "also", "from")),
        *(
            ("Secret", "shop", name, name == "token")
            for name in ("projected", "csi", "old", "token", "registry", "from", "key")
        ),
        ("PersistentVolumeClaim", "shop", "data", True),
        ("PersistentVolumeClaim", "shop", "mounts-d", True),
    }
    assert {each[3:] for each in _edges(stored, "uses") if each[2] == "mounts"} == {
        ("ServiceAccount", "shop", "default", True)
    }


def test_who_is_granted_what(stored: Store) -> None:
    granted = {each[:6] for each in _edges(stored, "grants") if each[1] in ("shop", "other")}
    assert granted == {
        ("RoleBinding", "shop", "reader-role", "Role", "shop", "reader"),
        ("RoleBinding", "other", "reader-role", "Role", "other", "reader"),
        ("RoleBinding", "other", "token-reader-clusterrole", "ClusterRole", None, "token-reader"),
    }
    subjects = {each[2:] for each in _edges(stored, "grants to") if each[1] in ("shop", "other")}
    assert subjects == {
        ("reader-role", "ServiceAccount", "shop", "default", True),
        ("reader-role", "User", None, "no", False),
        ("token-reader-clusterrole", "Group", None, "ops", False),
    }


def test_who_can_read_secrets(stored: Store) -> None:
    query = (FOLDER / "queries" / "rbac" / "who_can_read_secrets.sql").read_text()
    found = {
        (kind, name, namespace, str(names))
        for context, _, kind, _, name, namespace, _, _, names, *_ in _asked(stored, query)
        if context == "one" and not str(name).startswith("system:") and kind != "ServiceAccount"
    }
    assert found == {("Group", "ops", "other", "['token']")}
    accounts = [row for row in _asked(stored, query) if row[0] == "one" and row[4] == "default"]
    assert [(row[3], row[5], row[6]) for row in accounts] == [("shop", "shop", ["get", "list"])]
