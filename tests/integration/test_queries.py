"""The ready-made queries: each finds what was planted for it, and not what looks almost like it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from psycopg.rows import dict_row

from k8s_inventory.answers.asking import known_by
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.queries import NOT_KNOWN, query_pack
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run
from tests.cluster import Cluster
from tests.cluster.binary import OLDEST_VERSION
from tests.cluster.cluster import Object, User
from tests.cluster.every_kind import _certificate_request
from tests.cluster.objects import crd, namespace
from tests.conftest import IMPATIENT, _migrate, again, context_to, sync_with_custom_objects
from tests.syncing import sync_kinds

Row = dict[str, Any]
APPS = "/apis/apps/v1/namespaces/{}"
BATCH = "/apis/batch/v1/namespaces/{}"
CORE = "/api/v1/namespaces/{}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NET = "/apis/networking.k8s.io/v1/namespaces/{}"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
THEN = "2026-01-01T00:00:00Z"
NOW = datetime.now(UTC)


class Planter:
    """Makes objects in a namespace, `shop` unless it is named."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def put(self, path: str, name: str, body: Object, *, ns: str = "shop", status: Object | None = None) -> Object:
        made = {**body, "metadata": {**body.get("metadata", {}), "name": name}}
        created: Object = self.cluster.create(path.format(ns), made)
        if status is not None:
            created["status"] = {**created.get("status", {}), **status}
            created = self.cluster.request("PUT", f"{path.format(ns)}/{name}/status", created)
        return created

    def pod(
        self,
        name: str,
        *,
        container: Object | None = None,
        status: Object | None = None,
        ns: str = "shop",
        labels: Object | None = None,
        owner: Object | None = None,
        metadata: Object | None = None,
        **spec: Any,
    ) -> Object:
        image = {"name": "main", "image": "registry.example/app:1"}
        of_owner = {"ownerReferences": [owner]} if owner else {}
        meta = {"labels": labels or {"app": name}, **of_owner, **(metadata or {})}
        body = {"metadata": meta, "spec": {"containers": [{**image, **(container or {})}], **spec}}
        return self.put(f"{CORE}/pods", name, body, ns=ns, status=status)


def owned_by(owner: Object, kind: str, api_version: str = "apps/v1") -> Object:
    meta = owner["metadata"]
    return {"apiVersion": api_version, "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": True}


def workload(name: str, replicas: int = 1, container: Object | None = None, **spec: Any) -> Object:
    pod_spec = {"containers": [{"name": "main", "image": "registry.example/app:1", **(container or {})}], **spec}
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec},
        },
    }


def waiting(reason: str, **state: Any) -> Object:
    status = {"name": "main", "image": "registry.example/app:1", "imageID": "", "ready": False, "restartCount": 0}
    return {"phase": "Pending", "containerStatuses": [{**status, "state": {"waiting": {"reason": reason}}, **state}]}


def running(image_id: str = "", *, ready: bool = True, image: str = "registry.example/app:1", **more: Any) -> Object:
    status = {"name": "main", "image": image, "imageID": image_id, "ready": ready, "restartCount": 0}
    return {
        "phase": "Running",
        "containerStatuses": [{**status, "state": {"running": {"startedAt": THEN}}, **more}],
        "conditions": [{"type": "Ready", "status": str(ready)}],
    }


def killed(reason: str, restarts: int) -> Object:
    ended = {"exitCode": 137, "reason": reason, "startedAt": THEN, "finishedAt": (NOW).strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {"restartCount": restarts, "lastState": {"terminated": ended}}


def plant(cluster: Cluster) -> None:
    plants = Planter(cluster)
    put, pod = plants.put, plants.pod
    for name, labels in {"shop": {"team": "red"}, "safe": {"pod-security.kubernetes.io/enforce": "baseline"}}.items():
        put("/api/v1/namespaces", name, {"metadata": {"labels": labels}})
    for name in ("bare", "empty"):
        cluster.create("/api/v1/namespaces", namespace(name))
    strict = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    resources = {"requests": {"cpu": "100m", "memory": "1Mi"}, "limits": {"memory": "2Mi"}}
    account = f"{CORE}/serviceaccounts"
    put(account, "default", {})
    put(account, "quiet", {"automountServiceAccountToken": False})
    put(account, "unused", {})
    put(account, "puller", {"imagePullSecrets": [{"name": "pull"}], "secrets": [{"name": "of-account"}]})
    # -- security
    pod("plain", container={"securityContext": {"privileged": False}})
    pod("strict", container={"securityContext": strict, "resources": resources}, serviceAccountName="quiet")
    pod("privileged", initContainers=[{"name": "first", "image": "a:1", "securityContext": {"privileged": True}}])
    pod("host-pid", hostPID=True)
    pod("host-net", hostNetwork=True, hostPID=False)
    pod("adds", container={"securityContext": {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}})
    pod("adds-usual", container={"securityContext": {"capabilities": {"add": ["CHOWN"]}}})
    pod("root-of-pod", container={"securityContext": {"runAsNonRoot": True}}, securityContext={"runAsUser": 0})
    pod("user-of-pod", securityContext={"runAsUser": 1000})
    pod("non-root-pod", securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}})
    pod("overrides", container={"securityContext": {"runAsNonRoot": False}}, securityContext={"runAsNonRoot": True})
    profile = {"seccompProfile": {"type": "RuntimeDefault"}}
    pod(
        "unconfined", container={"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, securityContext=profile
    )
    pod("mounts-host", volumes=[{"name": "v", "hostPath": {"path": "/var/run/docker.sock"}}])
    pod("mounts-secret", volumes=[{"name": "v", "secret": {"secretName": "in-volume"}}])
    pod("host-port", container={"ports": [{"containerPort": 80, "hostPort": 8080}]})
    pod("port", container={"ports": [{"containerPort": 80}]})
    pod("env-secret", container={"envFrom": [{"secretRef": {"name": "in-env"}}]})
    pod("no-token", automountServiceAccountToken=False)
    pod("asks", automountServiceAccountToken=True, serviceAccountName="quiet")
    pod("of-safe", ns="safe")
    debugged = pod("debugged")
    debugged["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": "a:1"}]
    cluster.request("PUT", f"{CORE.format('shop')}/pods/debugged/ephemeralcontainers", debugged)
    # -- images
    for name, image in {
        "latest": "registry.example/app:latest",
        "no-tag": "localhost:5000/app",
        "by-digest": f"registry.example/app@sha256:{'0' * 64}",
        "foreign": "quay.example/app:1",
        "short": "nginx:1.29",
    }.items():
        pod(f"image-{name}", container={"image": image})
    pod("pulls", status=waiting("ImagePullBackOff"), container={"image": "registry.example/gone:1"})
    pod("creating", status=waiting("ContainerCreating"))
    for number in (1, 2):
        digest = f"registry.example/moved@sha256:{str(number) * 64}"
        pod(f"moved-{number}", status=running(digest, image="registry.example/moved:1"))
        pod(
            f"versions-{number}",
            container={"image": f"registry.example/versions:{number}"},
            status=running(f"registry.example/same@sha256:{'3' * 64}", image="registry.example/same:1"),
        )
    # -- capacity
    for name, (amounts, conditions) in {
        "full": ({"cpu": "1", "memory": "1Gi", "pods": "110"}, {"Ready": "True", "DiskPressure": "False"}),
        "roomy": ({"cpu": "64", "memory": "256Gi", "pods": "110"}, {"Ready": "True", "MemoryPressure": "True"}),
        "lost": ({"cpu": "1", "memory": "1Gi", "pods": "1"}, {"Ready": "Unknown"}),
    }.items():
        versions = {"full": "v1.36.2", "roomy": "v1.32.9", "lost": "v1.33.0"}
        identity = ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion")
        info = dict.fromkeys((*identity, "kubeProxyVersion", "operatingSystem", "architecture"), "1")
        status = {
            "capacity": amounts,
            "allocatable": amounts,
            "nodeInfo": {**info, "kubeletVersion": versions[name]},
            "conditions": [{"type": key, "status": value} for key, value in conditions.items()],
        }
        put("/api/v1/nodes", name, {}, status=status)
    sidecar = {"name": "beside", "image": "a:1", "restartPolicy": "Always"}
    half = {"requests": {"cpu": "450m", "memory": "64Mi"}, "limits": {"memory": "2Gi"}}
    pod("fills", nodeName="full", container={"resources": half}, initContainers=[{**sidecar, "resources": half}])
    ended = {"phase": "Succeeded"}
    pod(
        "ended", nodeName="roomy", container={"resources": {"requests": {"cpu": "60", "memory": "250Gi"}}}, status=ended
    )
    pod("by-pod", resources={"limits": {"memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Mi"}})
    idle = {"resources": {"requests": {"cpu": "2"}}}
    pod("old-idle", nodeName="roomy", container=idle, status=waiting("CrashLoopBackOff", **killed("Error", 12)))
    pod("old-busy", nodeName="roomy", container=idle, status=running())
    pod("young-idle", nodeName="roomy", container=idle, status=waiting("ContainerCreating"))
    hard = {"requests.cpu": "1500m", "pods": "10", "requests.memory": "0"}
    used = {"requests.cpu": "1400m", "pods": "3", "requests.memory": "0"}
    put(f"{CORE}/resourcequotas", "tight", {"spec": {"hard": {"pods": "0"}}}, ns="empty")
    put(f"{CORE}/limitranges", "bounds", {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "10k"}}]}}, ns="safe")
    pod("of-bare", ns="bare")
    scales = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"
    for name, most, target in (("at-bound", 3, "single"), ("below", 5, "single"), ("lost-target", 3, "nobody")):
        spec = {
            "minReplicas": 2,
            "maxReplicas": most,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
        }
        put(scales, name, {"spec": spec}, status={"currentReplicas": 3, "desiredReplicas": 3})
    old = {"apiVersion": "extensions/v1beta1", "kind": "Deployment", "name": "single"}
    put(scales, "old-version", {"spec": {"maxReplicas": 2, "scaleTargetRef": old}})
    # -- network
    service = f"{CORE}/services"
    port = {"ports": [{"name": "http", "port": 80}]}
    put(service, "works", {"spec": {"selector": {"app": "plain"}, **port}})
    put(service, "selects-ended", {"spec": {"selector": {"app": "ended"}, **port}})
    put(service, "selects-none", {"spec": {"selector": {"app": "nobody"}, **port}})
    put(service, "elsewhere", {"spec": {"type": "ExternalName", "externalName": "a.example", "selector": {"app": "x"}}})
    put(service, "node-port", {"spec": {"type": "NodePort", "selector": {"app": "plain"}, **port}})
    put(service, "external-ip", {"spec": {"externalIPs": ["192.0.2.7"], "selector": {"app": "plain"}, **port}})
    balancer = {"spec": {"type": "LoadBalancer", "selector": {"app": "plain"}, **port}}
    put(service, "old-pending", balancer)
    put(service, "old-balanced", balancer, status={"loadBalancer": {"ingress": [{"ip": "192.0.2.8"}]}})
    policy = f"{NET}/networkpolicies"
    chosen = {"podSelector": {"matchLabels": {"app": "plain"}}}
    put(policy, "ingress-only", {"spec": {**chosen, "ingress": [{"from": [{"podSelector": {}}]}]}})
    put(
        policy,
        "both",
        {"spec": {"podSelector": {"matchLabels": {"app": "strict"}}, "policyTypes": ["Ingress", "Egress"]}},
    )
    put(policy, "egress-by-rule", {"spec": {"podSelector": {"matchLabels": {"app": "adds"}}, "egress": [{}]}})
    put(policy, "selects-none", {"spec": {"podSelector": {"matchLabels": {"app": "nobody"}}}})
    rest = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}
    put(policy, "all-but-some", {"spec": {"podSelector": {}, "ingress": [rest]}}, ns="safe")
    world = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
    put(policy, "the-world", {"spec": {"podSelector": {}, "ingress": [world]}}, ns="safe")
    ingress = f"{NET}/ingresses"

    def route(host: str, name: str, number: int | str = 80) -> Object:
        at = {"number": number} if isinstance(number, int) else {"name": number}
        path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": at}}}
        return {"host": host, "http": {"paths": [path]}}

    put("/apis/networking.k8s.io/v1/ingressclasses", "web", {"spec": {"controller": "a.example/web"}})
    tls = {"tls": [{"hosts": ["*.example.com"], "secretName": "in-tls"}]}
    put(
        ingress,
        "covered",
        {"spec": {"ingressClassName": "web", "rules": [route("a.example.com", "works", "http")], **tls}},
    )
    put(
        ingress, "uncovered", {"spec": {"ingressClassName": "web", "rules": [route("a.b.example.com", "works")], **tls}}
    )
    put(ingress, "no-service", {"spec": {"ingressClassName": "gone", "rules": [route("b.example.com", "gone")]}})
    put(ingress, "no-port", {"spec": {"rules": [route("c.example.com", "works", 81)]}})
    # -- reliability
    single = put(
        f"{APPS}/deployments",
        "single",
        workload("single"),
        status={
            "replicas": 1,
            "readyReplicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": 1,
            "observedGeneration": 1,
        },
    )
    put(f"{APPS}/deployments", "double", workload("double", 2))
    put(f"{APPS}/deployments", "covered", workload("covered", 2))
    put(
        f"{APPS}/statefulsets",
        "claims",
        {
            "spec": {
                **workload("claims", 3)["spec"],
                "serviceName": "x",
                "volumeClaimTemplates": [
                    {
                        "metadata": {"name": "data"},
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}},
                    }
                ],
            }
        },
    )
    budget = "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"
    blocked = {"currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2, "disruptionsAllowed": 0}
    put(
        budget,
        "blocks",
        {"spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": "covered"}}}},
        status=blocked,
    )
    put(
        budget,
        "unhealthy",
        {"spec": {"maxUnavailable": 1}},
        status={**blocked, "desiredHealthy": 1, "currentHealthy": 1},
    )
    put(
        budget,
        "allows",
        {
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["plain"]}]},
            }
        },
        status={**blocked, "disruptionsAllowed": 1},
    )
    put(
        budget,
        "no-pods",
        {"spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "x"}}}},
        status={**blocked, "expectedPods": 0, "desiredHealthy": 0, "currentHealthy": 0},
    )
    put(budget, "again", {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "plain"}}}})
    listens = {"ports": [{"containerPort": 80}]}
    probe = {"readinessProbe": {"tcpSocket": {"port": 80}}}
    for name, fields in {"unprobed": listens, "probed": {**listens, **probe}, "unserved": listens}.items():
        put(f"{APPS}/deployments", name, workload(name, 0, fields))
        if name != "unserved":
            put(service, name, {"spec": {"selector": {"app": name}, **port}})
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    pod("unplaced", status={"phase": "Pending", "conditions": [unplaced]})
    pod(
        "gated",
        status={"phase": "Pending", "conditions": [{**unplaced, "reason": "SchedulingGated"}]},
        schedulingGates=[{"name": "a.example/b"}],
    )
    pod("crashes", status={**running(ready=False), **waiting("CrashLoopBackOff", **killed("OOMKilled", 30))})
    pod("restarted", status=running(**killed("Error", 30)))
    pod("restarted-little", status=running(**killed("Error", 2)))
    replica_set = put(f"{APPS}/replicasets", "together", workload("together", 2))
    spread = put(f"{APPS}/replicasets", "spread", workload("spread", 2))
    for number, node in ((1, "full"), (2, "roomy")):
        pod(f"together-{number}", owner=owned_by(replica_set, "ReplicaSet"), nodeName="roomy", status=running())
        pod(f"spread-{number}", owner=owned_by(spread, "ReplicaSet"), nodeName=node, status=running())
    pod("evicted", status={"phase": "Failed", "reason": "Evicted"})
    held = {"finalizers": ["example.com/hold"]}
    put(f"{CORE}/configmaps", "stuck", {"metadata": held})
    put(f"{CORE}/configmaps", "young-stuck", {"metadata": held})
    for name in ("stuck", "young-stuck"):
        cluster.delete(f"{CORE.format('shop')}/configmaps/{name}")
    job_spec = {
        "spec": {
            "template": {
                "spec": {"containers": [{"name": "main", "image": "registry.example/job:1"}], "restartPolicy": "Never"}
            }
        }
    }
    failed = [
        {"type": each, "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": THEN}
        for each in ("FailureTarget", "Failed")
    ]
    put(f"{BATCH}/jobs", "failed", job_spec, status={"startTime": THEN, "failed": 1, "conditions": failed})
    put(f"{BATCH}/jobs", "trying", job_spec, status={"startTime": THEN, "failed": 1, "active": 1})
    cron: Object = {"spec": {"schedule": "0 3 * * *", "jobTemplate": job_spec}}
    put(f"{BATCH}/cronjobs", "suspended", {"spec": {**cron["spec"], "suspend": True}})
    ran = {"lastScheduleTime": "2026-02-02T03:00:00Z"}
    put(f"{BATCH}/cronjobs", "old-failing", cron, status={**ran, "lastSuccessfulTime": "2026-02-01T03:00:00Z"})
    put(f"{BATCH}/cronjobs", "old-working", cron, status={**ran, "lastSuccessfulTime": "2026-02-02T03:01:00Z"})
    storage = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
    csi = {"csi": {"driver": "csi.example.com", "volumeHandle": "v"}}
    volume = "/api/v1/persistentvolumes"
    put(volume, "released", {"spec": {**storage, **csi}}, status={"phase": "Released"})
    put(volume, "bound", {"spec": {**storage, **csi}}, status={"phase": "Bound"})
    put(volume, "in-tree", {"spec": {**storage, "rbd": {"monitors": ["a"], "image": "b"}}}, status={"phase": "Bound"})
    ask: Object = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    claim = f"{CORE}/persistentvolumeclaims"
    for name, phase in {"mounted": "Bound", "unmounted": "Bound", "waits": "Pending", "data-claims-1": "Bound"}.items():
        put(claim, name, ask, status={"phase": phase})
    pod("mounts-claim", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "mounted"}}])
    # -- orphans
    for name in ("unused", "in-volume", "in-projected", "in-env", "in-key", "in-template", "in-cron", "in-old-set"):
        put(f"{CORE}/configmaps", name, {"data": {"a": "b"}})
    for name in ("unused", "in-volume", "in-env", "in-tls", "pull", "of-account", "of-pod", "in-projected", "in-cron"):
        put(f"{CORE}/secrets", name, {"stringData": {"a": "b"}})
    sources = [{"configMap": {"name": "in-projected"}}, {"secret": {"name": "in-projected"}}]
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "in-key", "key": "a"}}}]
    volumes = [{"name": "a", "configMap": {"name": "in-volume"}}, {"name": "b", "projected": {"sources": sources}}]
    first = {"name": "first", "image": "a:1", "envFrom": [{"configMapRef": {"name": "in-env"}}]}
    pod("uses", container={"env": env}, volumes=volumes, initContainers=[first], imagePullSecrets=[{"name": "of-pod"}])
    put(
        f"{APPS}/daemonsets",
        "uses",
        {
            "spec": {
                k: v
                for k, v in workload("uses", volumes=[{"name": "a", "configMap": {"name": "in-template"}}])[
                    "spec"
                ].items()
                if k != "replicas"
            }
        },
    )
    in_cron = {
        "volumes": [{"name": "a", "configMap": {"name": "in-cron"}}, {"name": "b", "secret": {"secretName": "in-cron"}}]
    }
    template = {**job_spec["spec"]["template"]["spec"], **in_cron, "serviceAccountName": "puller"}
    put(
        f"{BATCH}/cronjobs",
        "uses",
        {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": template}}}}},
    )
    revision = {"deployment.kubernetes.io/revision": "1"}
    left = workload("left", 0, volumes=[{"name": "a", "configMap": {"name": "in-old-set"}}])
    put(f"{APPS}/replicasets", "left-over", left)
    put(
        f"{APPS}/replicasets",
        "kept",
        {
            **left,
            "metadata": {
                "labels": {"app": "left"},
                "annotations": revision,
                "ownerReferences": [owned_by(single, "Deployment")],
            },
        },
    )
    pod("misses", volumes=[{"name": "a", "configMap": {"name": "nowhere"}}])
    pod("may-miss", volumes=[{"name": "a", "configMap": {"name": "nowhere-else", "optional": True}}])
    for plural in ("unused", "used"):
        definition = crd(plural, "q.example")
        version = definition["spec"]["versions"][0]
        definition["spec"]["versions"].append({**version, "name": "v1alpha1", "storage": False})
        put("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", f"{plural}.q.example", definition)
        cluster.until_served(f"/apis/q.example/v1/namespaces/shop/{plural}")
    cluster.create(
        "/apis/q.example/v1/namespaces/shop/used",
        {"apiVersion": "q.example/v1", "kind": "Used", "metadata": {"name": "one"}},
    )
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/used.q.example"
    definition = cluster.request("GET", path)
    definition["status"]["storedVersions"] = ["v1alpha1", "v1"]
    cluster.request("PUT", f"{path}/status", definition)
    # -- rbac
    group = {"apiGroup": "rbac.authorization.k8s.io"}

    def grant(name: str, rules: list[Object] | None, subject: Object, ns: str | None = None, **metadata: Any) -> None:
        folder = f"{RBAC}/namespaces/{ns}/" if ns else f"{RBAC}/cluster"
        kind = "Role" if ns else "ClusterRole"
        if rules is not None:
            cluster.create(f"{folder}roles", {"metadata": {"name": name, **metadata}, "rules": rules})
        of_role = {**group, "kind": kind, "name": name}
        cluster.create(f"{folder}rolebindings", {"metadata": {"name": name}, "roleRef": of_role, "subjects": [subject]})

    def user(name: str, kind: str = "User") -> Object:
        return {**group, "kind": kind, "name": name}

    def rules(verbs: str, groups: str, resources: str) -> list[Object]:
        return [
            {
                "verbs": verbs.split(),
                "apiGroups": ["" if each == "core" else each for each in groups.split()],
                "resources": resources.split(),
            }
        ]

    grant("r-deploys", rules("create", "apps", "deployments"), user("deployer"), "shop")
    grant("r-looks", rules("get list", "core apps", "pods pods/log deployments"), user("looker"), "shop")
    grant("r-execs", rules("create", "core", "pods/exec"), user("execer"), "shop")
    grant("r-tokens", rules("create", "core", "serviceaccounts/token"), user("tokener"), "shop")
    grant("r-hooks", rules("patch", "admissionregistration.k8s.io", "*"), user("hooker"))
    grant("r-hooks-here", rules("patch", "admissionregistration.k8s.io", "*"), user("hooker-here"), "shop")
    grant("r-signs", rules("approve", "certificates.k8s.io", "signers"), user("signer"))
    grant("r-nodes", rules("get", "core", "nodes/proxy"), user("kubeleter"))
    grant("r-node-status", rules("get", "core", "nodes nodes/status"), user("node-looker"))
    grant("r-volumes", rules("create", "core", "persistentvolumes"), user("volumer"))
    grant("r-claims", rules("create", "core", "persistentvolumeclaims"), user("claimer"))
    grant("r-escalates", rules("bind", "rbac.authorization.k8s.io", "roles"), user("escalator"), "shop")
    grant("r-binds-not", rules("create", "rbac.authorization.k8s.io", "rolebindings"), user("binder"), "shop")
    grant("r-all", rules("*", "*", "*"), user("boss"))
    grant("r-core", rules("*", "core", "*"), user("half-boss"))
    grant("r-secrets", rules("list", "*", "secrets"), user("reader"), "shop")
    grant("r-config", rules("list", "core", "configmaps"), user("config-reader"), "shop")
    default = {"kind": "ServiceAccount", "name": "default", "namespace": "shop"}
    grant("r-default", rules("get", "core", "pods"), default, "shop")
    grant("r-quiet", rules("get", "core", "pods"), {**default, "name": "quiet"}, "shop")
    grant("r-everybody", rules("get", "core", "pods"), user("system:authenticated", "Group"), "shop")
    grant("r-somebody", rules("get", "core", "pods"), user("authenticated", "Group"), "shop")
    grant("r-missing", None, user("looker"), "shop")
    grant("r-paths", [{"verbs": ["get"], "nonResourceURLs": ["*"]}], user("pather"))
    grant("r-path", [{"verbs": ["get"], "nonResourceURLs": ["/metrics/*"]}], user("path-reader"))
    grant("r-nobody", rules("get", "core", "pods"), {**default, "name": "gone"}, "shop")
    cluster.create(f"{RBAC}/clusterroles", {"metadata": {"name": "r-unbound"}, "rules": []})
    cluster.create(f"{RBAC}/clusterroles", {"metadata": {"name": "r-part", "labels": {"collect": "me"}}, "rules": []})
    cluster.create(
        f"{RBAC}/clusterroles",
        {
            "metadata": {"name": "r-whole"},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"collect": "me"}}]},
            "rules": [],
        },
    )

    # -- upgrades
    def hook(name: str, **fields: Any) -> Object:
        client = {"service": {"namespace": "shop", "name": fields.pop("service", "works")}}
        return {
            "name": f"{name}.q.example",
            "clientConfig": client,
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "namespaceSelector": {"matchLabels": {"none": "such"}},
            **fields,
        }

    cron_v1beta1 = [
        {"apiGroups": ["batch"], "apiVersions": ["v1beta1"], "operations": ["CREATE"], "resources": ["cronjobs"]}
    ]
    hooks = [
        hook("open", failurePolicy="Ignore", timeoutSeconds=3),
        hook("slow", failurePolicy="Fail"),
        hook("gone", service="gone", failurePolicy="Fail", timeoutSeconds=3),
        hook("exact", failurePolicy="Fail", timeoutSeconds=3, matchPolicy="Exact", rules=cron_v1beta1),
    ]
    for each in hooks:
        name = each["name"].partition(".")[0]
        put(f"{ADMISSION}/validatingwebhookconfigurations", f"hook-{name}", {"webhooks": [each]})
    put(
        f"{ADMISSION}/mutatingwebhookconfigurations",
        "hook-equal",
        {"webhooks": [hook("equal", failurePolicy="Fail", timeoutSeconds=3, rules=cron_v1beta1)]},
    )
    csr = {"spec": {"request": _certificate_request(), "signerName": "q.example/s", "usages": ["client auth"]}}
    put("/apis/certificates.k8s.io/v1/certificatesigningrequests", "pending", csr)
    put("/apis/certificates.k8s.io/v1/certificatesigningrequests", "denied", csr)
    denied = cluster.request("GET", "/apis/certificates.k8s.io/v1/certificatesigningrequests/denied")
    denied["status"] = {"conditions": [{"type": "Denied", "status": "True", "reason": "No"}]}
    cluster.request("PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/denied/approval", denied)
    # -- quota last: its admission would count what is made before
    put(f"{CORE}/resourcequotas", "quota", {"spec": {"hard": hard}}, ns="empty", status={"hard": hard, "used": used})


def differ(cluster: Cluster) -> None:
    """What is otherwise in the second cluster than in the first."""
    new = {"containers": [{"name": "main", "image": "registry.example/app:2"}]}
    cluster.patch(f"{APPS.format('shop')}/deployments/single", {"spec": {"template": {"spec": new}}})
    cluster.patch(f"{APPS.format('shop')}/deployments/covered", {"spec": {"replicas": 5}})
    cluster.delete(f"{APPS.format('shop')}/deployments/double")
    cluster.patch(f"{RBAC}/clusterroles/r-hooks", {"rules": []})
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/used.q.example"
    versions = cluster.request("GET", path)["spec"]["versions"]
    versions[1]["served"] = False
    cluster.patch(path, {"spec": {"versions": versions}})


@pytest.fixture(scope="module")
def planted(start_cluster: Callable[..., Cluster]) -> Cluster:
    made = start_cluster(arguments=["--runtime-config=networking.k8s.io/v1beta1=true"], users=[User("blind")])
    made.grant(User("blind"), [{"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["list"]}])
    plant(made)
    return made


@pytest.fixture(scope="module")
def stored(
    planted: Cluster,
    start_cluster: Callable[..., Cluster],
    copy_database: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Store]:
    """Contexts: `one` has it all, `two` differs, `blind` may read pods and nodes alone, `old` is Kubernetes 1.24."""
    folder = tmp_path_factory.mktemp("queries")

    def context(name: str, cluster: Cluster = planted, **more: User) -> Context:
        return context_to(cluster, folder=folder, name=name, **more)

    with Store.connect(copy_database(_migrate)) as store:
        sync_with_custom_objects(store, context("one"), "first")
        differ(planted)
        sync_with_custom_objects(store, context("two"), "second")
        body = {"group": "down.example", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 1}
        body |= {"insecureSkipTLSVerify": True, "service": {"namespace": "shop", "name": "gone"}}
        down = {"metadata": {"name": "v1.down.example"}, "spec": body}
        planted.create("/apis/apiregistration.k8s.io/v1/apiservices", down)
        some = [KINDS[name] for name in ("apiservices", "flowschemas", "endpointslices", "secrets")]
        old = context("old", start_cluster(version=OLDEST_VERSION))
        for each, kinds in (
            (context("one"), some[:1]),
            (context("blind", user=User("blind")), KINDS.values()),
            (old, some[:3]),
        ):
            run_kinds(store, each, kinds)
        run_kinds(store, old, some[3:], namespaces="default")
        aged = "SET created_at = now() - interval '2 days' WHERE name LIKE 'old-%%'"
        for table in ("k8s_pods", "k8s_services", "k8s_cronjobs"):
            store.connection.execute(f"UPDATE {table} {aged}".replace("%%", "%").encode())
        store.connection.execute("UPDATE k8s_pods SET last_restart_at = now() WHERE name LIKE 'restarted%'")
        store.connection.execute(
            "UPDATE k8s_configmaps SET deletion_requested_at = now() - interval '1 hour' WHERE name = 'stuck'"
        )
        yield store


def run_kinds(store: Store, context: Context, kinds: Any, **settings: Any) -> None:
    chosen = Settings.load({"requests_per_second": 1000, "kinds_at_once": 1, **settings})
    with Session(context, IMPATIENT) as session:
        list(sync_kinds(session, again(store), list(kinds), run=Run(f"of-{context.name}"), settings=chosen))


def answer(store: Store, name: str, context: str | None = "one") -> list[Row]:
    """The hits of a query in a context, or those of none."""
    return [row for row in rows_of(store, name) if row[NOT_KNOWN] is None and row["context_name"] == context]


def rows_of(store: Store, name: str) -> list[Row]:
    with store.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query_pack()[name].sql.encode()).fetchall()


CASES: dict[str, tuple[str, str, str]] = {
    # by query: the column that names the object, hits, near misses
    "capacity/autoscalers_at_their_bound": ("name", "at-bound", "below old-version"),
    "capacity/containers_without_memory_limit": ("owner", "plain", "strict by-pod"),
    "capacity/full_nodes": ("name", "full", "roomy"),
    "capacity/full_quotas": ("resource", "requests.cpu", "pods requests.memory"),
    "capacity/idle_requests": ("owner", "old-idle", "old-busy young-idle"),
    "capacity/namespaces": ("namespace", "shop safe", "empty"),
    "capacity/namespaces_without_bounds": ("namespace", "shop bare", "safe empty"),
    "capacity/nodes": ("name", "full roomy lost", "gone"),
    "capacity/overcommitted_memory": ("name", "full", "roomy lost"),
    "capacity/pods_without_requests": ("owner", "plain old-busy", "strict fills"),
    "capacity/storage": ("namespace", "shop", "safe"),
    "capacity/teams": ("team", "red", "blue"),
    "drift/cluster_versions": ("context_name", "", "one two"),
    "images/foreign_registries": ("owner", "image-foreign image-short image-no-tag", "plain image-by-digest"),
    "images/latest_tags": ("owner", "image-latest image-no-tag", "plain image-by-digest image-short"),
    "images/no_digest": ("owner", "plain image-latest", "image-by-digest"),
    "images/one_tag_many_images": ("image", "registry.example/moved:1", "registry.example/same:1"),
    "images/pull_errors": ("name", "pulls", "creating crashes"),
    "inventory/read_in_part": ("kind", "", "pods"),
    "inventory/same_cluster": ("context_name", "one", "old"),
    "network/exposed_services": ("name", "node-port external-ip old-balanced", "works elsewhere"),
    "network/ingresses_without_backend": ("name", "no-service no-port", "covered uncovered"),
    "network/ingresses_without_class": ("name", "no-service no-port", "covered"),
    "network/ingresses_without_tls": ("name", "uncovered no-port", "covered"),
    "network/load_balancers_pending": ("name", "old-pending", "old-balanced node-port"),
    "network/namespaces_without_policies": ("namespace", "bare", "shop safe empty"),
    "network/policies_that_allow_all": ("name", "the-world egress-by-rule", "all-but-some ingress-only both"),
    "network/policies_without_pods": ("name", "selects-none", "both the-world"),
    "network/services_without_pods": ("name", "selects-ended selects-none", "works elsewhere"),
    "orphans/autoscalers_without_target": ("name", "lost-target", "at-bound old-version"),
    "orphans/claims": ("name", "unmounted waits data-claims-1", "mounted"),
    "orphans/config_maps": (
        "name",
        "unused",
        "in-volume in-projected in-env in-key in-template in-cron in-old-set",
    ),
    "orphans/crds_without_objects": ("name", "unused.q.example", "used.q.example"),
    "orphans/missing_references": ("name", "misses", "may-miss uses"),
    "orphans/replica_sets": ("name", "left-over", "kept together"),
    "orphans/roles": ("name", "r-unbound r-whole", "r-part r-deploys view"),
    "orphans/secrets": ("name", "unused", "in-volume in-env in-tls pull of-account of-pod in-projected in-cron"),
    "orphans/service_accounts": ("name", "unused", "quiet puller default"),
    "rbac/anonymous": ("role_name", "r-everybody", "r-somebody system:discovery system:basic-user"),
    "rbac/bindings_of_nobody": ("name", "r-nobody", "r-default r-quiet"),
    "rbac/bindings_without_role": ("name", "r-missing", "r-deploys r-all"),
    "rbac/cluster_admins": ("subject_name", "boss system:masters", "half-boss"),
    "rbac/default_service_accounts": ("role_name", "r-default", "r-quiet"),
    "rbac/escalate_bind_impersonate": ("subject_name", "escalator boss", "binder"),
    "rbac/who_can_change_webhooks": ("subject_name", "hooker boss", "hooker-here half-boss"),
    "rbac/who_can_create_pods": ("subject_name", "deployer boss half-boss", "looker"),
    "rbac/who_can_create_tokens": ("subject_name", "tokener half-boss", "execer"),
    "rbac/who_can_create_volumes": ("subject_name", "volumer boss", "claimer"),
    "rbac/who_can_exec": ("subject_name", "execer half-boss", "looker tokener"),
    "rbac/who_can_reach_kubelets": ("subject_name", "kubeleter half-boss", "node-looker"),
    "rbac/who_can_read_secrets": ("subject_name", "reader boss half-boss", "config-reader looker"),
    "rbac/who_can_sign_certificates": ("subject_name", "signer boss", "half-boss"),
    "rbac/wildcards": ("subject_name", "boss half-boss reader hooker pather", "looker deployer path-reader"),
    "reliability/budgets_that_block": ("name", "blocks unhealthy", "allows no-pods"),
    "reliability/crash_loops": ("name", "crashes old-idle", "restarted creating"),
    "reliability/failed_jobs": ("name", "failed", "trying"),
    "reliability/failed_pods": ("owner", "evicted", "ended crashes"),
    "reliability/failing_cronjobs": ("name", "old-failing", "old-working suspended uses"),
    "reliability/no_readiness_probe": ("name", "unprobed", "probed unserved single"),
    "reliability/nodes_not_ready": ("name", "roomy lost", "full"),
    "reliability/one_node": ("owner", "together", "spread"),
    "reliability/out_of_memory": ("name", "crashes", "restarted"),
    "reliability/overlapping_budgets": ("owner", "plain", "strict"),
    "reliability/pods_by_status": ("display_status", "CrashLoopBackOff Evicted", "Terminating"),
    "reliability/restarts": ("name", "restarted", "restarted-little"),
    "reliability/rollouts": ("name", "double", "single"),
    "reliability/single_replicas": ("name", "single", "double"),
    "reliability/stuck_terminating": ("name", "stuck", "young-stuck"),
    "reliability/suspended_cronjobs": ("name", "suspended", "old-failing"),
    "reliability/unbound_claims": ("name", "waits", "mounted"),
    "reliability/unbound_volumes": ("name", "released", "bound"),
    "reliability/unschedulable": ("name", "unplaced", "gated plain"),
    "reliability/without_budget": ("name", "double claims", "covered single"),
    "security/added_capabilities": ("owner", "adds", "adds-usual plain"),
    "security/automounted_tokens": ("owner", "plain asks", "no-token strict"),
    "security/capabilities_kept": ("owner", "plain adds-usual", "strict adds"),
    "security/debug_containers": ("owner", "debugged", "plain privileged"),
    "security/host_namespaces": ("owner", "host-pid host-net", "plain"),
    "security/host_paths": ("owner", "mounts-host", "mounts-secret"),
    "security/host_ports": ("owner", "host-port", "port"),
    "security/may_run_as_root": ("owner", "plain overrides root-of-pod", "strict user-of-pod non-root-pod"),
    "security/namespaces_without_enforcement": ("namespace", "shop", "safe empty"),
    "security/no_seccomp": ("owner", "plain unconfined", "strict non-root-pod"),
    "security/privilege_escalation": ("owner", "plain", "strict"),
    "security/privileged": ("owner", "privileged", "plain strict"),
    "security/pss_baseline": ("owner", "privileged host-pid host-net mounts-host unconfined", "plain strict"),
    "security/pss_restricted": ("owner", "plain privileged", "strict"),
    "security/secrets_in_environment": ("owner", "env-secret", "mounts-secret uses"),
    "security/writable_root_filesystem": ("owner", "plain", "strict"),
    "upgrades/certificate_requests": ("name", "pending", "denied"),
    "upgrades/kubelets_behind": ("name", "roomy", "full lost"),
    "upgrades/references_to_versions_that_go": ("name", "old-version hook-exact", "at-bound hook-equal"),
    "upgrades/removed_volume_plugins": ("name", "in-tree", "bound released"),
    "upgrades/slow_webhooks": ("name", "hook-slow", "hook-open"),
    "upgrades/stored_versions": ("name", "used.q.example", "unused.q.example"),
    "upgrades/unavailable_apis": ("name", "v1.down.example", "v1.apps"),
    "upgrades/versions_that_go": ("api_version", "networking.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta3"),
    "upgrades/webhooks_failing_open": ("name", "hook-open", "hook-slow"),
    "upgrades/webhooks_without_service": ("name", "hook-gone", "hook-slow"),
}
OF_ALL = {  # of all contexts together: the column, hits, near misses
    "drift/crds_between_clusters": ("name", "used.q.example", "unused.q.example"),
    "drift/images_between_clusters": ("name", "single", "covered double"),
    "drift/only_in_some_clusters": ("name", "double", "single covered"),
    "drift/roles_between_clusters": ("name", "r-hooks", "r-signs view"),
    "images/many_versions": ("image", "registry.example/versions", "registry.example/moved"),
    "images/running": ("image", "registry.example/versions:1", "registry.example/gone:1"),
}
OF_OTHERS = {  # in another context
    "inventory/forbidden": ("blind", "kind", "secrets", "pods"),
    "inventory/freshness": ("blind", "kind", "secrets pods", "custom"),
    "inventory/read_in_part": ("old", "kind", "secrets", "flowschemas"),
    "inventory/stale": ("blind", "kind", "secrets", "pods"),
    "upgrades/objects_in_versions_that_go": ("old", "kind", "FlowSchema", "EndpointSlice"),
    "upgrades/versions_that_go": (
        "old",
        "api_version",
        "policy/v1beta1 flowcontrol.apiserver.k8s.io/v1beta2",
        "apps/v1 networking.k8s.io/v1",
    ),
    "drift/cluster_versions": ("old", "context_name", "old", "one"),
}
TRIED_APART = {"inventory/unconfigured", "network/pods_without_policies"}


def test_every_query_has_a_case() -> None:
    pack = {path for path in query_pack() if not path.startswith("history/")}
    assert len(pack) >= 66
    assert pack == {*CASES, *OF_ALL, *OF_OTHERS, *TRIED_APART}


@pytest.mark.parametrize("name", CASES)
def test_a_query_finds_its_hits_and_no_more(stored: Store, name: str) -> None:
    column, hits, misses = CASES[name]
    found = {row[column] for row in answer(stored, name)}
    assert set(hits.split()) <= found
    assert not set(misses.split()) & found


@pytest.mark.parametrize("name", OF_ALL)
def test_a_query_compares_contexts(stored: Store, name: str) -> None:
    column, hits, misses = OF_ALL[name]
    found = {row[column] for row in answer(stored, name, None)}
    assert set(hits.split()) <= found
    assert not set(misses.split()) & found


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_query_finds_it_in_another_context(stored: Store, name: str) -> None:
    context, column, hits, misses = OF_OTHERS[name]
    found = {row[column] for row in answer(stored, name, context)}
    assert set(hits.split()) <= found
    assert not set(misses.split()) & found


def test_a_context_that_is_not_configured_any_more(stored: Store) -> None:
    with stored.connection.transaction(force_rollback=True):
        stored.connection.execute("UPDATE k8s_sync_contexts SET unconfigured_since = now() WHERE context_name = 'two'")
        assert [row["context_name"] for row in rows_of(stored, "inventory/unconfigured")] == ["two"]
        said = {row["context_name"]: row[NOT_KNOWN] for row in rows_of(stored, "security/privileged")}
        assert said["two"] is not None
        assert said["two"].startswith("not configured any more, rows as of 20")
        assert said["one"] is None


def test_directions_are_isolated_by_policy_types(stored: Store) -> None:
    found = {(row["owner"], row["direction"]) for row in answer(stored, "network/pods_without_policies")}
    assert {each for each in found if each[0] == "plain"} == {("plain", "Egress")}
    assert {each for each in found if each[0] == "strict"} == set()
    assert {each for each in found if each[0] == "adds"} == set(), "a rule for egress means both"
    assert {each for each in found if each[0] == "adds-usual"} == {("adds-usual", "Ingress"), ("adds-usual", "Egress")}
    assert {each for each in found if each[0] == "of-safe"} == {("of-safe", "Egress")}
    assert not {each for each in found if each[0] in ("host-net", "ended")}


def test_amounts_are_those_of_the_scheduler(stored: Store) -> None:
    """A sidecar counts, a pod that has ended does not, and a pod's own resources stand for its containers'."""
    nodes = {row["name"]: row for row in answer(stored, "capacity/nodes")}
    assert (float(nodes["full"]["cpu_requested"]), nodes["full"]["cpu_percent"]) == (0.9, 90)
    assert nodes["full"]["memory_requested"] == 128 * 2**20
    assert nodes["roomy"]["cpu_requested"] == 6
    (teams,) = [row for row in answer(stored, "capacity/teams") if row["team"] == "red"]
    (shop,) = [row for row in answer(stored, "capacity/namespaces") if row["namespace"] == "shop"]
    assert float(teams["cpu_requested"]) == float(shop["cpu_requested"]) == 0.9 + 6 + 1 + 0.1
    (full,) = answer(stored, "capacity/overcommitted_memory")
    assert (full["memory_limits"], full["percent"]) == (4 * 2**30, 400)


IMAGES = {
    "nginx": ("docker.io", "library/nginx", "latest", None),
    "docker.io/nginx:1": ("docker.io", "library/nginx", "1", None),
    "team/app:2": ("docker.io", "team/app", "2", None),
    "localhost/app": ("localhost", "app", "latest", None),
    "registry.example:5000/a/b": ("registry.example:5000", "a/b", "latest", None),
    "registry.example/a/b:1@sha256:ab": ("registry.example", "a/b", "1", "sha256:ab"),
    "registry.example/a@sha256:ab": ("registry.example", "a", None, "sha256:ab"),
}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_parts(stored: Store, image: str) -> None:
    assert stored.connection.execute("SELECT * FROM k8s_image(%s)", [image]).fetchall() == [IMAGES[image]]


# -- what is not known -----------------------------------------------------------------------------

ASKING = [name for name, query in query_pack().items() if query.kinds]


@pytest.mark.parametrize("name", ASKING)
def test_forbidden_does_not_look_like_no_finding(stored: Store, name: str) -> None:
    kinds = query_pack()[name].kinds
    said = {row["context_name"]: row[NOT_KNOWN] for row in rows_of(stored, name) if row[NOT_KNOWN]}
    unread = set(kinds) - {"pods", "nodes"}
    assert ("blind" in said) == bool(unread)
    if unread:
        named = set(re.findall(r"[a-z.]+", said["blind"].replace(",", " ")))
        assert unread <= named | {"custom"}
        assert not {"pods", "nodes"} & named
        assert "custom" in kinds or re.match(r"forbidden, never whole: ", said["blind"])
    assert "one" not in said, said


def test_each_reason_is_told_apart(stored: Store) -> None:
    def said(kinds: str, context: str = "one") -> str | None:
        query = "SELECT not_known FROM k8s_not_known(string_to_array(%s, ' ')) WHERE context_name = %s"
        found = stored.connection.execute(query, [kinds, context]).fetchone()
        return found[0] if found else None

    assert said("pods nodes") is None
    assert said("secrets", "old") == "read in part, namespaces default, never whole: secrets"
    assert said("pods flowschemas endpointslices", "old") == "never read: pods"
    assert said("secrets pods configmaps nodes", "blind") == "forbidden, never whole: configmaps, secrets"
    with stored.connection.transaction(force_rollback=True):
        run = "INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, outcome, scope) VALUES"
        stored.connection.execute(f"{run} ('x', 1, 'one', 'pods', 'unreachable', 'all')".encode())
        found = said("pods nodes")
        assert found is not None
        assert re.fullmatch(r"unreachable, rows as of \d{4}-\d\d-\d\d \d\d:\d\dZ: pods", found)
        stored.connection.execute(f"{run} ('y', 1, 'one', 'pods', NULL, 'all')".encode())
        assert said("pods") == found, "an attempt that is under way says nothing yet"
        stored.connection.execute(f"{run} ('y', 1, 'one', 'pods', 'absent', 'all')".encode())
        assert said("pods") is None
        stored.connection.execute(f"{run} ('z', 1, 'one', 'used.q.example', 'failed', 'all')".encode())
        assert said("pods custom") is not None
        assert said("pods crds") is None


@pytest.mark.parametrize("name", [name for name in CASES if "NOT IN (SELECT" in query_pack()[name].sql])
def test_nothing_is_missed_in_what_was_not_read(stored: Store, name: str) -> None:
    """What a kind that was not read may refer to, or cover, is no orphan and not bare."""
    for kind in query_pack()[name].kinds:
        if kind == "custom":
            continue
        with stored.connection.transaction(force_rollback=True):
            stored.connection.execute("UPDATE k8s_sync_runs SET outcome = 'forbidden' WHERE kind = %s", [kind])
            assert answer(stored, name) == [], kind


@pytest.mark.parametrize("name", query_pack())
def test_a_hit_is_told_from_others_by_its_key(stored: Store, name: str) -> None:
    query = query_pack()[name]
    hits = [row for row in rows_of(stored, name) if row[NOT_KNOWN] is None]
    assert len({known_by(query, row) for row in hits}) == len(hits)
    measured = {column for row in hits for column, value in row.items() if isinstance(value, int | float | Decimal)}
    assert not measured & set(query.key)


# -- the pack itself -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", query_pack())
def test_a_query_names_the_kinds_that_it_reads(name: str) -> None:
    """Those of the tables, and of the relations of ours that stand for some."""
    query = query_pack()[name]
    if query.folder in ("history", "inventory"):
        return
    tables = {kind.table: kind.name for kind in KINDS.values()}
    read = {tables[each] for each in re.findall(r"\bk8s_\w+", query.sql) if each in tables}
    if "k8s_grants" in query.sql:
        read |= {"roles", "clusterroles", "rolebindings", "clusterrolebindings"}
    if "k8s_live_pods" in query.sql:
        read |= {"pods"}
    if "k8s_webhooks" in query.sql:
        read |= {"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}
    if "k8s_pod_shapes" in query.sql:
        read |= {"pods", "deployments", "replicasets", "statefulsets", "daemonsets", "replicationcontrollers"}
        read |= {"jobs", "cronjobs", "podtemplates"}
    assert read <= set(query.kinds)
    of_views = {"k8s_objects", "k8s_custom_objects", "k8s_clusters"}
    assert read == set(query.kinds) or any(each in query.sql for each in of_views)


@pytest.mark.parametrize("name", query_pack())
def test_a_query_runs_as_it_stands_and_says_what_it_answers(stored: Store, name: str) -> None:
    query = query_pack()[name]
    for text in (query.title, query.meaning, query.action, query.source):
        assert text[0].isupper() or text.startswith(("docs/", "k", "`"))
    cursor = stored.connection.execute(query.sql.encode())
    columns = [column.name for column in cursor.description or ()]
    assert NOT_KNOWN in columns
    assert len(columns) == len(set(columns))
    assert re.sub(r"--.*", "", query.sql).count(";") == 1
