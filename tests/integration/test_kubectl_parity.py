"""Every column that `kubectl get -o wide` shows has typed columns here with the same value.

kubectl prints what the API server computes: its `Table`. Objects of varied state are made, the server's
Table is fetched, and each cell is composed again from our columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.every_kind import PLANTED, make_every_kind
from tests.cluster.objects import crd, cron_job, deployment, job, namespace, pod, service
from tests.equality import TABLE
from tests.integration.kubectl_cells import COMPOSED, TIMES

ContextOf = Callable[..., Context]
Sync = Callable[..., Result]
Row = dict[str, Any]
THEN = "2026-01-01T00:00:00Z"


def container(name: str, **state: Any) -> Row:
    base = {"name": name, "image": "a", "imageID": "", "ready": False, "restartCount": 0, "state": {}}
    return base | state


def waiting(reason: str) -> Row:
    return {"waiting": {"reason": reason}}


def terminated(code: int, reason: str = "", signal: int = 0) -> Row:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal, "finishedAt": THEN, "startedAt": THEN}}


RUNNING = {"running": {"startedAt": THEN}}
DIED = {"lastState": terminated(1, "Error")}
SIDECAR = [{"name": "proxy", "image": "a", "restartPolicy": "Always"}]
INIT = [{"name": "first", "image": "a"}, {"name": "second", "image": "a"}]


def condition(name: str) -> Row:
    return {"type": name, "status": "True", "lastTransitionTime": THEN, "lastProbeTime": THEN}


ENDED = {"startTime": THEN, "completionTime": "2026-01-01T00:02:00Z"}
JOBS: tuple[tuple[str, Row, Row], ...] = (
    ("new", {}, {}),
    ("running", {"completions": 3, "parallelism": 2}, {"startTime": THEN, "active": 2, "ready": 0}),
    ("queue", {"parallelism": 3}, {"startTime": THEN, "active": 3, "ready": 0}),
    (
        "complete",
        {"completions": 2},
        {**ENDED, "succeeded": 2, "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]},
    ),
    (
        "failed",
        {},
        {"startTime": THEN, "failed": 1, "conditions": [condition("FailureTarget"), condition("Failed")]},
    ),
    ("failing", {}, {"startTime": THEN, "failed": 1, "conditions": [condition("FailureTarget")]}),
    ("suspended", {"suspend": True}, {"conditions": [condition("Suspended")]}),
    ("leaving", {}, {"startTime": THEN}),
)

PODS: dict[str, tuple[Row, Row]] = {
    "pending": ({}, {"phase": "Pending"}),
    "running": (
        {},
        {
            "phase": "Running",
            "podIP": "10.0.0.9",
            "podIPs": [{"ip": "10.0.0.9"}, {"ip": "fd00::9"}],
            "containerStatuses": [container("main", ready=True, state=RUNNING)],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    ),
    "crashing": (
        {},
        {
            "phase": "Running",
            "containerStatuses": [container("main", restartCount=7, state=waiting("CrashLoopBackOff"), **DIED)],
        },
    ),
    "pulling": ({}, {"phase": "Pending", "containerStatuses": [container("main", state=waiting("ImagePullBackOff"))]}),
    "done": ({}, {"phase": "Succeeded", "containerStatuses": [container("main", state=terminated(0, "Completed"))]}),
    "failed": ({}, {"phase": "Failed", "containerStatuses": [container("main", state=terminated(1, "Error"))]}),
    "killed-by-signal": ({}, {"phase": "Failed", "containerStatuses": [container("main", state=terminated(0, "", 9))]}),
    "exited": ({}, {"phase": "Failed", "containerStatuses": [container("main", state=terminated(3))]}),
    "out-of-memory": (
        {},
        {"phase": "Failed", "containerStatuses": [container("main", state=terminated(137, "OOMKilled"))]},
    ),
    "evicted": ({}, {"phase": "Failed", "reason": "Evicted"}),
    "gated": ({"schedulingGates": [{"name": "example.com/gate"}]}, {}),
    "nominated": ({}, {"phase": "Pending", "nominatedNodeName": "node-7"}),
    "half-done": (
        {"containers": [{"name": "main", "image": "a"}, {"name": "side", "image": "b"}]},
        {
            "phase": "Running",
            "containerStatuses": [
                container("main", ready=True, state=RUNNING),
                container("side", state=terminated(0, "Completed")),
            ],
            "conditions": [{"type": "Ready", "status": "False"}],
        },
    ),
    "one-failed": (
        {"containers": [{"name": "main", "image": "a"}, {"name": "side", "image": "b"}]},
        {
            "phase": "Running",
            "containerStatuses": [
                container("main", state=terminated(0, "Completed")),
                container("side", state=terminated(2, "Error")),
            ],
        },
    ),
    "initializing": (
        {"initContainers": INIT},
        {
            "phase": "Pending",
            "initContainerStatuses": [
                container("first", state=terminated(0, "Completed"), restartCount=1, **DIED),
                container("second", state=RUNNING),
            ],
            "containerStatuses": [container("main", state=waiting("PodInitializing"))],
        },
    ),
    "init-failing": (
        {"initContainers": INIT},
        {
            "phase": "Pending",
            "initContainerStatuses": [container("first", state=waiting("CrashLoopBackOff"), restartCount=4)],
        },
    ),
    "init-signalled": (
        {"initContainers": INIT},
        {"phase": "Pending", "initContainerStatuses": [container("first", state=terminated(1, "", 11))]},
    ),
    "init-exit-code": (
        {"initContainers": INIT},
        {"phase": "Pending", "initContainerStatuses": [container("first", state=terminated(5))]},
    ),
    "initialized": (
        {"initContainers": INIT},
        {
            "phase": "Running",
            "conditions": [{"type": "Initialized", "status": "True"}],
            "initContainerStatuses": [container("first", state=RUNNING, restartCount=9)],
            "containerStatuses": [container("main", ready=True, state=RUNNING, restartCount=1)],
        },
    ),
    "with-sidecar": (
        {"initContainers": SIDECAR},
        {
            "phase": "Running",
            "initContainerStatuses": [
                container("proxy", ready=True, started=True, state=RUNNING, restartCount=2, **DIED)
            ],
            "containerStatuses": [container("main", ready=True, state=RUNNING, restartCount=1)],
        },
    ),
    "sidecar-starting": (
        {"initContainers": SIDECAR},
        {"phase": "Pending", "initContainerStatuses": [container("proxy", started=False, state=RUNNING)]},
    ),
    "gates": (
        {"readinessGates": [{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}]},
        {"phase": "Running", "conditions": [{"type": "example.com/a", "status": "True"}]},
    ),
}
DELETED = {"terminating": "Running", "finished-and-deleted": "Succeeded", "node-lost": "Running"}

SERVICES: dict[str, Row] = {
    "plain": {},
    "headless": {"clusterIP": "None"},
    "no-selector": {"selector": None, "ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2, "protocol": "UDP"}]},
    "node-port": {"type": "NodePort", "externalIPs": ["192.0.2.1", "192.0.2.2"]},
    "balanced": {"type": "LoadBalancer"},
    "pending": {"type": "LoadBalancer"},
    "balanced-outside": {"type": "LoadBalancer", "externalIPs": ["192.0.2.9"]},
    "outside": {"type": "ExternalName", "externalName": "db.example", "ports": None, "selector": None},
}
INGRESS = [{"ip": "203.0.113.9"}, {"hostname": "lb.example"}, {"ip": "203.0.113.1"}]


@pytest.fixture(scope="module")
def varied(start_cluster: Callable[..., Cluster]) -> Cluster:
    """Objects in every state that the printers tell apart."""
    cluster = start_cluster()
    path = "/api/v1/namespaces/default"
    for name, (spec, status) in PODS.items():
        created = cluster.create(f"{path}/pods", pod(name, **spec))
        created["status"] |= status
        cluster.replace_status(f"{path}/pods/{name}", created)
    for name, phase in DELETED.items():
        body = pod(name)
        body["metadata"]["finalizers"] = ["example.com/stay"]
        created = cluster.create(f"{path}/pods", body)
        created["status"] |= {"phase": phase} | ({"reason": "NodeLost"} if name == "node-lost" else {})
        cluster.replace_status(f"{path}/pods/{name}", created)
        cluster.delete(f"{path}/pods/{name}")
    for name, spec in SERVICES.items():
        created = cluster.create(f"{path}/services", service(name, **spec))
        if name.startswith("balanced"):
            created["status"] = {"loadBalancer": {"ingress": INGRESS}}
            cluster.replace_status(f"{path}/services/{name}", created)
    for name, status in (
        ("rolled-out", {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}),
        ("new", {}),
    ):
        body = deployment(name, replicas=2)
        body["spec"]["selector"]["matchExpressions"] = [
            {"key": "tier", "operator": "In", "values": ["b", "a"]},
            {"key": "canary", "operator": "DoesNotExist"},
        ]
        body["spec"]["template"]["metadata"]["labels"]["tier"] = "a"
        body["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "registry.example/side:2"})
        created = cluster.create("/apis/apps/v1/namespaces/default/deployments", body)
        created["status"] = status
        cluster.replace_status(f"/apis/apps/v1/namespaces/default/deployments/{name}", created)
    for plural, status in (
        ("replicasets", {"replicas": 2, "readyReplicas": 1}),
        ("statefulsets", {"replicas": 2, "readyReplicas": 1, "currentReplicas": 2}),
        (
            "daemonsets",
            {
                "desiredNumberScheduled": 5,
                "currentNumberScheduled": 4,
                "numberReady": 3,
                "updatedNumberScheduled": 2,
                "numberAvailable": 1,
                "numberMisscheduled": 0,
            },
        ),
    ):
        body = deployment("plain")
        if plural == "daemonsets":
            del body["spec"]["replicas"]
            body["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd", "arch": "arm64"}
        cluster.create(f"/apis/apps/v1/namespaces/default/{plural}", body)
        body["metadata"]["name"] = "under-way"
        created = cluster.create(f"/apis/apps/v1/namespaces/default/{plural}", body)
        created["status"] = status
        cluster.replace_status(f"/apis/apps/v1/namespaces/default/{plural}/under-way", created)
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    for name, spec, status in JOBS:
        body = job(name, **spec)
        if name == "leaving":
            body["metadata"]["finalizers"] = ["example.com/hold"]
        created = cluster.create(jobs, body)
        created["status"] = status
        cluster.replace_status(f"{jobs}/{name}", created)
    cluster.request("DELETE", f"{jobs}/leaving?propagationPolicy=Background")
    cron_jobs = "/apis/batch/v1/namespaces/default/cronjobs"
    for name, spec, status in (
        ("nightly", {"timeZone": "Europe/Berlin"}, {"lastScheduleTime": THEN, "active": [{"name": "nightly-1"}]}),
        ("paused", {"suspend": True}, {}),
    ):
        created = cluster.create(cron_jobs, cron_job(name, **spec))
        created["status"] = status
        cluster.replace_status(f"{cron_jobs}/{name}", created)
    cluster.create("/api/v1/namespaces", namespace("leaving"))
    cluster.create(f"{path.replace('default', 'leaving')}/pods", pod("guest"))
    cluster.delete("/api/v1/namespaces/leaving")
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("printers", "shop.example"))
    make_every_kind(cluster)
    return cluster


@pytest.mark.parametrize("kind", KINDS)
def test_every_cell_of_the_servers_table_has_its_column(
    varied: Cluster, store: Store, sync: Sync, context_of: ContextOf, kind: str
) -> None:
    declared = KINDS[kind]
    path = f"{declared.list_path(declared.versions[0])}?includeObject=Metadata"
    for _ in range(5):  # the API server writes Events and leases of its own in between
        assert sync(context_of(varied), kind).attempt.outcome == "complete"
        table = varied.request("GET", path, accept=TABLE)
        cursor = store.connection.execute(f"SELECT * FROM {declared.table}")
        names = [column.name for column in cursor.description or ()]
        rows = {row["uid"]: row for row in (dict(zip(names, values, strict=True)) for values in cursor)}
        versions = {
            each["object"]["metadata"]["uid"]: each["object"]["metadata"]["resourceVersion"] for each in table["rows"]
        }
        if versions == {uid: row["resource_version"] for uid, row in rows.items()}:
            break
    titles = [column["name"] for column in table["columnDefinitions"]]
    assert set(titles) == COMPOSED[kind].keys() | (set(titles) & TIMES.keys())
    assert len(table["rows"]) == len(rows) > 0
    for printed in table["rows"]:
        meta = printed["object"]["metadata"]
        row = rows[meta["uid"]]
        for title, cell in zip(titles, printed["cells"], strict=kind != "ipaddresses"):  # 1.36 sends a third cell there
            if title in TIMES:
                assert row[TIMES[title]] == datetime.fromisoformat(meta["creationTimestamp"]), meta["name"]
            elif title == "Last Seen" and re.fullmatch("([0-9]+[smh])+", cell):
                assert datetime.now(UTC) - row["last_seen_at"] < timedelta(days=3), "an Event of the API server's own"
            else:
                expected = str(cell).partition(" (")[0] if title == "Restarts" else cell
                assert COMPOSED[kind][title](row) == expected, (meta["name"], title)


UNSUPPORTED = {"componentstatuses"}
"""Its objects have no uid; the API is deprecated. What the cluster serves beyond Kubernetes' own is not read yet."""


def test_every_kind_that_the_server_lists_is_declared(varied: Cluster) -> None:
    groups = varied.request("GET", "/apis")["groups"]
    added = ("shop.example", "metrics.example")
    preferred = [f"/apis/{g['preferredVersion']['groupVersion']}" for g in groups if g["name"] not in added]
    listable = {
        (root, resource["name"], resource["namespaced"])
        for root in ("/api/v1", *preferred)
        for resource in varied.request("GET", root)["resources"]
        if "list" in resource["verbs"]
    }
    declared = {
        (kind.list_path(kind.versions[0]).rpartition("/")[0], kind.plural, kind.namespaced) for kind in KINDS.values()
    }
    same_objects = {("/apis/events.k8s.io/v1", "events", True)}  # those of v1 once more
    assert {each for each in listable - declared - same_objects if each[1] not in UNSUPPORTED} == set()
    assert declared <= listable


def test_the_values_of_secrets_and_config_maps_are_nowhere(
    varied: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    for kind in KINDS.values():
        assert sync(context_of(varied), kind.name).attempt.outcome == "complete"
        held = store.connection.execute(f"SELECT count(*) FROM {kind.table} AS held WHERE held::text ~ %s", [PLANTED])
        assert held.fetchone() == (0,), kind.name


def test_quantities_are_numbers(varied: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    for kind in ("nodes", "persistentvolumes", "csistoragecapacities", "resourcequotas"):
        sync(context_of(varied), kind)
    node = "SELECT cpu_capacity, memory_capacity, ephemeral_storage_allocatable, pods_capacity FROM k8s_nodes"
    found = store.connection.execute(f"{node} WHERE name = 'ready'").fetchone()
    assert found == (Decimal("3.5"), 16 * 1024**3, 10**11, 110)
    volume = store.connection.execute("SELECT DISTINCT capacity, capacity_bytes FROM k8s_persistentvolumes").fetchall()
    assert volume == [("1536Mi", 1536 * 1024**2)]
    left = store.connection.execute("SELECT capacity_bytes, maximum_volume_size_bytes FROM k8s_csistoragecapacities")
    assert left.fetchone() == (128974848, 1024**4)
    quota = store.connection.execute("SELECT hard_numbers, used_numbers FROM k8s_resourcequotas").fetchone()
    assert quota == ({"requests.cpu": 1.5, "limits.memory": 1024**3, "pods": 10}, {"requests.cpu": 0.1, "pods": 3})


def test_the_time_of_the_last_restart_is_a_column(
    varied: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    """The second part of kubectl's `2 (10d ago)`."""
    sync(context_of(varied), "pods")
    rows = store.connection.execute(
        "SELECT name FROM k8s_pods WHERE last_restart_at = %s ORDER BY 1", [datetime(2026, 1, 1, tzinfo=UTC)]
    )
    printed = varied.request("GET", "/api/v1/pods?includeObject=Metadata", accept=TABLE)["rows"]
    expected = sorted(row["cells"][0] for row in printed if "ago" in row["cells"][3])
    assert [row[0] for row in rows] == expected != []
