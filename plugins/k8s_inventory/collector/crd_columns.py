"""The columns of a CRD's view, from its OpenAPI schemas.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

LONGEST_NAME = 63
"""Bytes of an identifier: https://www.postgresql.org/docs/current/sql-syntax-lexical.html"""

_PARTS = ("spec", "status")
_NOT_SHOWN = ("apiVersion", "kind", "metadata", *_PARTS)
_TYPES = {"string": "text", "integer": "bigint", "number": "numeric", "boolean": "boolean"}


@dataclass(frozen=True)
class SchemaColumn:
    """A field of the objects: `part` is the column of `k8s_custom_objects` that holds it, `field` its name there."""

    name: str
    type: str
    part: str
    field: str


def schema_columns(
    definitions: Iterable[Mapping[str, Any]],
    *,
    taken: Iterable[str],
    named: Mapping[tuple[str, str], str] | None = None,
) -> list[SchemaColumn]:
    """The union of the columns of one CRD's `spec` in several clusters, by part and field.

    Each field of spec, status and the object itself is one: typed where all have it as the same scalar, else jsonb.
    Those that are `named` (by part and field) keep their names; no other is one of these, or of those `taken`.
    """
    types: dict[tuple[str, str], set[str]] = {}
    for definition in definitions:
        for part, field, sql_type in _fields(_schema(definition)):
            types.setdefault((part, field), set()).add(sql_type)
    names = {each: name for each, name in (named or {}).items() if each in types}
    used = {*taken, *names.values()}
    columns = []
    for (part, field), of_field in sorted(types.items()):
        name = names.get((part, field))
        if name is None:
            wanted = snake_case(field if part == "data" else f"{part}_{field}")
            name = next(each for each in distinct_names(wanted, f"{part}.{field}") if each not in used)
            used.add(name)
        columns.append(SchemaColumn(name, of_field.pop() if len(of_field) == 1 else "jsonb", part, field))
    return columns


def distinct_names(wanted: str, distinct: str) -> Iterator[str]:
    """The identifiers that something may have, best first: the wanted one, then with digests of what tells it apart."""
    yield shortened(wanted)
    for number in count(1):
        yield shortened(wanted, distinct=distinct if number == 1 else f"{distinct}/{number}")


def snake_case(name: str) -> str:
    """`dnsNames` -> `dns_names`, `podCIDRs` -> `pod_cidrs`; what is no letter or digit becomes `_`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})", "_", name)
    return re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "_"


def shortened(name: str, *, distinct: str = "") -> str:
    """An ASCII name as an identifier: cut where it is too long; with `distinct`, not like that of others."""
    if len(name) <= LONGEST_NAME and not distinct:
        return name
    return f"{name[: LONGEST_NAME - 9]}_{hashlib.sha256((distinct or name).encode()).hexdigest()[:8]}"


def _schema(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the served version that discovery prefers."""
    versions = definition.get("versions")
    served = [
        each
        for each in (versions if isinstance(versions, list) else ())
        if isinstance(each, Mapping) and each.get("served")
    ]
    if not served:
        return {}
    version = min(served, key=lambda each: _priority(str(each.get("name"))))
    schema = version.get("schema")
    found = schema.get("openAPIV3Schema") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _priority(version: str) -> tuple[int, int, int, str]:
    """Sorts the preferred version first: v10, v2, v1, v2beta1, v1alpha1, then what has no such name, by the alphabet.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
    """
    match = re.fullmatch(r"v([0-9]{1,18})(?:(alpha|beta)([0-9]{1,18}))?", version)
    if match is None:
        return 0, 0, 0, version
    major, stage, minor = match.groups()
    return {"alpha": -1, "beta": -2, None: -3}[stage], -int(major), -int(minor or 0), version


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    properties = _properties(schema)
    for part in _PARTS:
        for field, of_field in _properties(properties.get(part)).items():
            yield part, field, _type(of_field)
    for field, of_field in properties.items():
        if field not in _NOT_SHOWN:
            yield "data", field, _type(of_field)


def _properties(schema: Any) -> Mapping[str, Any]:
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _type(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "jsonb"
    if schema.get("x-kubernetes-int-or-string"):
        return "text"
    if schema.get("type") == "string" and schema.get("format") in ("date-time", "datetime"):
        return "timestamptz"
    return _TYPES.get(str(schema.get("type")), "jsonb")
