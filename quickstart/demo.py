"""Two small clusters with real controllers and a workload, for those who have no kubeconfig at hand."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from quickstart.places import CLUSTERS, KUBECONFIG, private, write_private
from tests.cluster import Cluster, Rejected, kubeconfig
from tests.cluster.objects import NODE, crd, deployment, fake_node, namespace, service

_WORKLOADS = {
    "demo-east": {"shop": {"web": 3, "cart": 2}, "billing": {"invoices": 1}},
    "demo-west": {"shop": {"web": 2}, "search": {"index": 2, "suggest": 1}},
}


def start() -> str:
    """Starts the clusters, or finds them running; returns the path of their kubeconfig."""
    private(CLUSTERS)
    clusters = {name: Cluster.start(CLUSTERS / name, controllers=True) for name in _WORKLOADS}
    write_private(KUBECONFIG, kubeconfig(clusters))
    new = {name: _deploy(cluster, _WORKLOADS[name]) for name, cluster in clusters.items()}
    for name, cluster in clusters.items():
        _play_kubelet(cluster, seconds=10 if new[name] else 0)
    return str(KUBECONFIG)


def stop() -> None:
    """Stops the clusters that run. Their data stays."""
    for state in sorted(CLUSTERS.glob("*/state.json")):
        if Cluster.load(state.parent).stop():
            print(f"Stopped cluster {state.parent.name}.")


def _deploy(cluster: Cluster, workloads: dict[str, dict[str, int]]) -> bool:
    """Makes what is not there from an earlier run; returns whether there was any."""
    fake_node(cluster)
    is_new = False
    for name, deployments in workloads.items():
        wanted: list[tuple[str, dict[str, Any]]] = [("/api/v1/namespaces", namespace(name))]
        for app, replicas in deployments.items():
            image = f"registry.example/{name}/{app}:1.{replicas}"
            wanted.append(
                (f"/apis/apps/v1/namespaces/{name}/deployments", deployment(app, replicas=replicas, image=image))
            )
            wanted.append((f"/api/v1/namespaces/{name}/services", service(app)))
        wanted.append(("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("certificates", "cert.example")))
        for path, body in wanted:
            with suppress(Rejected):
                cluster.create(path, body)
                is_new = True
    return is_new


def _play_kubelet(cluster: Cluster, *, seconds: float) -> None:
    """Says of each scheduled pod that it runs: no kubelet does. Waits at most so long until all replicas are there."""
    deadline = time.monotonic() + seconds
    while True:
        for number, pod in enumerate(cluster.list("/api/v1/pods")):
            if pod["spec"].get("nodeName") == NODE:
                with suppress(Rejected):  # it was changed in between: next time
                    _play_on(cluster, pod, f"10.1.0.{number + 1}")
        deployments = cluster.list("/apis/apps/v1/deployments")
        if all(each["status"].get("availableReplicas") == each["spec"]["replicas"] for each in deployments):
            return
        if time.monotonic() > deadline:
            return
        time.sleep(0.2)


def _play_on(cluster: Cluster, pod: dict[str, Any], address: str) -> None:
    meta = pod["metadata"]
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))
    if meta.get("deletionTimestamp"):
        cluster.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}")
    elif not is_ready:
        _run_pod(cluster, pod, address)


def _run_pod(cluster: Cluster, pod: dict[str, Any], address: str) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    conditions = [{"type": each, "status": "True", "lastTransitionTime": now} for each in ("Ready", "ContainersReady")]
    told = {each["type"] for each in conditions}
    others = [each for each in pod["status"].get("conditions", []) if each["type"] not in told]
    pod["status"] |= {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "conditions": [*others, *conditions],
        "containerStatuses": [
            {
                "name": each["name"],
                "image": each["image"],
                "imageID": "",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            }
            for each in pod["spec"]["containers"]
        ],
    }
    meta = pod["metadata"]
    cluster.replace_status(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", pod)
