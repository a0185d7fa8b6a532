"""The CRDs that well-known operators publish, from their Go modules, and objects that their schemas take."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.binary import find_go
from tests.cluster.cluster import Cluster, Object, Rejected
from tests.cluster.custom_kinds import CRDS, NAMESPACE

_APPROVED = "api-approved.kubernetes.io"
_DEEPEST = 6
"""Levels of optional fields that a full object has."""


class _Loader(yaml.CSafeLoader):
    """Takes `=`, an operator of Prometheus, for the text that it is, which YAML 1.1 does not."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


@dataclass(frozen=True)
class Operator:
    """A Go module at a version, its checksum as go.sum has it, and where its CRDs are in it."""

    module: str
    version: str
    checksum: str
    crds: str


OPERATORS = (
    Operator(
        "sigs.k8s.io/gateway-api",
        "v1.6.3",
        "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
        "config/crd/experimental/*.yaml",
    ),
    Operator(
        "github.com/cert-manager/cert-manager",
        "v1.18.2",
        "h1:H2P75ycGcTMauV3gvpkDqLdS3RSXonWF2S49QGA1PZE=",
        "deploy/crds/*.yaml",
    ),
    Operator(
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        "example/prometheus-operator-crd/*.yaml",
    ),
    Operator(
        "github.com/kedacore/keda/v2",
        "v2.17.2",
        "h1:xlrcK5TKABJF9PebK79sgL07s/csGjL3H4m72OkZXxk=",
        "config/crd/bases/*.yaml",
    ),
    Operator(
        "github.com/tektoncd/pipeline",
        "v1.3.0",
        "h1:/qYHk62Po76z+pWxd2bbPrCkzcsCLhcRMjv0H6NuB58=",
        "config/300-crds/*.yaml",
    ),
    Operator(
        "knative.dev/serving",
        "v0.46.0",
        "h1:OF4Jt+6xY4nw0lFb9G3rEEJPZcNx1k2Kf1IhhJp/Rg4=",
        "config/core/300-resources/*.yaml",
    ),
    Operator(
        "github.com/argoproj/argo-rollouts",
        "v1.8.3",
        "h1:blbtQva4IK9r6gFh+dWkCrLnFdPOWiv9ubQYu36qeaA=",
        "manifests/crds/*-crd.yaml",
    ),
    Operator(
        "sigs.k8s.io/karpenter",
        "v1.6.0",
        "h1:82SIWF3FIaTkD5WFx+2wjCqgkZK5m1CHY5p+uIu4ScI=",
        "pkg/apis/crds/*.yaml",
    ),
    Operator(
        "istio.io/api",
        "v1.31.4",
        "h1:AcnncYrlDj1PJkym7h88Gggkef4MAra8QpGaXRMsr+E=",
        "kubernetes/customresourcedefinitions.gen.yaml",
    ),
    Operator(
        "sigs.k8s.io/cluster-api",
        "v1.10.4",
        "h1:5mdyWLGbbwOowWrjqM/J9N600QnxTohu5J1/1YR6g7c=",
        "config/crd/bases/*.yaml",
    ),
    Operator(
        "github.com/cloudnative-pg/cloudnative-pg",
        "v1.26.1",
        "h1:QKQHBVWQqAQNeLVX+YiXRS59kUgayEqwoNJxguUWG8Q=",
        "config/crd/bases/*.yaml",
    ),
)


def download(operator: Operator) -> Path:
    """The folder of an operator's module, which Go downloads once, into its own cache."""
    command = [find_go(), "mod", "download", "-json", f"{operator.module}@{operator.version}"]
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GONOSUMDB": "*"}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    assert found["Sum"] == operator.checksum, found
    return Path(found["Dir"])


def published(operator: Operator) -> list[Object]:
    """The CRDs of an operator."""
    files = sorted(download(operator).glob(operator.crds))
    documents = [each for file in files for each in yaml.load_all(file.read_text(), _Loader)]
    return [each for each in documents if each and each.get("kind") == "CustomResourceDefinition"]


def make_published(cluster: Cluster, definitions: list[Object]) -> dict[str, int]:
    """Makes the CRDs and objects of each; returns the number of objects by the CRD's name.

    Without what only the operator itself could answer: conversion by its webhook.
    """
    for each in definitions:
        spec = {name: value for name, value in each["spec"].items() if name != "conversion"}
        metadata = {"name": each["metadata"]["name"], "annotations": {_APPROVED: "unapproved, for tests"}}
        cluster.create(CRDS, {**each, "metadata": metadata, "spec": spec, "status": None})
    return {each["metadata"]["name"]: _make_objects(cluster, each["spec"]) for each in definitions}


def _make_objects(cluster: Cluster, spec: Object) -> int:
    """Of all fields and of the least that the schema takes, as far as the API server accepts them."""
    version = next(each for each in spec["versions"] if each["storage"])
    inside = f"namespaces/{NAMESPACE}/" if spec["scope"] == "Namespaced" else ""
    path = f"/apis/{spec['group']}/{version['name']}/{inside}{spec['names']['plural']}"
    head = {"apiVersion": f"{spec['group']}/{version['name']}", "kind": spec["names"]["kind"]}
    cluster.until_served(path)
    made = 0
    for name, depth in (("full", _DEEPEST), ("shallow", 2), ("least", 0)):
        fields = _value(version["schema"]["openAPIV3Schema"], depth)
        body = {**fields, **head, "metadata": {"name": name, "labels": {"example.com/size": name}}}
        try:
            created = cluster.create(path, body)
            made += 1
            if "status" in fields and "status" in version.get("subresources", {}):
                cluster.replace_status(f"{path}/{name}", {**created, "status": fields["status"]})
        except Rejected:
            continue  # a rule of the operator's that goes beyond types
    return made


def _value(schema: Object, depth: int) -> Any:
    """A value of this schema, with its optional fields down to `depth` levels."""
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return max(schema["enum"], key=bool)
    if schema.get("x-kubernetes-int-or-string"):
        return 1
    match schema.get("type"):
        case "object":
            return dict(_fields(schema, depth))
        case "array":
            return [_value(schema["items"], depth - 1)]
        case "string":
            return _text(schema)
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return True
    return {}


def _fields(schema: Object, depth: int) -> Iterator[tuple[str, Any]]:
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        if name in required or (depth > 0 and "oneOf" not in schema):
            yield name, _value(inner, depth - 1)
    if isinstance(inner := schema.get("additionalProperties"), dict) and depth > 0:
        yield "key", _value(inner, depth - 1)


def _text(schema: Object) -> str:
    formats = {"date-time": "2026-01-02T03:04:05Z", "byte": "YQ==", "duration": "1h"}
    if schema.get("format") in formats:
        return formats[schema["format"]]
    if "h|m|s" in schema.get("pattern", "") or "ms|s|m|h" in schema.get("pattern", ""):
        return "1h"
    return ("text" * 64)[: max(schema.get("minLength", 0), 4)]
