"""A pod's sums of requests and limits, against what the API server's own quota counts for the same pod."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from k8s_inventory.kinds.quantities import quantity
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster

QUOTA = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def container(name: str, request: str, limit: str, memory: str = "1Gi", **more: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": request, "memory": memory}, "limits": {"cpu": limit, "memory": memory}}
    return {"name": name, "image": "registry.example/app:1", "resources": resources, **more}


MAIN = [container("web", "250m", "1"), container("log", "0.1", "1e0", "128974848000m")]
SIDECAR = container("mesh", "300m", "500m", "64Mi", restartPolicy="Always")
SHAPES: dict[str, dict[str, Any]] = {
    "sum": {"containers": MAIN},
    "small-init": {"containers": MAIN, "initContainers": [container("init", "100m", "100m")]},
    "large-init": {"containers": MAIN, "initContainers": [container("init", "4", "4", "100Mi")]},
    "sidecar": {"containers": MAIN, "initContainers": [SIDECAR]},
    "init-after-sidecar": {"containers": MAIN, "initContainers": [SIDECAR, container("init", "2", "2", "4Gi")]},
    "init-before-sidecar": {"containers": MAIN, "initContainers": [container("init", "2", "2", "4Gi"), SIDECAR]},
    "overhead": {"containers": MAIN, "runtimeClassName": "heavy"},
    "pod-level": {
        "containers": MAIN,
        "resources": {"requests": {"cpu": "3", "memory": "8Gi"}, "limits": {"cpu": "5", "memory": "8Gi"}},
    },
    "pod-level-overhead": {
        "containers": MAIN,
        "runtimeClassName": "heavy",
        "resources": {"requests": {"cpu": "3"}, "limits": {"cpu": "5"}},
    },
}


@pytest.fixture(scope="module")
def counted(cluster: Cluster) -> dict[str, dict[str, Decimal]]:
    """Makes a pod of each shape in a namespace of its own; what the quota there then counts as used."""
    runtime_classes = "/apis/node.k8s.io/v1/runtimeclasses"
    overhead = {"podFixed": {"cpu": "150m", "memory": "120Mi"}}
    cluster.create(runtime_classes, {"metadata": {"name": "heavy"}, "handler": "heavy", "overhead": overhead})
    used = {}
    for name, spec in SHAPES.items():
        namespace = f"/api/v1/namespaces/sums-{name}"
        cluster.create("/api/v1/namespaces", {"metadata": {"name": f"sums-{name}"}})
        hard = dict.fromkeys(QUOTA, "1Ti")
        quota = cluster.create(f"{namespace}/resourcequotas", {"metadata": {"name": "all"}, "spec": {"hard": hard}})
        quota["status"] = {"hard": hard, "used": dict.fromkeys(QUOTA, "0")}
        cluster.replace_status(f"{namespace}/resourcequotas/all", quota)
        cluster.create(f"{namespace}/pods", {"metadata": {"name": name}, "spec": spec})
        (quota,) = cluster.list(f"{namespace}/resourcequotas")
        used[name] = {resource: quantity(quota["status"]["used"][resource]) for resource in QUOTA}
    return used


def test_sums_are_those_that_the_api_server_counts(
    cluster: Cluster,
    store: Store,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    counted: dict[str, dict[str, Decimal]],
) -> None:
    assert sync(context_of(cluster), "pods").attempt.outcome == "complete"
    stored = store.connection.execute(
        "SELECT name, cpu_request, memory_request, cpu_limit, memory_limit FROM k8s_pods WHERE name = ANY(%s)",
        [list(SHAPES)],
    )
    sums = {name: dict(zip(QUOTA, numbers, strict=True)) for name, *numbers in stored}
    assert sums == counted
    assert len({tuple(each.values()) for each in sums.values()}) == len(SHAPES) - 1  # a small init container is free


def test_every_resource_is_in_the_json_and_what_is_not_asked_for_is_null(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context]
) -> None:
    gpu = {"requests": {"example.com/gpu": "2"}, "limits": {"example.com/gpu": "2"}}
    spec = {"containers": [{"name": "main", "image": "registry.example/app:1", "resources": gpu}]}
    cluster.create("/api/v1/namespaces/shop/pods", {"metadata": {"name": "gpu"}, "spec": spec})
    try:
        sync(context_of(cluster), "pods")
    finally:
        cluster.delete("/api/v1/namespaces/shop/pods/gpu")
    row = store.connection.execute(
        "SELECT requests, limits, cpu_request, memory_limit FROM k8s_pods WHERE name = 'gpu'"
    ).fetchone()
    assert row == ({"example.com/gpu": 2}, {"example.com/gpu": 2}, None, None)
