"""What the scheduler sets aside for a pod that is resized in place, by the scheduler: what still fits beside it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.cluster import wait_until

NODES, PODS = "/api/v1/nodes", "/api/v1/namespaces/default/pods"
CORES = 16


def cpu(amount: object) -> dict[str, Any]:
    return {"requests": {"cpu": str(amount)}}


def main(resources: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": "main", "image": "i", "resources": resources or {}, **more}


def status(name: str = "main", **more: Any) -> dict[str, Any]:
    running = {"startedAt": "2026-01-01T00:00:00Z"}
    fixed = {"image": "i", "imageID": "", "ready": True, "restartCount": 0, "state": {"running": running}}
    return {"name": name, **fixed, **more}


INFEASIBLE = [{"type": "PodResizePending", "status": "True", "reason": "Infeasible"}]
DEFERRED = [{"type": "PodResizePending", "status": "True", "reason": "Deferred"}]
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pod-shrinks": (
        {"containers": [main()], "resources": cpu(1)},
        {"resources": cpu(3), "allocatedResources": {"cpu": "3"}},
    ),
    "pod-grows": (
        {"containers": [main()], "resources": cpu(5)},
        {"resources": cpu(3), "allocatedResources": {"cpu": "3"}},
    ),
    "pod-is-allocated-more": (
        {"containers": [main()], "resources": cpu(1)},
        {"resources": cpu(2), "allocatedResources": {"cpu": "4"}},
    ),
    "pod-is-allocated-without-resources": (
        {"containers": [main()], "resources": cpu(1)},
        {"allocatedResources": {"cpu": "4"}},
    ),
    "pod-infeasible": (
        {"containers": [main()], "resources": cpu(9)},
        {"resources": cpu(2), "allocatedResources": {"cpu": "2"}, "conditions": INFEASIBLE},
    ),
    "pod-deferred": (
        {"containers": [main()], "resources": cpu(9)},
        {"resources": cpu(2), "allocatedResources": {"cpu": "2"}, "conditions": DEFERRED},
    ),
    "pod-infeasible-of-nothing": (
        {"containers": [main()], "resources": cpu(9)},
        {"resources": {}, "conditions": INFEASIBLE},
    ),
    "pod-names-memory-alone": (
        {"containers": [main(cpu(2))], "resources": {"requests": {"memory": "1Gi"}}},
        {"resources": {"requests": {"cpu": "7", "memory": "2Gi"}}, "allocatedResources": {"cpu": "7"}},
    ),
    "pod-names-none": (
        {"containers": [main(cpu(2))]},
        {"resources": cpu(7), "allocatedResources": {"cpu": "7"}},
    ),
    "pod-with-resized-container": (
        {"containers": [main(cpu(1))], "resources": cpu(2)},
        {"resources": cpu(3), "containerStatuses": [status(resources=cpu(8), allocatedResources={"cpu": "8"})]},
    ),
    "pod-with-overhead": (
        {"containers": [main()], "resources": cpu(1), "runtimeClassName": "heavy"},
        {"resources": cpu(3), "allocatedResources": {"cpu": "3"}},
    ),
    "container-shrinks": (
        {"containers": [main(cpu(1))]},
        {"containerStatuses": [status(resources=cpu(3), allocatedResources={"cpu": "3"})]},
    ),
    "container-is-allocated-without-resources": (
        {"containers": [main(cpu(1))]},
        {"containerStatuses": [status(allocatedResources={"cpu": "3"})]},
    ),
    "container-infeasible": (
        {"containers": [main(cpu(9))]},
        {
            "conditions": INFEASIBLE,
            "containerStatuses": [status(resources=cpu(1), allocatedResources={"cpu": "2"})],
        },
    ),
    "container-infeasible-of-nothing": (
        {"containers": [main(cpu(9))]},
        {"conditions": INFEASIBLE, "containerStatuses": [status(resources={})]},
    ),
    "sidecar-shrinks": (
        {"containers": [main(cpu(1))], "initContainers": [{**main(cpu(1)), "name": "s", "restartPolicy": "Always"}]},
        {"initContainerStatuses": [status("s", resources=cpu(4), allocatedResources={"cpu": "4"})]},
    ),
    "init-container-counts-by-its-spec": (
        {"containers": [main(cpu(1))], "initContainers": [{**main(cpu(2)), "name": "s"}]},
        {"initContainerStatuses": [status("s", resources=cpu(4), allocatedResources={"cpu": "4"})]},
    ),
}


@pytest.fixture(scope="module")
def resized(start_cluster: Callable[..., Cluster]) -> Cluster:
    """A node for each shape, with a pod of it."""
    cluster = start_cluster(controllers=True)
    overhead = {"podFixed": {"cpu": "500m"}}
    runtime_classes = "/apis/node.k8s.io/v1/runtimeclasses"
    cluster.create(runtime_classes, {"metadata": {"name": "heavy"}, "handler": "heavy", "overhead": overhead})
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    wait_until(lambda: bool(cluster.list(accounts)), "the default service account")
    sizes = {"cpu": str(CORES), "memory": "64Gi", "pods": "100"}
    ready = {"type": "Ready", "status": "True", "reason": "x", "message": "x"}
    for name, (spec, state) in SHAPES.items():
        cluster.create(NODES, {"metadata": {"name": name, "labels": {"of": name}}})
        of_node = {"capacity": sizes, "allocatable": sizes, "conditions": [ready]}
        cluster.patch(f"{NODES}/{name}/status", {"status": of_node})
        cluster.create(PODS, {"metadata": {"name": name}, "spec": {"nodeName": name, **spec}})
        cluster.patch(f"{PODS}/{name}/status", {"status": {"phase": "Running", **state}})
    return cluster


def test_what_fits_beside_a_pod_is_what_it_leaves(
    resized: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context]
) -> None:
    assert sync(context_of(resized), "pods").attempt.outcome == "complete"
    asked: dict[str, Decimal | None] = dict(store.connection.execute("SELECT name, cpu_request FROM k8s_pods"))
    assert asked.keys() == SHAPES.keys()

    def add(name: str, beside: str, size: Decimal) -> None:
        spec = {
            "containers": [main(cpu(size))],
            "nodeSelector": {"of": beside},
            "tolerations": [{"operator": "Exists"}],
        }
        resized.create(PODS, {"metadata": {"name": f"{name}-{beside}"}, "spec": spec})

    def placed(name: str) -> dict[str, bool | None]:
        """None until the scheduler has decided."""
        found: dict[str, bool | None] = {}
        for pod in resized.list(PODS):
            if pod["metadata"]["name"].startswith(f"{name}-") and "nodeSelector" in pod["spec"]:
                conditions = [
                    each["status"] for each in pod["status"].get("conditions", ()) if each["type"] == "PodScheduled"
                ]
                decided = bool(conditions) or "nodeName" in pod["spec"]
                found[pod["spec"]["nodeSelector"]["of"]] = "nodeName" in pod["spec"] if decided else None
        return found

    for name, expected, more in (("toolarge", False, Decimal("0.001")), ("fitting", True, Decimal(0))):
        for beside, size in asked.items():
            add(name, beside, CORES - (size or 0) + more)
        wait_until(lambda name=name: len(placed(name)) == len(SHAPES) and None not in placed(name).values(), name)  # type: ignore[misc]
        assert placed(name) == dict.fromkeys(SHAPES, expected)
