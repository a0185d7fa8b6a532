"""One or more objects of each kind beside workloads and services, in the states that kubectl tells apart."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cluster.cluster import Cluster, Object

THEN = "2026-01-01T00:00:00Z"
DEFAULT = "namespaces/default/"
HOLD = {"finalizers": ["example.com/hold"]}


def _condition(name: str, status: str = "True", reason: str = "Because") -> Object:
    return {"type": name, "status": status, "reason": reason, "message": "so", "lastTransitionTime": THEN}


def _certificate_request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [(NameOID.COMMON_NAME, "system:node:one"), (NameOID.ORGANIZATION_NAME, "system:nodes")]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


def _node(**spec: object) -> Object:
    amounts = {"cpu": "3500m", "memory": "16Gi", "ephemeral-storage": "1e11", "pods": "110"}
    addresses = [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.1.0.1"}]
    identity = ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion")
    info = dict.fromkeys((*identity, "kubeletVersion", "kubeProxyVersion", "operatingSystem", "architecture"), "1")
    status = {
        "capacity": amounts,
        "allocatable": amounts,
        "addresses": [*addresses, {"type": "ExternalIP", "address": "192.0.2.1"}],
        "nodeInfo": info,
        "conditions": [_condition("Ready")],
    }
    return {"spec": spec, "status": status}


def _policy_binding(**spec: object) -> Object:
    return {"spec": {"policyName": "replicas", **spec}}


_PARAMS: Object = {"name": "bounds", "namespace": "default", "parameterNotFoundAction": "Deny"}
_MATCH: Object = {
    "resourceRules": [
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    ]
}
_APPLY: Object = {
    "patchType": "ApplyConfiguration",
    "applyConfiguration": {"expression": "Object{metadata: Object.metadata{}}"},
}
_SUBJECTS: list[Object] = [
    {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"},
    {"kind": "Group", "name": "ops", "apiGroup": "rbac.authorization.k8s.io"},
    {"kind": "ServiceAccount", "name": "bot", "namespace": "default"},
]
_GRANT: Object = {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}}
_WEBHOOKS: list[Object] = [
    {
        "name": f"{name}.example.com",
        "clientConfig": client,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Ignore",
        "rules": [{"apiGroups": ["none.example"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}],
    }
    for name, client in (
        ("a", {"service": {"namespace": "default", "name": "gate"}}),
        ("b", {"url": "https://127.0.0.1:1/"}),
    )
]
_REQUEST: Object = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]}}


def _volume(status: Object, **spec: object) -> Object:
    basis = {"capacity": {"storage": "1.5Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}
    return {"spec": {**basis, "csi": {"driver": "csi.example.com", "volumeHandle": "v"}, **spec}, "status": status}


def _claim(status: Object, **spec: object) -> Object:
    return {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "500M"}}, **spec},
        "status": status,
    }


def _csr() -> Object:
    usages = ["digital signature", "client auth"]
    signer = "kubernetes.io/kube-apiserver-client-kubelet"
    return {"spec": {"request": _certificate_request(), "signerName": signer, "usages": usages}}


def _event(**fields: object) -> Object:
    involved = {"kind": "Pod", "name": "web", "namespace": "default", "fieldPath": "spec.containers{web}"}
    return {"involvedObject": involved, "reason": "Pulled", "message": "pulled it", "type": "Normal", **fields}


def _quota() -> Object:
    hard = {"requests.cpu": "1500m", "limits.memory": "1Gi", "pods": "10"}
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": {"requests.cpu": "100m", "pods": "3"}}}


PLANTED = "pl4nted-s3cret"
"""A value that nothing of ours may ever hold."""

_TEMPLATE: Object = {
    "metadata": {"labels": {"app": "old", "tier": "a"}},
    "spec": {"containers": [{"name": "main", "image": "a", "env": [{"name": "TOKEN", "value": PLANTED}]}]},
}
_SCALED = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
_CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
_HEALTH = {"currentHealthy": 4, "desiredHealthy": 2, "expectedPods": 4}


def _rule(host: str) -> Object:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}


OBJECTS: dict[str, dict[str, Object]] = {
    f"/api/v1/{DEFAULT}configmaps": {
        "settings": {"data": {"b": PLANTED, "a": "ü"}, "binaryData": {"c": "AAEC"}, "immutable": True},
        "empty": {},
    },
    f"/api/v1/{DEFAULT}secrets": {
        "opaque": {"stringData": {"password": PLANTED, "user": "ann"}},
        "empty": {},
        "typed": {"type": "kubernetes.io/basic-auth", "stringData": {"password": PLANTED}},
    },
    f"/api/v1/{DEFAULT}replicationcontrollers": {
        "old": {"spec": {"replicas": 2, "selector": {"app": "old"}, "template": _TEMPLATE}, "status": {"replicas": 1}}
    },
    f"/api/v1/{DEFAULT}podtemplates": {"plain": {"template": _TEMPLATE}},
    f"/apis/apps/v1/{DEFAULT}controllerrevisions": {
        "first": {
            "revision": 3,
            "data": {"spec": {"template": _TEMPLATE}},
            "metadata": {
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "plain", "uid": "u", "controller": True}
                ]
            },
        },
        "loose": {"revision": 1, "data": {"a": 1}},
    },
    f"/apis/autoscaling/v2/{DEFAULT}horizontalpodautoscalers": {
        "web": {
            "spec": {"scaleTargetRef": _SCALED, "minReplicas": 2, "maxReplicas": 9, "metrics": [_CPU]},
            "status": {
                "currentReplicas": 3,
                "desiredReplicas": 3,
                "currentMetrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "current": {"averageUtilization": 40, "averageValue": "4m"}},
                    }
                ],
                "conditions": [],
            },
        },
        "new": {"spec": {"scaleTargetRef": _SCALED, "maxReplicas": 2, "metrics": [_CPU]}},
    },
    f"/apis/policy/v1/{DEFAULT}poddisruptionbudgets": {
        "share": {"spec": {"minAvailable": "50%"}, "status": {**_HEALTH, "disruptionsAllowed": 2}},
        "number": {"spec": {"maxUnavailable": 1}},
    },
    f"/api/v1/{DEFAULT}endpoints": {
        "few": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "ports": [{"port": 80}]}]},
        "many": {"subsets": [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(1, 6)], "ports": [{"port": 80}]}]},
        "none": {},
    },
    f"/apis/discovery.k8s.io/v1/{DEFAULT}endpointslices": {
        "web-1": {
            "addressType": "IPv4",
            "metadata": {"labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}],
            "endpoints": [{"addresses": [f"10.0.0.{n}"]} for n in range(1, 5)],
        },
        "empty": {"addressType": "IPv6", "endpoints": []},
    },
    f"/apis/networking.k8s.io/v1/{DEFAULT}ingresses": {
        "web": {
            "spec": {
                "ingressClassName": "nginx",
                "tls": [{"secretName": "cert", "hosts": ["a.example"]}],
                "rules": [_rule("a.example"), _rule("b.example")],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}, {"hostname": "lb.example"}]}},
        },
        "all": {"spec": {"defaultBackend": {"service": {"name": "rest", "port": {"number": 80}}}}},
    },
    "/apis/networking.k8s.io/v1/ingressclasses": {
        "nginx": {"spec": {"controller": "example.com/nginx"}},
        "tuned": {
            "spec": {
                "controller": "example.com/nginx",
                "parameters": {"apiGroup": "example.com", "kind": "Tuning", "name": "t", "scope": "Cluster"},
            }
        },
    },
    f"/apis/networking.k8s.io/v1/{DEFAULT}networkpolicies": {
        "web": {"spec": {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]}},
        "deny": {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}},
    },
    "/api/v1/namespaces/kube-public/resourcequotas": {"team": _quota()},
    "/api/v1/namespaces/kube-public/limitranges": {
        "bounds": {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}, {"type": "Pod"}]}}
    },
    "/apis/scheduling.k8s.io/v1/priorityclasses": {
        "high": {"value": 1000, "description": "first"},
        "low": {"value": -1, "preemptionPolicy": "Never"},
    },
    f"/apis/coordination.k8s.io/v1/{DEFAULT}leases": {
        "leader": {
            "spec": {"holderIdentity": "me", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000001Z"}
        },
        "free": {},
    },
    f"/api/v1/{DEFAULT}serviceaccounts": {
        "bot": {
            "secrets": [{"name": "s"}],
            "imagePullSecrets": [{"name": "pull"}],
            "automountServiceAccountToken": False,
        }
    },
    f"/apis/rbac.authorization.k8s.io/v1/{DEFAULT}roles": {
        "reader": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    },
    "/apis/rbac.authorization.k8s.io/v1/clusterroles": {
        "sum": {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}, "rules": []}
    },
    f"/apis/rbac.authorization.k8s.io/v1/{DEFAULT}rolebindings": {
        "all": {**_GRANT, "subjects": _SUBJECTS},
        "none": _GRANT,
    },
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": {"all": {**_GRANT, "subjects": _SUBJECTS}},
    "/apis/certificates.k8s.io/v1/certificatesigningrequests": {
        "waiting": _csr(),
        "refused": _csr(),
        "granted": _csr(),
    },
    "/api/v1/persistentvolumes": {
        "free": _volume({"phase": "Available"}),
        "lost": _volume(
            {"phase": "Released", "reason": "Gone"},
            storageClassName="fast",
            claimRef={"namespace": "default", "name": "old", "uid": "u"},
            volumeAttributesClassName="gold",
            volumeMode="Block",
            persistentVolumeReclaimPolicy="Delete",
        ),
        "leaving": {**_volume({"phase": "Released"}), "metadata": HOLD},
    },
    f"/api/v1/{DEFAULT}persistentvolumeclaims": {
        "waiting": _claim({"phase": "Pending"}, storageClassName="fast"),
        "bound": _claim(
            {"phase": "Bound", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"]},
            volumeName="free",
            storageClassName="",
        ),
        "lost": _claim({"phase": "Lost"}, volumeName="gone", storageClassName="", volumeAttributesClassName="gold"),
        "leaving": {**_claim({"phase": "Pending"}), "metadata": HOLD},
    },
    "/apis/storage.k8s.io/v1/storageclasses": {
        "fast": {
            "provisioner": "csi.example.com",
            "parameters": {"type": "ssd"},
            "allowVolumeExpansion": True,
            "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        },
        "slow": {
            "provisioner": "csi.example.com",
            "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Retain",
        },
    },
    "/apis/storage.k8s.io/v1/volumeattributesclasses": {
        "gold": {"driverName": "csi.example.com", "parameters": {"iops": "9"}}
    },
    "/apis/storage.k8s.io/v1/volumeattachments": {
        name: {
            "spec": {"attacher": "csi.example.com", "nodeName": "n", "source": {"persistentVolumeName": "free"}},
            "status": {"attached": attached},
        }
        for name, attached in (("on", True), ("off", False))
    },
    "/apis/storage.k8s.io/v1/csidrivers": {
        "csi.example.com": {"spec": {"tokenRequests": [{"audience": "a"}, {"audience": "b"}]}},
        "plain.example.com": {"spec": {"attachRequired": False, "volumeLifecycleModes": ["Ephemeral", "Persistent"]}},
    },
    "/apis/storage.k8s.io/v1/csinodes": {
        "n": {"spec": {"drivers": [{"name": "csi.example.com", "nodeID": "n", "topologyKeys": []}]}}
    },
    f"/apis/storage.k8s.io/v1/{DEFAULT}csistoragecapacities": {
        "left": {"storageClassName": "fast", "capacity": "128974848000m", "maximumVolumeSize": "1Ti"}
    },
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations": {
        "gate": {"webhooks": _WEBHOOKS},
        "none": {},
    },
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": {"gate": {"webhooks": _WEBHOOKS}},
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies": {
        "replicas": {
            "spec": {
                "validations": [{"expression": "true"}, {"expression": "1 < 2"}],
                "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
                "matchConstraints": _MATCH,
            }
        },
        "plain": {"spec": {"validations": [{"expression": "true"}], "matchConstraints": _MATCH}},
    },
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings": {
        "named": _policy_binding(validationActions=["Audit"], paramRef=_PARAMS),
        "plain": _policy_binding(validationActions=["Warn"]),
    },
    "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies": {
        "label": {
            "spec": {
                "mutations": [_APPLY],
                "matchConstraints": _MATCH,
                "reinvocationPolicy": "Never",
                "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            }
        }
    },
    "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings": {
        "named": _policy_binding(paramRef=_PARAMS),
        "plain": _policy_binding(),
    },
    "/api/v1/nodes": {
        "ready": _node(),
        "cordoned": _node(unschedulable=True, taints=[{"key": "a", "effect": "NoSchedule"}]),
        "lost": _node(),
        "new": {"status": {}},
    },
    f"/api/v1/{DEFAULT}events": {
        "once": _event(firstTimestamp=THEN, lastTimestamp=THEN, count=3, source={"component": "kubelet", "host": "n"}),
        "series": _event(
            eventTime="2026-01-01T00:00:00.000001Z",
            series={"count": 7, "lastObservedTime": "2026-02-01T00:00:00.000001Z"},
            reportingComponent="ctrl",
            reportingInstance="ctrl-1",
            action="Pulling",
        ),
        "bare": _event(firstTimestamp=THEN),
    },
    "/apis/apiregistration.k8s.io/v1/apiservices": {
        "v1.metrics.example": {
            "spec": {
                "group": "metrics.example",
                "version": "v1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"namespace": "default", "name": "metrics"},
            },
        }
    },
    "/apis/node.k8s.io/v1/runtimeclasses": {"kata": {"handler": "kata", "overhead": {"podFixed": {"memory": "120Mi"}}}},
    "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas": {
        "lost": {"spec": {"priorityLevelConfiguration": {"name": "nowhere"}, "matchingPrecedence": 7}}
    },
    "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations": {
        "reject": {
            "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 3, "limitResponse": {"type": "Reject"}}}
        }
    },
    f"/apis/resource.k8s.io/v1/{DEFAULT}resourceclaims": {
        "waiting": {"spec": _REQUEST},
        "given": {
            "spec": _REQUEST,
            "status": {
                "allocation": {
                    "devices": {
                        "results": [{"request": "gpu", "driver": "gpu.example.com", "pool": "p", "device": "d"}]
                    }
                },
                "reservedFor": [{"resource": "pods", "name": "web", "uid": "u"}],
            },
        },
    },
    f"/apis/resource.k8s.io/v1/{DEFAULT}resourceclaimtemplates": {"each": {"spec": {"spec": _REQUEST}}},
    "/apis/resource.k8s.io/v1/resourceslices": {
        "slice": {
            "spec": {
                "driver": "gpu.example.com",
                "nodeName": "ready",
                "pool": {"name": "p", "generation": 2, "resourceSliceCount": 1},
                "devices": [{"name": "d"}, {"name": "e"}],
            }
        }
    },
    "/apis/resource.k8s.io/v1/deviceclasses": {
        "gpu": {"spec": {"selectors": [{"cel": {"expression": 'device.driver == "gpu.example.com"'}}]}}
    },
}
"""By the path of their list: name -> object, whose status is set after it was made."""


def make_every_kind(cluster: Cluster, paths: Iterable[str] = OBJECTS) -> None:
    for path in paths:
        for name, body in OBJECTS[path].items():
            metadata = {**body.get("metadata", {}), "name": name}
            if path == "/api/v1/nodes":
                metadata["labels"] = {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge"}
            created = cluster.create(path, {**body, "metadata": metadata})
            if "status" in body:
                created["status"] = body["status"]
                if name == "lost" and path == "/api/v1/nodes":
                    created["status"]["conditions"] = [_condition("Ready", "Unknown")]
                cluster.replace_status(f"{path}/{name}", created)
            if name == "leaving":
                cluster.delete(f"{path}/{name}")
    _decide(cluster)


def _decide(cluster: Cluster) -> None:
    """Refuses one certificate and grants another."""
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    for name, decision in (("refused", "Denied"), ("granted", "Approved")):
        request = cluster.request("GET", f"{path}/{name}")
        request["status"] = {"conditions": [_condition(decision)]}
        cluster.request("PUT", f"{path}/{name}/approval", request)
    request = cluster.request("GET", f"{path}/granted")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "system:node:one")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    request["status"]["certificate"] = base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode()
    cluster.replace_status(f"{path}/granted", request)
