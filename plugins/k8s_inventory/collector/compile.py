"""What a kind's decoder is compiled to: the structs that its objects are decoded to, and how columns are read from
them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from k8s_inventory.collector import structs
from k8s_inventory.collector.redaction import Redaction, drop_last_applied
from k8s_inventory.decoders import decoder
from k8s_inventory.kinds import Column, Kind

DATA = "data"


class Chunk(NamedTuple):
    """Some objects of a page, as their columns are read from them; each list is in their order.

    `kept` are the fields that a row keeps whole, `shared` what several columns are computed from.
    """

    views: list[Any]
    kept: dict[str, list[bytes | None]]
    shared: dict[Callable[..., Any], list[Any]]
    api_version: str

    def only(self, index: int) -> Chunk:
        """The one object of this index."""
        kept = {name: [each[index]] for name, each in self.kept.items()}
        shared = {compute: [each[index]] for compute, each in self.shared.items()}
        return Chunk([self.views[index]], kept, shared, self.api_version)


Values = Callable[[Chunk], list[Any]]


class CompiledKind:
    """What the objects of one kind are decoded to, and how each of its columns is read from that.

    An object is decoded to a `struct`, in which each of the `parts`, the fields that a row keeps whole, stays bytes. Of
    both a `view` is made, from which `values` reads the columns, in their order; `shared` are the functions that
    several columns take a part of. `blanks` are what stands where a column can not be computed, `bounds` the least and
    the most that a column can hold, of those whose values may be beyond, and `texts` those that are computed from JSON
    of any type. `whole` are the columns of what is kept whole, by their index, and `checked` those in which there may
    be text that stands nowhere else, with their types.
    """

    def __init__(self, kind: Kind, redaction: Redaction, env_of: Iterable[str]) -> None:
        self.kind = kind
        self.is_flat = kind.rest == (DATA,)
        paths = [(f"{DATA}.{path}" if self._is_data(path) else path, each) for path, each in _paths(kind, env_of)]
        outside = [path for path in paths if path[0].partition(".")[0] not in kind.rest]
        of_item = [*outside, *((name, structs.Leaf("jsonb")) for name in kind.rest)]
        self.struct = structs.build(kind.kind, of_item)
        self.tree = structs.tree(of_item)
        self.fields = [each for each in self.struct.__struct_fields__ if each not in kind.rest]
        self.parts = [(name, Part(kind, name, paths)) for name in kind.rest]
        part_fields = self.parts[0][1].fields if self.is_flat else kind.rest
        view_fields = [(name, Any) for name in (*part_fields, *self.fields)]
        self.view = msgspec.defstruct(f"{kind.kind}View", view_fields, frozen=True, gc=False)
        self.one: msgspec.json.Decoder[Any] = decoder(self.struct)
        all_items = msgspec.defstruct("Items", [("items", list[self.struct] | None, None)])  # type: ignore[name-defined]
        self.all: msgspec.json.Decoder[Any] = decoder(all_items)
        self.env_lists = _env_lists(kind, env_of)
        self.shared = {
            column.compute: _each(column.compute) for column in kind.columns if column.compute and column.part
        }
        self.values = [_values(column, kind, redaction.digest_key) for column in kind.columns]
        self.blanks = [BLANKS[column.type] if column.required else None for column in kind.columns]
        self.bounds = [
            (index, *_BOUNDS[column.type])
            for index, column in enumerate(kind.columns)
            if column.type == "timestamptz" or (column.type in _BOUNDS and column.compute is not None)
        ]
        self.texts = [
            (index, column.type)
            for index, column in enumerate(kind.columns)
            if column.type in ("text", "text[]") and any(need.endswith(":jsonb") for need in column.needs)
        ]
        self.labels, self.annotations = (
            next(index for index, column in enumerate(kind.columns) if column.name == name)
            for name in ("labels", "annotations")
        )
        # A text in what a row keeps whole is looked at there, whatever columns it is in, too.
        whole = (*kind.rest, "labels", "annotations", "owner_references")
        self.whole = [index for index, column in enumerate(kind.columns) if column.name in whole]
        self.checked = [
            (index, column.type)
            for index, column in enumerate(kind.columns)
            if index in self.whole or not self._is_of(column, whole)
        ]

    def _is_data(self, path: str) -> bool:
        return self.is_flat and path.partition(".")[0] not in ("apiVersion", "metadata")

    def _is_of(self, column: Column, whole: Collection[str]) -> bool:
        """Whether all that a column is read from is in these."""
        if column.name in whole or column.of_kind is not None:
            return True
        paths = [column.path] if column.path is not None else [each.partition(":")[0] for each in column.needs]
        in_metadata = [f"metadata.{attribute}" for attribute in ("labels", "annotations", "ownerReferences")]
        return all(self._is_data(path) or path.partition(".")[0] in whole or path in in_metadata for path in paths)


_BOUNDS: dict[str, tuple[Any, Any]] = {
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
    "timestamptz": (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
}
BLANKS: dict[str, Any] = {"text": "", "text[]": [], "jsonb": b"{}", "integer": 0, "boolean": False}
"""What a column that is never null holds of an object that it can not be computed of."""


class _Nothing:
    """Stands for what several columns share, of an object that it can not be computed of: no part of it is there."""

    def __getattr__(self, name: str) -> None:
        return None


NOTHING = _Nothing()


class Part:
    """One field of the object that a row keeps whole, and what typed columns read out of it."""

    def __init__(self, kind: Kind, name: str, paths: Iterable[tuple[str, structs.Leaf]]) -> None:
        of_part = [(path.partition(".")[2], leaf) for path, leaf in paths if path.partition(".")[0] == name]
        within = [each for each in of_part if each[0]]
        self.name = name
        struct = structs.build(f"{kind.kind}_{name}", within)
        self.tree = structs.tree(within)
        self.fields = struct.__struct_fields__
        self.empty = struct()
        # What no column is read from may be anything.
        self.decode = decoder(struct | None if self.fields else msgspec.Raw).decode
        self.unknown = self.decode(msgspec.json.encode(structs.unknown(self.tree)))


def _paths(kind: Kind, env_of: Iterable[str]) -> Iterator[tuple[str, structs.Leaf]]:
    yield "metadata.managedFields", structs.Leaf("jsonb")  # of `last_write`
    for column in kind.columns:
        if column.path is not None and column.name not in ("api_version", *kind.rest):
            yield column.path, structs.Leaf(column.type, column.default)
        for need in column.needs:
            path, _, sql_type = need.partition(":")
            yield path, structs.Leaf(sql_type or "text")
    for path in env_of:
        yield f"{path}[].env", structs.Leaf("jsonb")


def _env_lists(kind: Kind, env_of: Iterable[str]) -> dict[str, list[Callable[[Any], Any]]]:
    """For each field that a row keeps whole: how to reach the lists of containers in it."""
    found: dict[str, list[Callable[[Any], Any]]] = {}
    for path in env_of:
        name, _, inner = (DATA, "", path) if kind.rest == (DATA,) else path.partition(".")
        found.setdefault(name, []).append(_nullable(structs.attribute_path(inner)))
    return found


def _values(column: Column, kind: Kind, digest_key: bytes | None) -> Values:
    """How a column's values are read off decoded objects."""
    if column.name == "api_version":  # the items of a list carry none of their own
        return lambda chunk: [chunk.api_version] * len(chunk.views)
    if column.name in kind.rest:
        return lambda chunk: chunk.kept[column.name]
    if column.of_kind is not None:
        constant = getattr(kind, column.of_kind)
        return lambda chunk: [constant] * len(chunk.views)
    compute = column.compute
    if compute is not None and column.part:
        get_part = attrgetter(column.part)
        if column.required:
            blank = BLANKS[column.type]
            return lambda chunk: _filled(list(map(get_part, chunk.shared[compute])), blank)
        return lambda chunk: list(map(get_part, chunk.shared[compute]))
    if compute is not None and column.keyed:
        return _each(partial(compute, digest_key))
    if compute is not None and column.path is None:
        return _each(compute)
    values = _at(structs.attribute_path(str(column.path)))
    if column.type == "jsonb":
        make: Callable[[Any], bytes] = compute or _json_or_none  # type: ignore[assignment]
        if column.name == "annotations":
            return lambda chunk: [drop_last_applied(make(value or structs.NULL)) for value in values(chunk)]
        return lambda chunk: [make(value or structs.NULL) for value in values(chunk)]
    if compute is not None:
        return lambda chunk: list(map(compute, values(chunk)))
    if column.required:
        empty: Any = [] if column.type == "text[]" else ""
        return lambda chunk: [value or empty for value in values(chunk)]
    return values


def _filled(values: list[Any], blank: Any) -> list[Any]:
    return [blank if each is None else each for each in values] if None in values else values


def _each(value: Callable[[Any], Any]) -> Values:
    return lambda chunk: list(map(value, chunk.views))


def _at(path: str) -> Values:
    """The attributes at `path`; None where the API server sent null for an object on the way."""
    get, get_nullable = attrgetter(path), _nullable(path)

    def values(chunk: Chunk) -> list[Any]:
        try:
            return list(map(get, chunk.views))
        except AttributeError:
            return list(map(get_nullable, chunk.views))

    return values


def _nullable(path: str) -> Callable[[Any], Any]:
    """The attribute at `path`, or None where the API server sent null for an object on the way."""
    get = attrgetter(path)

    def value(item: Any) -> Any:
        try:
            return get(item)
        except AttributeError:
            return None

    return value


def _json_or_none(raw: msgspec.Raw) -> bytes | None:
    value = bytes(raw)
    return None if value == b"null" else value
