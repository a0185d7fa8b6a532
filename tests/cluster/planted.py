"""Objects with a secret in each place where people put them; what shows by default, and what does not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.cluster.cluster import Cluster, Object
from tests.cluster.custom_kinds import CRDS
from tests.cluster.every_kind import OBJECTS, THEN
from tests.cluster.objects import cron_job, deployment, job, service

NAMESPACE = "vault"
CORE, APPS, BATCH = (f"{root}/namespaces/{NAMESPACE}" for root in ("/api/v1", "/apis/apps/v1", "/apis/batch/v1"))
PODS = f"{CORE}/pods"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
STORAGE = "/apis/storage.k8s.io/v1"
DEVICES = "/apis/resource.k8s.io/v1"
APPLICATIONS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"
RELEASES = f"/apis/helm.toolkit.fluxcd.io/v2/namespaces/{NAMESPACE}/helmreleases"
SHOWN, HIDDEN = True, False
LAST_APPLIED = "metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']"


@dataclass(frozen=True)
class Plant:
    """A `secret` in a place of an object, within `value`; whether it `shows` by default. With `strict` none does."""

    path: str
    place: str
    shows: bool
    secret: str
    value: Any


def _plants(table: list[tuple[str, str, bool, Any]]) -> list[Plant]:
    """Each row names the list, the place, whether it shows, and the text around the secret."""
    made = []
    for number, (path, place, shows, around) in enumerate(table):
        word = f"pl4nted-{number:03}"
        if around is int:
            made.append(Plant(path, place, shows, f"907311{number:03}", int(f"907311{number:03}")))
        elif callable(around):
            made.append(Plant(path, place, shows, around(), around()))
        else:
            made.append(Plant(path, place, shows, word, around.replace("{}", word)))
    return made


_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_REQUEST = OBJECTS[_REQUESTS]["waiting"]["spec"]["request"]


def _pod_spec(path: str, spec: str) -> list[tuple[str, str, bool, Any]]:
    """What a pod template may hold."""
    return [
        (path, f"{spec}.containers[0].args[0]", SHOWN, "--password={}"),
        (path, f"{spec}.containers[0].env[0].value", HIDDEN, "{}"),
        (path, f"{spec}.initContainers[0].env[0].value", HIDDEN, "{}"),
    ]


def _copies(path: str, metadata: str) -> list[tuple[str, str, bool, Any]]:
    """What appliers leave in annotations."""
    secret = '{"apiVersion":"v1","kind":"Secret","data":{"password":"{}"}}'
    workload = '{"kind":"Deployment","spec":{"template":{"spec":{"containers":[{"env":[{"name":"A","value":"{}"}]}]}}}}'
    return [
        (path, f"{metadata}.annotations['objectset.example.com/copy']", HIDDEN, secret),
        (path, f"{metadata}.annotations['example.com/workload']", HIDDEN, workload),
        (
            path,
            f"{metadata}.annotations['example.com/manifest']",
            HIDDEN,
            "kind: Secret\nstringData:\n  password: {}\n",
        ),
        (path, f"{metadata}.annotations['example.com/in-json']", HIDDEN, json.dumps({"object": secret})),
    ]


TABLE: list[tuple[str, str, bool, Any]] = [
    ("/api/v1/namespaces", "metadata.annotations['example.com/note']", SHOWN, "{}"),
    # -- pods
    *_pod_spec(PODS, "spec"),
    (PODS, "metadata.annotations['example.com/note']", SHOWN, "{}"),
    (PODS, "metadata.annotations['example.com/url']", HIDDEN, "see https://user:{}@host.example/path for more"),
    (PODS, "metadata.annotations['example.com/json']", HIDDEN, '{"u": "https:\\/\\/user:{}@host.example\\/"}'),
    (PODS, "metadata.annotations['example.com/port']", HIDDEN, "postgres://app:{}/x?y#z@db.example:5432/app"),
    (PODS, "metadata.annotations['kapp.k14s.io/original']", HIDDEN, '{"data":{"password":"{}"}}'),
    *_copies(PODS, "metadata"),
    (PODS, LAST_APPLIED, HIDDEN, '{"data":{"password":"{}"}}'),
    (PODS, "spec.containers[0].command[0]", SHOWN, "/bin/run-{}"),
    (PODS, "spec.containers[0].args[1]", HIDDEN, "--db=postgres://app:{}@db.example/app"),
    (PODS, "spec.containers[0].args[2]", HIDDEN, "--redis=redis://:{}@redis.example:6379/0"),
    (PODS, "spec.containers[0].args[3]", HIDDEN, "--mq=amqp://a:b@one.example,c:{}@two.example"),
    (PODS, "spec.containers[0].args[4]", HIDDEN, "--git=https://{}@git.example/repo"),
    (PODS, "spec.containers[0].args[5]", HIDDEN, "--api=https://u%40x:%21{}@[::1]:6443/"),
    (PODS, "spec.containers[0].envFrom[0].prefix", SHOWN, "{}_"),
    (PODS, "spec.containers[0].workingDir", SHOWN, "/srv/{}"),
    (PODS, "spec.containers[0].livenessProbe.httpGet.httpHeaders[0].value", SHOWN, "Bearer {}"),
    (PODS, "spec.containers[0].livenessProbe.httpGet.path", SHOWN, "/healthz?token={}"),
    (PODS, "spec.containers[0].readinessProbe.exec.command[0]", SHOWN, "check-{}"),
    (PODS, "spec.containers[0].startupProbe.httpGet.httpHeaders[0].value", SHOWN, "{}"),
    (PODS, "spec.containers[0].lifecycle.postStart.exec.command[0]", SHOWN, "register {}"),
    (PODS, "spec.containers[0].lifecycle.preStop.httpGet.httpHeaders[0].value", SHOWN, "{}"),
    (PODS, "spec.containers[0].volumeMounts[0].subPath", SHOWN, "sub/{}"),
    (PODS, "spec.containers[0].securityContext.windowsOptions.gmsaCredentialSpec", SHOWN, "{}"),
    (PODS, "spec.initContainers[0].args[0]", SHOWN, "{}"),
    (PODS, "spec.securityContext.sysctls[0].value", SHOWN, "{}"),
    (PODS, "spec.dnsConfig.options[0].value", SHOWN, "{}"),
    (PODS, "spec.volumes[0].csi.volumeAttributes.token", SHOWN, "{}"),
    (PODS, "spec.volumes[1].flexVolume.options.password", SHOWN, "{}"),
    (PODS, "spec.volumes[2].nfs.path", SHOWN, "/exports/{}"),
    (PODS, "spec.volumes[3].azureDisk.diskURI", SHOWN, "https://disks.example/d.vhd?sig={}"),
    (PODS, "spec.volumes[4].ephemeral.volumeClaimTemplate.metadata.annotations.note", SHOWN, "{}"),
    *_copies(PODS, "spec.volumes[4].ephemeral.volumeClaimTemplate.metadata"),
    (PODS, "spec.volumes[5].rbd.keyring", SHOWN, "/etc/{}"),
    (PODS, "status.message", SHOWN, "it failed with {}"),
    (PODS, "status.reason", SHOWN, "Because of {}"),
    (PODS, "status.conditions[0].message", SHOWN, "{}"),
    (PODS, "status.containerStatuses[0].state.waiting.message", SHOWN, "pulling with {}"),
    (PODS, "status.containerStatuses[0].lastState.terminated.message", SHOWN, "panic: {}"),
    # -- what makes pods
    *_pod_spec(f"{APPS}/deployments", "spec.template.spec"),
    *_pod_spec(f"{APPS}/replicasets", "spec.template.spec"),
    *_pod_spec(f"{APPS}/statefulsets", "spec.template.spec"),
    *_pod_spec(f"{APPS}/daemonsets", "spec.template.spec"),
    *_pod_spec(f"{CORE}/replicationcontrollers", "spec.template.spec"),
    *_pod_spec(f"{CORE}/podtemplates", "template.spec"),
    *_pod_spec(f"{BATCH}/jobs", "spec.template.spec"),
    *_pod_spec(f"{BATCH}/cronjobs", "spec.jobTemplate.spec.template.spec"),
    *_pod_spec(f"{APPS}/controllerrevisions", "data.spec.template.spec"),
    (f"{APPS}/controllerrevisions", "data.note", SHOWN, "{}"),
    *_copies(f"{APPS}/controllerrevisions", "data.object.metadata"),
    (f"{APPS}/controllerrevisions", "data.spec.workerTemplate.spec.containers[0].env[0].value", HIDDEN, "{}"),
    (f"{APPS}/controllerrevisions", "data.spec.values.env.TOKEN", HIDDEN, "{}"),
    (f"{APPS}/deployments", "spec.template.metadata.annotations.note", SHOWN, "{}"),
    *_copies(f"{APPS}/deployments", "metadata"),
    *_copies(f"{APPS}/deployments", "spec.template.metadata"),
    (f"{APPS}/deployments", "spec.template.spec.containers[0].args[1]", HIDDEN, "--api=https://u:{}@api.example"),
    (f"{APPS}/deployments", "status.conditions[0].message", SHOWN, "{}"),
    (f"{APPS}/statefulsets", "spec.volumeClaimTemplates[0].metadata.annotations.note", SHOWN, "{}"),
    (f"{BATCH}/jobs", "status.conditions[0].message", SHOWN, "{}"),
    # -- configuration
    (f"{CORE}/configmaps", "data.password", HIDDEN, "{}"),
    (f"{CORE}/configmaps", "data.script", HIDDEN, "curl https://u:{}@host.example"),
    (f"{CORE}/configmaps", "metadata.annotations.note", SHOWN, "{}"),
    (f"{CORE}/secrets", "stringData.password", HIDDEN, "{}"),
    (f"{CORE}/secrets", "metadata.annotations.note", SHOWN, "{}"),
    (f"{CORE}/secrets", "metadata.annotations['kapp.k14s.io/original']", HIDDEN, "{}"),
    (f"{CORE}/secrets", "metadata.annotations['example.com/values']", HIDDEN, '{"password":"{}"}'),
    (f"{CORE}/secrets", "metadata.annotations['example.com/note']", HIDDEN, "password: {}"),
    *_copies(f"{CORE}/secrets", "metadata"),
    *_copies(f"{CORE}/configmaps", "metadata"),
    ("/apis/scheduling.k8s.io/v1/priorityclasses", "description", SHOWN, "for those with {}"),
    (f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases", "spec.holderIdentity", SHOWN, "web_{}"),
    # -- networking
    (f"{CORE}/services", "metadata.annotations['example.com/webhook']", SHOWN, "https://hooks.example/{}"),
    (f"{CORE}/services", "status.conditions[0].message", SHOWN, "{}"),
    (f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses", "spec.rules[0].http.paths[0].path", SHOWN, "/{}"),
    (
        f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses",
        "metadata.annotations['nginx.ingress.kubernetes.io/auth-url']",
        HIDDEN,
        "https://u:{}@auth.example/",
    ),
    # -- storage
    ("/api/v1/persistentvolumes", "spec.csi.volumeAttributes.password", SHOWN, "{}"),
    ("/api/v1/persistentvolumes", "spec.csi.volumeHandle", SHOWN, "share#{}"),
    ("/api/v1/persistentvolumes", "spec.mountOptions[0]", SHOWN, "username=a,password={}"),
    ("/api/v1/persistentvolumes", "status.message", SHOWN, "{}"),
    (f"{CORE}/persistentvolumeclaims", "status.conditions[0].message", SHOWN, "{}"),
    (f"{STORAGE}/storageclasses", "parameters.restuserkey", SHOWN, "{}"),
    (f"{STORAGE}/storageclasses", "parameters.resturl", HIDDEN, "http://admin:{}@heketi.example:8080"),
    (f"{STORAGE}/storageclasses", "mountOptions[0]", SHOWN, "password={}"),
    (f"{STORAGE}/volumeattributesclasses", "parameters.key", SHOWN, "{}"),
    (f"{STORAGE}/volumeattachments", "status.attachError.message", SHOWN, "mount -o password={}"),
    (f"{STORAGE}/volumeattachments", "status.attachmentMetadata.token", SHOWN, "{}"),
    # -- access and admission
    (_REQUESTS, "spec.request", SHOWN, lambda: _REQUEST),
    (f"{ADMISSION}/validatingwebhookconfigurations", "webhooks[1].clientConfig.url", SHOWN, "https://a.example/{}"),
    (f"{ADMISSION}/validatingwebhookconfigurations", "webhooks[1].matchConditions[0].expression", SHOWN, "'{}' != ''"),
    (f"{ADMISSION}/mutatingwebhookconfigurations", "webhooks[1].clientConfig.url", SHOWN, "https://a.example/{}"),
    (f"{ADMISSION}/validatingadmissionpolicies", "spec.validations[0].expression", SHOWN, "'{}' != ''"),
    (f"{ADMISSION}/validatingadmissionpolicies", "spec.validations[0].message", SHOWN, "not {}"),
    (f"{ADMISSION}/validatingadmissionpolicies", "spec.variables[0].expression", SHOWN, "'{}'"),
    (f"{ADMISSION}/mutatingadmissionpolicies", "spec.variables[0].expression", SHOWN, "'{}'"),
    # -- the cluster, devices
    ("/api/v1/nodes", "metadata.annotations['example.com/note']", SHOWN, "{}"),
    ("/api/v1/nodes", "status.conditions[0].message", SHOWN, "{}"),
    ("/api/v1/nodes", "status.nodeInfo.machineID", SHOWN, "{}"),
    (f"{CORE}/events", "message", SHOWN, "exec failed: login --token {}"),
    (f"{CORE}/events", "reason", SHOWN, "It was {}"),
    (f"{CORE}/events", "metadata.annotations.note", HIDDEN, "pulled from https://robot:{}@registry.example/"),
    (f"{DEVICES}/deviceclasses", "spec.config[0].opaque.parameters.token", SHOWN, "{}"),
    (f"{DEVICES}/deviceclasses", "spec.selectors[0].cel.expression", SHOWN, "device.driver != '{}'"),
    (f"{DEVICES}/resourceslices", "spec.devices[0].attributes.serial.string", SHOWN, "{}"),
    # -- custom kinds
    (CRDS, "spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.key.default", SHOWN, "{}"),
    (CRDS, "spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.key.description", SHOWN, "not {}"),
    (CRDS, "spec.versions[0].additionalPrinterColumns[0].description", SHOWN, "{}"),
    (CRDS, "spec.conversion.webhook.clientConfig.url", SHOWN, "https://convert.example/{}"),
    (APPLICATIONS, "metadata.annotations['notifications.argoproj.io/webhook']", HIDDEN, "https://u:{}@hook.example"),
    (APPLICATIONS, "spec.source.repoURL", HIDDEN, "https://git:{}@git.example/repo.git"),
    (APPLICATIONS, "spec.source.helm.values", SHOWN, "db:\n  password: {}\n"),
    (APPLICATIONS, "spec.source.helm.valuesObject.db.password", SHOWN, "{}"),
    (APPLICATIONS, "spec.source.helm.parameters[0].value", SHOWN, "{}"),
    (APPLICATIONS, "spec.source.plugin.env[0].value", HIDDEN, "{}"),
    (APPLICATIONS, "spec.source.helm.valuesObject.extraEnv.TOKEN", HIDDEN, "{}"),
    (APPLICATIONS, "spec.manifests[0]", HIDDEN, "apiVersion: v1\nkind: Secret\ndata:\n  password: {}\n"),
    (APPLICATIONS, "spec.source.helm.valuesObject.extraEnvVars[0].value", HIDDEN, "{}"),
    (APPLICATIONS, "spec.source.helm.valuesObject.environment.TOKEN", HIDDEN, "{}"),
    (APPLICATIONS, "spec.resources[0].data.password", HIDDEN, "{}"),
    (APPLICATIONS, "spec.resources[1].stringData.password", HIDDEN, "{}"),
    *_copies(APPLICATIONS, "metadata"),
    (APPLICATIONS, "spec.password", SHOWN, "{}"),
    (APPLICATIONS, "spec.pin.password", SHOWN, int),
    (APPLICATIONS, "spec.list[0]", SHOWN, "{}"),
    (APPLICATIONS, "spec.auths['https://u:pl4nted-key@registry.example'].email", SHOWN, "{}"),
    (APPLICATIONS, "status.operationState.message", SHOWN, "login with {}"),
    (APPLICATIONS, "status.token", SHOWN, "{}"),
    (APPLICATIONS, "status.conditions[0].message", SHOWN, "{}"),
    (APPLICATIONS, "operation.info", SHOWN, "{}"),
    (RELEASES, "spec.values.db.password", SHOWN, "{}"),
    (RELEASES, "spec.postRenderers[0].kustomize.patch", SHOWN, "- op: add\n  value: {}\n"),
    (RELEASES, "spec.template.spec.containers[0].env[0].value", HIDDEN, "{}"),
    (RELEASES, "status.lastError", SHOWN, "{}"),
]
PLANTS = _plants(TABLE)
PLANTED_KEY = "pl4nted-key"
"""What is planted in the name of a field, as the userinfo of a URL: it never shows."""


_ENV = [{"name": "TOKEN"}]
_SPEC: Object = {
    "containers": [{"name": "main", "image": "registry.example/app:1", "env": _ENV}],
    "initContainers": [{"name": "init", "image": "registry.example/init:1", "env": _ENV}],
}
_HTTP = {"httpGet": {"port": 80, "httpHeaders": [{"name": "Authorization"}]}}
_CONDITION = {"type": "Ready", "status": "False", "reason": "Because", "lastTransitionTime": THEN}
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_POD: Object = {
    "spec": {
        "containers": [
            {
                **_SPEC["containers"][0],
                "envFrom": [{"configMapRef": {"name": "c"}}],
                "livenessProbe": _HTTP,
                "startupProbe": _HTTP,
                "lifecycle": {"preStop": _HTTP},
                "volumeMounts": [{"name": "v0", "mountPath": "/m"}],
            }
        ],
        "initContainers": _SPEC["initContainers"],
        "securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced"}]},
        "dnsConfig": {"options": [{"name": "ndots"}]},
        "volumes": [
            {"name": "v0", "csi": {"driver": "csi.example.com"}},
            {"name": "v1", "flexVolume": {"driver": "example.com/flex"}},
            {"name": "v2", "nfs": {"server": "nfs.example"}},
            {"name": "v3", "azureDisk": {"diskName": "d"}},
            {"name": "v4", "ephemeral": {"volumeClaimTemplate": {"spec": _CLAIM}}},
            {"name": "v5", "rbd": {"monitors": ["m"], "image": "i"}},
        ],
    },
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [
            {
                "name": "main",
                "image": "registry.example/app:1",
                "imageID": "registry.example/app@sha256:" + "a" * 64,
                "ready": False,
                "restartCount": 1,
                "state": {"waiting": {"reason": "ErrImagePull"}},
                "lastState": {"terminated": {"exitCode": 1}},
            }
        ],
    },
}


_CONVERSION = {
    "strategy": "Webhook",
    "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://convert.example/"}},
}


def _crd(group: str, version: str, kind: str) -> Object:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {**anything, "properties": {"key": {"type": "string"}}}
    column = {"name": "Password", "type": "string", "jsonPath": ".spec.password"}
    of_version = {"name": version, "served": True, "storage": True, "additionalPrinterColumns": [column]}
    plural = f"{kind.lower()}s"
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{**of_version, "schema": {"openAPIV3Schema": {**anything, "properties": {"spec": spec}}}}],
            "conversion": _CONVERSION,
        },
    }


_BASES: dict[str, Object] = {
    "/api/v1/namespaces": {"metadata": {"name": NAMESPACE}},
    PODS: _POD,
    **{f"{APPS}/{plural}": deployment("x", replicas=0) for plural in ("deployments", "replicasets", "statefulsets")},
    f"{APPS}/daemonsets": deployment("x"),
    f"{BATCH}/jobs": job("x", suspend=True),
    f"{BATCH}/cronjobs": cron_job("x", suspend=True),
    f"{CORE}/services": service("x"),
    CRDS: _crd("argoproj.io", "v1alpha1", "Application"),
    APPLICATIONS: {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"},
    RELEASES: {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease"},
}
"""What a list's object is beside its plants; else it is the first of its kind in `every_kind`."""


_BESIDE: list[tuple[str, str, Any]] = [
    (f"{APPS}/statefulsets", "spec.volumeClaimTemplates[0]", {"metadata": {"name": "v"}, "spec": _CLAIM}),
    (f"{ADMISSION}/validatingwebhookconfigurations", "webhooks[1].matchConditions[0].name", "m"),
    (f"{ADMISSION}/validatingadmissionpolicies", "spec.variables[0].name", "v"),
    (f"{ADMISSION}/mutatingadmissionpolicies", "spec.variables[0].name", "v"),
    (f"{CORE}/events", "involvedObject.namespace", NAMESPACE),
    (f"{DEVICES}/deviceclasses", "spec.config[0].opaque.driver", "gpu.example.com"),
    (APPLICATIONS, "spec.source.helm.parameters[0].name", "image.tag"),
    (APPLICATIONS, "spec.source.helm.valuesObject.extraEnvVars[0].name", "TOKEN"),
    (APPLICATIONS, "spec.resources[0].kind", "ConfigMap"),
    (APPLICATIONS, "spec.source.plugin.env[0].name", "TOKEN"),
    (RELEASES, "spec.template.spec.containers[0].env[0].name", "TOKEN"),
]
"""What the API server wants beside a plant."""

_TEMPLATES = {
    f"{CORE}/podtemplates": "template.spec",
    f"{BATCH}/cronjobs": "spec.jobTemplate.spec.template.spec",
    f"{APPS}/controllerrevisions": "data.spec.template.spec",
    **{
        f"{APPS}/{plural}": "spec.template.spec"
        for plural in ("deployments", "replicasets", "statefulsets", "daemonsets")
    },
    f"{CORE}/replicationcontrollers": "spec.template.spec",
    f"{BATCH}/jobs": "spec.template.spec",
}


def make_planted(cluster: Cluster) -> None:
    """Makes an object for each list of `PLANTS`, with all in it that is planted there; the CRDs of two before them."""
    cluster.create(CRDS, _crd("helm.toolkit.fluxcd.io", "v2", "HelmRelease"))
    for path in dict.fromkeys(plant.path for plant in PLANTS):
        if path in (APPLICATIONS, RELEASES):
            cluster.until_served(path)
        body = _planted(path)
        created = cluster.create(path, body)
        if "status" in body and path not in (APPLICATIONS, RELEASES, CRDS):
            created["status"] = body["status"]
            cluster.replace_status(f"{path}/{body['metadata']['name']}", created)


def _planted(path: str) -> Object:
    of_every_kind = OBJECTS.get(path.replace(f"/{NAMESPACE}/", "/default/"), {"": {}})
    body: Object = _copied(_BASES.get(path, next(iter(of_every_kind.values()))))
    if path in _TEMPLATES:
        spec = _copied(_SPEC) | ({"restartPolicy": "Never"} if path.startswith(BATCH) else {})
        _put(body, _TEMPLATES[path], spec)
    for of_path, place, value in _BESIDE:
        if of_path == path:
            _put(body, place, _copied(value))
    for plant in PLANTS:
        if plant.path == path:
            if plant.place.startswith("status.conditions"):
                body.setdefault("status", {}).setdefault("conditions", [dict(_CONDITION)])
            _put(body, plant.place, plant.value)
    body.setdefault("metadata", {}).setdefault("name", "planted")
    if body["metadata"]["name"] == "x":
        body["metadata"]["name"] = "planted"
    return body


def _put(holder: Any, place: str, value: Any) -> None:
    """Puts a value into a place such as `spec.list[0]['a.b'].name`; makes what is missing on the way."""
    steps = [quoted or field or int(index) for quoted, index, field in _STEP.findall(place)]
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, int) and len(holder) <= step:
            holder.append(None)
        missing = value if following is None else [] if isinstance(following, int) else {}
        if following is None or (isinstance(holder, dict) and step not in holder) or holder[step] is None:
            holder[step] = missing
        holder = holder[step]


def _copied(value: Any) -> Any:
    """A copy in which nothing is there twice."""
    return json.loads(json.dumps(value))


_STEP = re.compile(r"\['([^']+)'\]|\[(\d+)\]|([^.\[\]]+)")
