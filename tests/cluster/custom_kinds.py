"""Makes the CRDs of custom_kinds.yaml, and many small ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.cluster import Cluster, Object

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACE = "custom"
NAMES = ("one", "two")
"""Of the objects of a kind, in order."""

_TYPES: dict[str, Object] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date-time"},
    "int-or-string": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "embedded": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    },
}
_STATUS = {"conditions": [{"type": "string", "status": "string", "reason": "string", "lastTransitionTime": "date"}]}
_READY = {"type": "Ready", "status": "True", "reason": "Done", "lastTransitionTime": "2026-01-02T03:04:05Z"}
_COLUMNS = [
    ["Ready", "string", '.status.conditions[?(@.type=="Ready")].status'],
    ["Since", "date", '.status.conditions[?(@.type=="Ready")].lastTransitionTime'],
    ["Age", "date", ".metadata.creationTimestamp"],
]


def custom_kinds() -> list[Object]:
    found: list[Object] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    return found


def definition(given: Object) -> Object:
    """The CRD of an entry of custom_kinds.yaml: all of its versions are served, the last of them is stored."""
    group, kind = given["kind"].split("/")
    versions = given.get("versions", ["v1"])
    plural = plural_of(given)
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    columns = [dict(zip(("name", "type", "jsonPath"), each, strict=True)) for each in given.get("columns", _COLUMNS)]
    version = {
        "served": True,
        "schema": {"openAPIV3Schema": _schema(given.get("schema", {"spec": given.get("spec"), "status": _STATUS}))},
        "additionalPrinterColumns": columns,
        **({"subresources": {"status": {}}} if _has_status(given) else {}),
    }
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": given.get("scope", "Namespaced"),
            "names": {**names, **given.get("names", {})},
            "versions": [{**version, "name": name, "storage": name == versions[-1]} for name in versions],
        },
    }


def plural_of(given: Object) -> str:
    kind = str(given["kind"].split("/")[1]).lower()
    return f"{kind[:-1]}ies" if kind.endswith("cy") else f"{kind}s"


def object_path(given: Object) -> str:
    """Where the objects of a kind are, in the version that it stores."""
    group = given["kind"].split("/")[0]
    inside = f"namespaces/{NAMESPACE}/" if given.get("scope") != "Cluster" else ""
    return f"/apis/{group}/{given.get('versions', ['v1'])[-1]}/{inside}{plural_of(given)}"


def make_custom_kinds(cluster: Cluster) -> None:
    """Makes all of the CRDs, and their objects in the namespace `custom`."""
    cluster.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    for given in custom_kinds():
        cluster.create(CRDS, definition(given))
    for given in custom_kinds():
        cluster.until_served(object_path(given))
        for name, fields in zip(NAMES, given["objects"], strict=False):
            make_object(cluster, given, name, fields)


def make_object(cluster: Cluster, given: Object, name: str, fields: Object) -> None:
    group, kind = given["kind"].split("/")
    api_version = f"{group}/{given.get('versions', ['v1'])[-1]}"
    metadata = {"name": name, "labels": {"app.kubernetes.io/name": name}}
    created = cluster.create(
        object_path(given), {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
    )
    if _has_status(given):
        status = {"conditions": [_READY] if name == NAMES[0] else []}
        cluster.replace_status(f"{object_path(given)}/{name}", {**created, "status": status})


def many_kinds(count: int) -> Iterator[Object]:
    """As many small kinds as are asked for, in the terms of custom_kinds.yaml."""
    for number in range(count):
        spec = {
            "size": "integer",
            "name": "string",
            "parts": ["string"],
            "template": {"metadata": "any", "spec": "any"},
        }
        yield {
            "kind": f"many{number % 50}.example.com/Thing{number:04}",
            "spec": spec,
            "objects": [{"spec": {"size": 1}}],
        }


def _has_status(given: Object) -> bool:
    return "schema" not in given


def _schema(given: Any) -> Object:
    if isinstance(given, list):
        return {"type": "array", "items": _schema(given[0])}
    if not isinstance(given, dict):
        return _TYPES[str(given)]
    if "*" in given:
        return {"type": "object", "additionalProperties": _schema(given["*"])}
    return {"type": "object", "properties": {_field(name): _schema(each) for name, each in given.items()}}


def _field(name: Any) -> str:
    """YAML reads the field `on` as a boolean."""
    return "on" if name is True else str(name)
