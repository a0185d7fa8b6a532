"""The kinds that are tried, and plain objects of each, which odd ones are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from k8s_inventory.kinds import KINDS, Kind
from tests.cluster import Cluster
from tests.cluster.custom_kinds import CRDS
from tests.cluster.every_kind import OBJECTS
from tests.cluster.objects import crd, cron_job, deployment, job, pod, realistic_pod, realistic_status, service
from tests.odd_objects.making import Maker, Object

GROUP = "odd.example"
NAMESPACE = "odd"
APART = {"resourcequotas": "odd-quotas", "limitranges": "odd-limits"}
"""Kinds that would keep other objects from being made, and the namespaces where there are no others."""

_RUNNING: Object = {
    "metadata": {"labels": {"app": "a"}},
    "spec": realistic_pod(1)["spec"],
    "status": realistic_status(1),
}
_WORKLOADS: dict[str, list[Object]] = {
    "pods": [pod("a"), _RUNNING],
    "namespaces": [{"metadata": {}}],
    **{each: [deployment("a")] for each in ("deployments", "replicasets", "statefulsets", "daemonsets")},
    "jobs": [job("a")],
    "cronjobs": [cron_job("a")],
    "services": [service("a"), service("a", type="ExternalName", externalName="db.example")],
    "ipaddresses": [{"spec": {"parentRef": {"resource": "services", "namespace": NAMESPACE, "name": "a"}}}],
    "servicecidrs": [{"spec": {"cidrs": ["10.77.0.0/16"]}}],
    "apiservices": [{"spec": {"version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}}],
}
_SECRET_MAPS = {"configmaps": {"data"}, "secrets": {"data", "stringData"}}
NAMED_FREELY = {"roles", "clusterroles", "rolebindings", "clusterrolebindings"}

_ANYTHING: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_CONDITION = {"type": {"type": "string"}, "status": {"type": "string"}, "at": {"type": "string", "format": "date-time"}}
_TYPED: Object = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "small": {"type": "integer", "format": "int32"},
        "large": {"type": "integer", "format": "int64"},
        "number": {"type": "number"},
        "flag": {"type": "boolean"},
        "at": {"type": "string", "format": "date-time"},
        "either": {"x-kubernetes-int-or-string": True, "format": "int-or-string"},
        "list": {"type": "array", "items": {"type": "string"}},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "any": _ANYTHING,
    },
}
_STATUS: Object = {
    "type": "object",
    "properties": {"conditions": {"type": "array", "items": {"type": "object", "properties": _CONDITION}}},
}
CUSTOM: dict[str, Object] = {
    "frees": _ANYTHING,
    "typeds": {"type": "object", "properties": {"spec": _TYPED, "status": _STATUS, "extra": _ANYTHING}},
}
COLUMNS = [
    ("Text", "string", ".spec.text"),
    ("Count", "integer", ".spec.count"),
    ("Number", "number", ".spec.number"),
    ("Flag", "boolean", ".spec.flag"),
    ("Either", "string", ".spec.either"),
    ("List", "string", ".spec.list[*]"),
    ("First", "string", ".spec.list[0]"),
    ("Map", "string", ".spec.map"),
    ("Any", "string", ".spec.any"),
    ("Ready", "string", '.status.conditions[?(@.type=="True")].status'),
]


@dataclass(frozen=True)
class OddKind:
    """A kind that is tried: declared, or a custom one."""

    name: str
    path: str
    list_path: str
    plain: tuple[Object, ...]
    maker: Maker
    declared: Kind | None = None


def odd_kinds(cluster: Cluster) -> dict[str, OddKind]:
    """Every declared kind and the custom ones, by name; makes the namespaces and CRDs that they need."""
    for name in (NAMESPACE, *APART.values()):
        cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    for plural, schema in CUSTOM.items():
        cluster.create(CRDS, _definition(plural, schema))
    found = {}
    schemas: dict[str, dict[str, Object]] = {}
    for kind in KINDS.values():
        root = f"apis/{kind.group}/{kind.versions[0]}" if kind.group else f"api/{kind.versions[0]}"
        if root not in schemas:
            schemas[root] = cluster.request("GET", f"/openapi/v3/{root}")["components"]["schemas"]
        (schema,) = (
            each
            for each in schemas[root].values()
            for named in each.get("x-kubernetes-group-version-kind", ())
            if named == {"group": kind.group, "version": kind.versions[0], "kind": kind.kind}
        )
        namespace = APART.get(kind.name, NAMESPACE) if kind.namespaced else None
        found[kind.name] = OddKind(
            kind.name,
            str(kind.list_path(kind.versions[0], namespace)),
            str(kind.list_path(kind.versions[0])),
            tuple(_plain(kind)),
            Maker(schema, schemas[root], frozenset(_SECRET_MAPS.get(kind.name, ()))),
            kind,
        )
    for plural, schema in CUSTOM.items():
        path = f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/{plural}"
        cluster.until_served(path)
        plain = {"apiVersion": f"{GROUP}/v1", "kind": _kind(plural), "spec": {}, "status": {}}
        top = schema.get("properties") or {"spec": _ANYTHING, "status": _ANYTHING, "extra": _ANYTHING}
        maker = Maker({"type": "object", "properties": top}, {})
        found[f"{plural}.{GROUP}"] = OddKind(f"{plural}.{GROUP}", path, f"/apis/{GROUP}/v1/{plural}", (plain,), maker)
    return found


def name_of(kind: OddKind, seed: int) -> list[str]:
    """Names for the object of a seed, the oddest first: a later one is for a kind that does not take the former."""
    short = f"odd-{seed}"
    if kind.name == "ipaddresses":
        return [f"10.78.{seed // 250 % 250}.{seed % 250}"]
    if kind.name == "apiservices":
        return [f"v1.odd{seed}.example"]
    if kind.name == "crds":
        return [f"odd{seed}s.{GROUP}"]
    long = [f"{short}-{'x' * (252 - len(short))}"] if seed % 3 == 0 else []
    if kind.name in NAMED_FREELY:
        free = [f"{short}\u0001 \u00fc\U0001f469:{{}}'\"\\", f"{short}{'n' * 3000}", f"system:{short}\u202e"]
        long = [free[seed // 7 % 3]]
    return [*long, short]


def named(kind: OddKind, plain: Object, name: str) -> Object:
    """A copy under a name, with what has to agree with it."""
    made: Object = json.loads(json.dumps(plain))
    made["metadata"] = {**made.get("metadata", {}), "name": name}
    made["metadata"].pop("finalizers", None)
    if kind.name == "apiservices":
        made["spec"]["group"] = name.partition(".")[2]
    if kind.name == "crds":
        plural = name.partition(".")[0]
        made["spec"]["names"] = crd(plural, GROUP)["spec"]["names"]
    return made


def _plain(kind: Kind) -> list[Object]:
    if kind.name == "crds":
        return [_definition("x", CUSTOM["typeds"])]
    path = str(kind.list_path(kind.versions[0]))
    listed = [list(bodies.values()) for each, bodies in OBJECTS.items() if _without_namespace(each) == path]
    return (_WORKLOADS.get(kind.name) or [body for bodies in listed for body in bodies]) or [{}]


def _without_namespace(path: str) -> str:
    before, found, after = path.partition("/namespaces/")
    return f"{before}/{after.partition('/')[2]}" if found else path


def _kind(plural: str) -> str:
    return plural.removesuffix("s").capitalize()


def _definition(plural: str, schema: Object) -> Object:
    made: dict[str, Any] = crd(plural, GROUP)
    columns = [dict(zip(("name", "type", "jsonPath"), each, strict=True)) for each in COLUMNS]
    served = {
        "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": columns,
        "subresources": {"status": {}},
    }
    made["spec"]["versions"][0] |= served
    return json.loads(json.dumps(made).replace(', "format": "int-or-string"', ""))
