"""Values that a real API server takes and a typed column can not hold: null there, whole beside it, no other row lost.

Every kind of value is written as a tenant may write it; rows are read back by a client that refuses what Python can not
hold.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.cluster import Rejected

Sync = Callable[..., Result]
NAMESPACE = "/api/v1/namespaces/unfit"
REVISIONS = "/apis/apps/v1/namespaces/unfit/controllerrevisions"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/unfit/leases"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
FAR_TIMES = ["0001-01-01T00:00:00+02:00", "0000-06-01T00:00:00Z", "9999-12-31T23:59:59-14:00"]
LONG = "".join(chr(0x10000 + at) for at in Random(17).sample(range(0x8000), 3000))
"""Of four bytes a character, and not to be compressed."""


@pytest.fixture(scope="module")
def unfit(start_cluster: Callable[..., Cluster]) -> Cluster:
    cluster = start_cluster()
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "unfit"}})
    return cluster


@pytest.fixture
def synced(unfit: Cluster, store: Store, sync: Sync, context_of: Callable[..., Context]) -> Callable[..., Any]:
    """The attempt, and the rows by name: of the columns asked for."""

    def run(kind: str, columns: str) -> tuple[Any, dict[str, tuple[Any, ...]]]:
        attempt = sync(context_of(unfit), kind).attempt
        assert (attempt.outcome, attempt.error) == ("complete", None)
        cursor = store.connection.execute(f"SELECT name, {columns} FROM k8s_{kind}")
        found = {name: tuple(values) for name, *values in cursor}
        again = sync(context_of(unfit), kind).attempt
        assert (again.outcome, again.changed) == ("complete", 0), "what is null is no reason to write a row again"
        return attempt, found

    return run


REVISION_DATA: dict[str, Any] = {
    "template-text": {"spec": {"template": "v1.2.3"}},
    "spec-list": {"spec": [1, 2]},
    "spec-number": {"spec": 1},
    "containers-map": {"spec": {"template": {"spec": {"containers": {"a": {"image": "i"}}}}}},
    "containers-texts": {"spec": {"template": {"spec": {"containers": ["a", 1, None, []]}}}},
    "template-null": {"spec": {"template": None}},
    "huge-number": {"spec": {"template": {"spec": {"containers": 1e300}}}},
    "usual": {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}},
}


def test_revisions_whose_data_is_of_any_shape(unfit: Cluster, synced: Callable[..., Any]) -> None:
    for name, data in REVISION_DATA.items():
        unfit.create(REVISIONS, {"metadata": {"name": name}, "revision": 7, "data": data})
    _, rows = synced("controllerrevisions", "revision, data")
    assert rows.keys() == REVISION_DATA.keys()
    assert {revision for revision, _ in rows.values()} == {7}
    for name, (_, data) in rows.items():
        assert data["data"] == REVISION_DATA[name] or name == "huge-number"


def test_times_that_nobody_can_read(unfit: Cluster, synced: Callable[..., Any]) -> None:
    times = [*FAR_TIMES, "2026-01-01T00:00:00Z"]
    about = {"kind": "Pod", "namespace": "unfit", "name": "p"}
    for number, time in enumerate(times):
        body = {"metadata": {"name": f"e{number}"}, "involvedObject": about, "reason": "Far", "type": "Normal"}
        unfit.create(f"{NAMESPACE}/events", {**body, "firstTimestamp": time, "lastTimestamp": time, "count": 3})
        micro = time[:19] + ".000000" + time[19:]
        unfit.create(LEASES, {"metadata": {"name": f"l{number}"}, "spec": {"renewTime": micro, "acquireTime": micro}})
        pod = {"metadata": {"name": f"p{number}"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        unfit.create(f"{NAMESPACE}/pods", pod)
        state = {"terminated": {"exitCode": 0, "startedAt": time, "finishedAt": time}}
        status = {"name": "c", "image": "i", "imageID": "", "ready": False, "restartCount": 2, "lastState": state}
        body = {"status": {"startTime": time, "phase": "Running", "containerStatuses": [status]}}
        unfit.patch(f"{NAMESPACE}/pods/p{number}/status", body)
    for kind, columns in (
        ("events", "first_seen_at, last_seen_at"),
        ("leases", "renew_time, acquire_time"),
        ("pods", "start_time, last_restart_at"),
    ):
        attempt, rows = synced(kind, columns)
        ordered = [rows[name] for name in sorted(rows) if name[1:].isdecimal()]
        assert ordered[:-1] == [(None, None)] * len(FAR_TIMES), kind
        assert None not in ordered[-1]
        assert f"3 objects (first {kind} unfit/" in attempt.warning


def test_numbers_beyond_a_column(unfit: Cluster, synced: Callable[..., Any]) -> None:
    most = 2**31 - 1
    containers = [{"name": name, "image": "i"} for name in ("a", "b", "c")]
    for name in ("many", "few"):
        unfit.create(f"{NAMESPACE}/pods", {"metadata": {"name": name}, "spec": {"containers": containers}})
    fixed = {"image": "i", "imageID": "", "ready": True, "restartCount": most}
    statuses = [{"name": name, **fixed} for name in ("a", "b", "c")]
    unfit.patch(f"{NAMESPACE}/pods/many/status", {"status": {"containerStatuses": statuses}})
    unfit.patch(f"{NAMESPACE}/pods/few/status", {"status": {"containerStatuses": statuses[:1]}})
    attempt, rows = synced("pods", "restarts, total_containers")
    assert rows["many"] == (None, 3)
    assert rows["few"] == (most, 3)
    assert "first pods unfit/many" in attempt.warning or "first pods unfit/p" in attempt.warning


@pytest.mark.parametrize(
    "size", ["1e999", "9" * 900, "1e-999", "0." + "0" * 400 + "1", "12345678901234567890123456789.5"]
)
def test_quantities_of_any_length(unfit: Cluster, synced: Callable[..., Any], size: str) -> None:
    kinds = "/apis/storage.k8s.io/v1/namespaces/unfit/csistoragecapacities"
    for name, capacity in (("odd", size), ("usual", "5Gi")):
        unfit.create(kinds, {"metadata": {"name": name}, "storageClassName": "a", "capacity": capacity})
    whole = size.partition(".")[0]
    requests = {"example.com/a": whole, "memory": "1Gi"}
    containers = [
        {"name": name, "image": "i", "resources": {"limits": requests, "requests": requests}} for name in "ab"
    ]
    pod: dict[str, Any] = {"metadata": {"name": "sums"}, "spec": {"containers": containers}}
    quota: dict[str, Any] = {"metadata": {"name": "odd"}, "spec": {"hard": {"requests.storage": size}}}
    made = [f"{kinds}/odd", f"{kinds}/usual"]
    try:
        for path, body in ((f"{NAMESPACE}/pods", pod), (f"{NAMESPACE}/resourcequotas", quota)):
            with suppress(Rejected):
                unfit.create(path, body)
                made.append(f"{path}/{body['metadata']['name']}")
        _, rows = synced("csistoragecapacities", "capacity, capacity_bytes")
        assert rows["usual"] == ("5Gi", 5 * 2**30)
        synced("resourcequotas", "hard")
        _, rows = synced("pods", "requests")
        if "sums" in rows:
            assert rows["sums"][0]["example.com/a"] == 2 * int(Decimal(whole))
    finally:
        for path in made:
            unfit.delete(path)


def test_owners_and_names_of_any_length(unfit: Cluster, synced: Callable[..., Any]) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": LONG, "uid": LONG, "controller": True}
    unfit.create(f"{NAMESPACE}/configmaps", {"metadata": {"name": "owned", "ownerReferences": [owner]}})
    unfit.create(f"{NAMESPACE}/configmaps", {"metadata": {"name": "usual"}})
    _, rows = synced("configmaps", "owner_references")
    assert rows["owned"][0][0]["uid"] == LONG
    for name in (LONG, "x" * 20_000, "usual"):
        unfit.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": []})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}],
        }
        unfit.create(f"{RBAC}/clusterrolebindings", binding)
        unfit.create(f"{RBAC}/namespaces/unfit/rolebindings", binding)
    for kind in ("clusterroles", "clusterrolebindings", "rolebindings"):
        _, rows = synced(kind, "uid")
        assert {LONG, "x" * 20_000, "usual"} <= rows.keys()
