"""Objects for tests, benchmarks and the demo: small ones by name, and realistic pods by the thousand."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tests.cluster.cluster import Cluster, Object, Rejected

NODE = "node-1"
PODS = "/api/v1/namespaces/{}/pods"


def fake_node(cluster: Cluster, name: str = NODE) -> None:
    """A Node that is ready, so that the scheduler has a place for pods, which no kubelet runs. It may be there."""
    capacity = {"cpu": "64", "memory": "256Gi", "pods": "10000"}
    with suppress(Rejected):
        cluster.create("/api/v1/nodes", {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
    # Admission taints a new node; what would take that away again takes nodes without a kubelet for lost.
    cluster.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": None}})
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}
    status = {"capacity": capacity, "allocatable": capacity, "conditions": [ready]}
    cluster.patch(f"/api/v1/nodes/{name}/status", {"status": status})


def namespace(name: str) -> Object:
    return {"metadata": {"name": name}}


def pod(name: str, *, image: str = "registry.example/app:1", **spec: Any) -> Object:
    """The smallest pod that the API server takes."""
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": image}], **spec},
    }


def deployment(name: str, *, replicas: int = 1, image: str = "registry.example/app:1") -> Object:
    labels = {"app": name}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(labels)},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    }


def job(name: str, **spec: Any) -> Object:
    template = {"spec": {"containers": [{"name": "main", "image": "registry.example/job:1"}], "restartPolicy": "Never"}}
    return {"metadata": {"name": name}, "spec": {"template": template, **spec}}


def cron_job(name: str, **spec: Any) -> Object:
    template = {"spec": job(name)["spec"]}
    return {"metadata": {"name": name}, "spec": {"schedule": "0 3 * * *", "jobTemplate": template, **spec}}


def service(name: str, **spec: Any) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}], **spec},
    }


def crd(plural: str, group: str, *, kind: str | None = None, scope: str = "Namespaced") -> Object:
    kind = kind or plural.rstrip("s").capitalize()
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "singular": plural.rstrip("s"), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def realistic_pod(number: int) -> Object:
    """A running web pod as a cluster holds them: two containers, an init container, probes, volumes, env."""
    app = f"shop-{number % 97}"
    labels = {
        "app.kubernetes.io/name": app,
        "app.kubernetes.io/instance": f"{app}-production",
        "app.kubernetes.io/version": f"1.{number % 40}.{number % 7}",
        "app.kubernetes.io/component": "web",
        "team": f"team-{number % 13}",
        "pod-template-hash": f"{number % 9973:010x}",
    }

    def container(name: str, port: int) -> Object:
        probe = {"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 10, "failureThreshold": 3}
        return {
            "name": name,
            "image": f"registry.example/team-{number % 13}/{name}:1.{number % 40}.{number % 7}",
            "args": ["--listen", f":{port}", "--log-format=json", f"--shard={number % 16}"],
            "env": [
                {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "REGION", "value": "eu-central-1"},
                {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": app, "key": "api-key"}}},
            ],
            "ports": [{"name": "http", "containerPort": port}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": probe,
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}, {"name": "cache", "mountPath": "/cache"}],
        }

    return {
        "metadata": {
            "name": f"{app}-{number:06d}",
            "labels": labels,
            "annotations": {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": "8080",
                "checksum/config": f"{number * 2654435761 % 2**64:064x}",
            },
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": f"{app}-{number % 9973:010x}",
                    "uid": f"00000000-0000-4000-8000-{number % 97:012x}",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "nodeName": f"node-{number % 100}",
            "serviceAccountName": app,
            "initContainers": [
                {"name": "migrate", "image": "registry.example/migrate:3", "command": ["/migrate", "up"]}
            ],
            "containers": [container("web", 8080), container("proxy", 9090)],
            "volumes": [
                {"name": "config", "configMap": {"name": app}},
                {"name": "cache", "emptyDir": {}},
                {"name": "secret", "secret": {"secretName": app}},
            ],
        },
    }


def realistic_status(number: int) -> Object:
    started = "2026-01-01T00:00:00Z"
    address = f"10.{number // 65536 % 256}.{number // 256 % 256}.{number % 256}"

    def state(name: str) -> Object:
        return {
            "name": name,
            "image": f"registry.example/team-{number % 13}/{name}:1.{number % 40}.{number % 7}",
            "imageID": f"registry.example/{name}@sha256:{number * 40503 % 2**64:064x}",
            "containerID": f"containerd://{number * 48271 % 2**64:064x}",
            "ready": True,
            "started": True,
            "restartCount": number % 3,
            "state": {"running": {"startedAt": started}},
        }

    conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    migrate = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started}}
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "hostIP": "192.0.2.1",
        "hostIPs": [{"ip": "192.0.2.1"}],
        "startTime": started,
        "qosClass": "Burstable",
        "conditions": [{"type": each, "status": "True", "lastTransitionTime": started} for each in conditions],
        "initContainerStatuses": [{**state("migrate"), "state": migrate, "restartCount": 0}],
        "containerStatuses": [state("web"), state("proxy")],
    }


def load_pods(cluster: Cluster, count: int, *, namespaces: int = 20, first: int = 0) -> None:
    """Makes `count` realistic pods with their status, spread over namespaces `load-0` and on."""
    existing = {each["metadata"]["name"] for each in cluster.list("/api/v1/namespaces")}
    for number in range(namespaces):
        if f"load-{number}" not in existing:
            cluster.create("/api/v1/namespaces", namespace(f"load-{number}"))

    def with_status(created: Any) -> None:
        meta = created["metadata"]
        created["status"] = realistic_status(int(meta["name"].rsplit("-", 1)[1]))
        cluster.replace_status(f"{PODS.format(meta['namespace'])}/{meta['name']}", created)

    numbers = range(first, first + count)
    cluster.create_all(
        ((PODS.format(f"load-{number % namespaces}"), realistic_pod(number)) for number in numbers), then=with_status
    )


def make_workloads(cluster: Cluster, namespace: str) -> None:
    """One object of each kind that makes pods by a template, and a service."""
    for plural in ("deployments", "replicasets", "statefulsets", "daemonsets"):
        cluster.create(f"/apis/apps/v1/namespaces/{namespace}/{plural}", deployment("web"))
    cluster.create(f"/apis/batch/v1/namespaces/{namespace}/jobs", job("import"))
    cluster.create(f"/apis/batch/v1/namespaces/{namespace}/cronjobs", cron_job("nightly"))
    cluster.create(f"/api/v1/namespaces/{namespace}/services", service("web"))
