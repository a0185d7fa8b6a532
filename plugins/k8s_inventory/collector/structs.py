"""Builds, from the paths of a declaration, the msgspec Struct that decodes just what its columns need.

What no path names is skipped by the decoder; what a path of type jsonb names stays raw bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

_TYPES: dict[str, Any] = {
    "text": str | None,
    "integer": int | None,
    "bigint": int | None,
    "numeric": str | None,
    "boolean": bool | None,
    "timestamptz": datetime | None,
    "text[]": list[str] | None,
    "jsonb": msgspec.Raw,
}
NULL = msgspec.Raw(b"null")
_KEYWORDS = {"from", "continue", "except", "for", "if", "in", "class", "global", "import", "is", "not", "or", "and"}


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    leaf: str | None = None
    is_list: bool = False
    optional: bool = False


def attribute(step: str) -> str:
    """The Python name of a JSON field: `podIP` -> `pod_ip`, `externalIPs` -> `external_ips`."""
    name = re.sub(r"IPs\b", "Ips", step)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return f"{name}_" if name in _KEYWORDS else name


def attribute_path(path: str) -> str:
    """The dotted attribute path of a declared path that steps into no list."""
    return ".".join(attribute(step) for step in path.split("."))


def build(name: str, paths: Iterable[tuple[str, str]]) -> type[msgspec.Struct]:
    """The Struct of a kind, from (path, SQL type) pairs. An absent object reads as an empty one."""
    root = _Node()
    for path, sql_type in paths:
        node = root
        for step in path.split("."):
            is_list, optional = step.endswith("[]"), step.endswith("?")
            node = node.children.setdefault(step.rstrip("[]?"), _Node())
            node.is_list |= is_list
            node.optional |= optional
        node.leaf = sql_type
    return _struct(name, root)


def _struct(name: str, node: _Node) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    for step, child in node.children.items():
        python_name = attribute(step)
        rename[python_name] = step
        fields.append((python_name, *_field(f"{name}_{step}", child)))
    return msgspec.defstruct(name, fields, rename=rename, frozen=True, gc=False)


def _field(name: str, node: _Node) -> tuple[Any, Any]:
    if node.leaf is not None:
        if node.children:
            raise ValueError(f"{name} is declared both as a value and as an object")
        return _TYPES[node.leaf], NULL if node.leaf == "jsonb" else None
    nested = _struct(name, node)
    if node.is_list:
        return list[nested] | None, None  # type: ignore[valid-type]
    if node.optional:
        return nested | None, None
    return nested | None, msgspec.field(default_factory=nested)
