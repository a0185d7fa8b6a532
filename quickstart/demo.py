"""Two small clusters with real controllers and workloads, for those who have no kubeconfig at hand.

Most of what is in them is as it should be. Of each some things are not, so that there is something to find: a pod that
crashes or has no image, a privileged one, rights that are too wide, an Ingress without TLS, a Service without pods.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any

from quickstart import kubelet
from quickstart.places import CLUSTERS, KUBECONFIG, private, write_private
from tests.cluster import Cluster, Rejected, kubeconfig
from tests.cluster.objects import NODE, crd, deployment, fake_node, namespace, service

Wanted = tuple[str, dict[str, Any]]
"""A path, and what is to be there."""

_APPS = {
    "demo-east": {"shop": {"web": 3, "cart": 2, "checkout": 1}, "billing": {"invoices": 1}},
    "demo-west": {"shop": {"web": 2}, "search": {"index": 2, "suggest": 1, "rank": 1}},
}
_FAILING = {"checkout": kubelet.crashing, "rank": kubelet.waiting_for_image}
_SECONDS = 20
"""For new pods to come up: they take three."""


def start() -> str:
    """Starts the clusters, or finds them running; returns the path of their kubeconfig."""
    private(CLUSTERS)
    clusters = {name: Cluster.start(CLUSTERS / name, controllers=True) for name in _APPS}
    write_private(KUBECONFIG, kubeconfig(clusters))
    new = {name: _make(cluster, [*_workloads(_APPS[name]), *_FLAWS[name]]) for name, cluster in clusters.items()}
    for name, cluster in clusters.items():
        _play_kubelet(cluster, seconds=_SECONDS if new[name] else 0)
    return str(KUBECONFIG)


def environment(kubeconfig: str) -> dict[str, str]:
    """What those are told who read the clusters. Nobody else asks these, so the pace for those of others is left."""
    return {"KUBECONFIG": kubeconfig, "K8S_REQUESTS_PER_SECOND": os.environ.get("K8S_REQUESTS_PER_SECOND") or "1000"}


def stop() -> None:
    """Stops the clusters that run. Their data stays."""
    for state in sorted(CLUSTERS.glob("*/state.json")):
        if Cluster.load(state.parent).stop():
            print(f"Stopped cluster {state.parent.name}.")


def _make(cluster: Cluster, wanted: list[Wanted]) -> bool:
    """Makes what is not there from an earlier run; returns whether there was any."""
    fake_node(cluster)
    is_new = False
    for path, body in wanted:
        with suppress(Rejected):
            cluster.create(path, body)
            is_new = True
    return is_new


def _workloads(apps: dict[str, dict[str, int]]) -> list[Wanted]:
    wanted: list[Wanted] = [
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("certificates", "cert.example"))
    ]
    for name, deployments in apps.items():
        wanted.append(("/api/v1/namespaces", namespace(name)))
        for app, replicas in deployments.items():
            tag = "latest" if app == "rank" else f"1.{replicas}"
            made = deployment(app, replicas=replicas, image=f"registry.example/{name}/{app}:{tag}")
            _harden(made["spec"]["template"]["spec"])
            wanted.append((f"/apis/apps/v1/namespaces/{name}/deployments", made))
            wanted.append((f"/api/v1/namespaces/{name}/services", service(app)))
    return wanted


def _harden(pod: dict[str, Any]) -> None:
    """What the restricted Pod Security Standard wants, requests and a probe."""
    pod["automountServiceAccountToken"] = False
    pod["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in pod["containers"]:
        container["resources"] = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}
        container["readinessProbe"] = {"httpGet": {"path": "/healthz", "port": 8080}}
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def _agent() -> dict[str, Any]:
    """A DaemonSet that may do anything on its nodes."""
    made = deployment("node-agent", image="registry.example/ops/node-agent:2.0")
    del made["spec"]["replicas"]
    pod = made["spec"]["template"]["spec"]
    pod["containers"][0] |= {
        "securityContext": {"privileged": True},
        "volumeMounts": [{"name": "host", "mountPath": "/host"}],
    }
    pod["volumes"] = [{"name": "host", "hostPath": {"path": "/"}}]
    return made


def _ingress(name: str, host: str) -> dict[str, Any]:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {"metadata": {"name": name}, "spec": {"rules": [rule]}}


_FLAWS: dict[str, list[Wanted]] = {
    "demo-east": [
        ("/apis/apps/v1/namespaces/kube-system/daemonsets", _agent()),
        ("/apis/networking.k8s.io/v1/namespaces/shop/ingresses", _ingress("web", "shop.example")),
    ],
    "demo-west": [
        ("/api/v1/namespaces/search/services", service("legacy")),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            {
                "metadata": {"name": "search-admin"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "search"}],
            },
        ),
    ],
}


def _play_kubelet(cluster: Cluster, *, seconds: float) -> None:
    """Says of each scheduled pod what became of it: no kubelet does. Waits at most so long until all are there."""
    deadline = time.monotonic() + seconds
    while True:
        pods = cluster.list("/api/v1/pods")
        for pod in pods:
            if pod["spec"].get("nodeName") == NODE:
                with suppress(Rejected):  # it was changed in between: next time
                    _play_on(cluster, pod)
        if all(_is_played(pod) for pod in pods) and _are_up(cluster):
            return
        if time.monotonic() > deadline:
            return
        time.sleep(0.2)


def _are_up(cluster: Cluster) -> bool:
    """Whether the controllers have made all pods and seen which of them are ready."""
    for each in cluster.list("/apis/apps/v1/deployments"):
        wanted, status = each["spec"]["replicas"], each["status"]
        ready = 0 if each["metadata"]["name"] in _FAILING else wanted
        if (status.get("replicas", 0), status.get("availableReplicas", 0)) != (wanted, ready):
            return False
    return all(
        each["status"].get("observedGeneration")
        and each["status"]["numberReady"] == each["status"]["desiredNumberScheduled"]
        for each in cluster.list("/apis/apps/v1/daemonsets")
    )


def _is_played(pod: dict[str, Any]) -> bool:
    return bool(pod["status"].get("containerStatuses"))


def _play_on(cluster: Cluster, pod: dict[str, Any]) -> None:
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
    if meta.get("deletionTimestamp"):
        cluster.delete(path)
    elif not _is_played(pod):
        status_of = _FAILING.get(meta.get("labels", {}).get("app"), kubelet.running)
        cluster.replace_status(path, {**pod, "status": status_of(pod)})
