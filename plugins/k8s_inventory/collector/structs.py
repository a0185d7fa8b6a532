"""Builds, from the paths of a declaration, the msgspec Struct that decodes just what its columns need.

What no path names is skipped by the decoder; what a path of type jsonb names stays raw bytes. The decoder refuses an
object as a whole for one value that a column can not hold; `fitted` then takes those values out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from k8s_inventory.decoders import decoder

_TYPES: dict[str, Any] = {
    "text": str | None,
    "integer": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] | None,
    "bigint": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
    "numeric": str | None,
    "boolean": bool | None,
    "timestamptz": Annotated[datetime, msgspec.Meta(tz=True)] | None,
    "text[]": list[str] | None,
    "jsonb": msgspec.Raw,
}
NULL = msgspec.Raw(b"null")
_OBJECT = decoder(dict[str, msgspec.Raw])
_LIST = decoder(list[msgspec.Raw])
_LEAVES = {name: decoder(each) for name, each in _TYPES.items() if name != "jsonb"}
FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What an object raises that is not what its kind says; msgspec's errors are `ValueError`s."""
_KEYWORDS = {"from", "continue", "except", "for", "if", "in", "class", "global", "import", "is", "not", "or", "and"}


class Leaf(NamedTuple):
    """What stands where a path ends: a value of this type of SQL, and what its absence means."""

    type: str
    default: Any = None


@dataclass
class Node:
    """A step of some paths: `children` by the next one, or `leaf` where a path ends."""

    children: dict[str, Node] = field(default_factory=dict)
    leaf: Leaf | None = None
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


def build(name: str, paths: Iterable[tuple[str, Leaf]]) -> type[msgspec.Struct]:
    """The Struct of a kind, from its paths and their leaves. An absent object reads as an empty one."""
    return _struct(name, tree(paths))


def tree(paths: Iterable[tuple[str, Leaf]]) -> Node:
    """The same leaves, by the steps of their paths."""
    root = Node()
    for path, leaf in paths:
        node = root
        for step in path.split("."):
            is_list, optional = step.endswith("[]"), step.endswith("?")
            node = node.children.setdefault(step.rstrip("[]?"), Node())
            node.is_list |= is_list
            node.optional |= optional
        if node.leaf is None or leaf.default is not None:  # of a path that several columns are read from
            node.leaf = leaf
    return root


def fitted(raw: bytes | msgspec.Raw, node: Node) -> msgspec.Raw:
    """JSON with null for each value on a path of the tree that is not of the type that the path has."""
    try:
        if node.is_list:
            return _encoded([_fitted_object(each, node) for each in _LIST.decode(raw)])
        return _fitted_object(raw, node)
    except FAULTS:
        return NULL


def _fitted_object(raw: bytes | msgspec.Raw, node: Node) -> msgspec.Raw:
    if not node.children:
        if node.leaf is not None and node.leaf.type != "jsonb":
            _LEAVES[node.leaf.type].decode(raw)
        return msgspec.Raw(raw)
    fields = _OBJECT.decode(raw)
    for step, child in node.children.items():
        if step in fields and bytes(fields[step]) != b"null":
            fields[step] = fitted(fields[step], child)
    return _encoded(fields)


def unknown(node: Node) -> Any:
    """What `fitted` would have of an object none of whose values fit: null for each."""
    if node.is_list or not node.children:
        return None
    return {step: unknown(child) for step, child in node.children.items()}


def _encoded(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _struct(name: str, node: Node) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    for step, child in node.children.items():
        python_name = attribute(step)
        rename[python_name] = step
        fields.append((python_name, *_field(f"{name}_{step}", child)))
    return msgspec.defstruct(name, fields, rename=rename, frozen=True, gc=False)


def _field(name: str, node: Node) -> tuple[Any, Any]:
    if node.leaf is not None:
        if node.children:
            raise ValueError(f"{name} is declared both as a value and as an object")
        return _TYPES[node.leaf.type], NULL if node.leaf.type == "jsonb" else node.leaf.default
    nested = _struct(name, node)
    if node.is_list:
        return list[nested] | None, None  # type: ignore[valid-type]
    if node.optional:
        return nested | None, None
    return nested | None, msgspec.field(default_factory=nested)
