"""Decodes the objects of one kind into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from k8s_inventory.collector import structs
from k8s_inventory.collector.conversions import CONVERSIONS, Conversion, config_map_digests
from k8s_inventory.collector.printing import printer
from k8s_inventory.collector.redact import drop_last_applied, holds_last_applied, redact_env, redact_values, storable
from k8s_inventory.collector.rules import Redaction, redact_templates, redactor
from k8s_inventory.kinds import Column, Kind

Row = tuple[Any, ...]
"""The values of `Kind.columns`, in order: str, int, Decimal, bool, aware datetime, list[str], bytes of JSON, None."""

DECODER_VERSION = 1
"""Part of a target's fingerprint: raise it when a conversion changes what a row holds."""


class UndecodableObject(Exception):
    """An object that is not what its kind says; the message names the object."""


class _EnvelopeMetadata(msgspec.Struct, frozen=True, gc=False):
    uid: str = ""
    resource_version: str = msgspec.field(default="", name="resourceVersion")


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """All that is decoded of an object that did not change."""

    metadata: _EnvelopeMetadata


class _NamedMetadata(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True, gc=False):
    metadata: _NamedMetadata


class _Items(msgspec.Struct, frozen=True, gc=False):
    items: list[msgspec.Raw] | None = None


_DATA = "data"
_NOT_DATA = ("apiVersion", "kind", "metadata")

_raw_items = msgspec.json.Decoder(_Items)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_named = msgspec.json.Decoder(_Named)


class Decoder:
    """Turns pages of one kind into rows.

    What a row keeps whole (`spec`, `status`) is taken as raw bytes first, and these are then decoded
    for the typed columns: a JSON field can be decoded only once in one call.

    `item` is what an object is decoded to first; a `Listing` may do that while it takes a page apart.
    """

    item: type[Any]

    def __init__(self, kind: Kind, redaction: Redaction | None = None) -> None:
        self.kind = kind
        self._redaction = redaction or Redaction()
        self._redactor = redactor(self._redaction, kind) if self._redaction.by_rule else None
        self._flat = kind.rest == (_DATA,)
        self._apart = _DATA in kind.rest or self._redactor is not None
        self._printer = printer(kind.printer_columns) if kind.printer_columns else None
        env = self._redaction.env and self._redactor is None
        self._redact_templates = env and bool(kind.shared_by)
        self._redacted_values = () if self._redaction.config_map_values else kind.redacted_values
        self._conversions: dict[str, Conversion] = {
            **CONVERSIONS,
            "config_map_digests": partial(config_map_digests, self._redaction.digest_key),
        }
        paths = [(f"{_DATA}.{path}" if self._is_data(path) else path, each) for path, each in _paths(kind, env)]
        outside = [path for path in paths if path[0].partition(".")[0] not in kind.rest]
        struct = structs.build(kind.kind, [*outside, *((name, "jsonb") for name in kind.rest)])
        self._fields = [each for each in struct.__struct_fields__ if each not in kind.rest]
        self._parts = [(name, _Part(kind, name, paths)) for name in kind.rest]
        part_fields = self._parts[0][1].fields if self._flat else kind.rest
        view_fields = (*part_fields, *self._fields, "api_version", "raw", "shared")
        self._view_type = msgspec.defstruct(f"{kind.kind}View", [(name, Any) for name in view_fields], frozen=True)
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(struct)
        self.item = msgspec.Raw if self._apart else struct
        all_items = msgspec.defstruct("Items", [("items", list[struct] | None, None)])  # type: ignore[valid-type]
        self._all: msgspec.json.Decoder[Any] = msgspec.json.Decoder(all_items)
        self._env_lists = _env_lists(kind) if env else {}
        self._shared = sorted({c.convert.partition(".")[0] for c in kind.columns if c.convert and "." in c.convert})
        self._values = [_values(column, kind, self._conversions) for column in kind.columns]

    def columns(
        self,
        body: bytes,
        *,
        api_version: str,
        wanted: Sequence[int],
        total: int,
        items: Sequence[Any] | None = None,
        at_once: int = 100,
    ) -> Iterator[list[list[Any]]]:
        """The values of the wanted items of a page, by their index among its `total`: a list for each column.

        `at_once` objects at a time, which bounds what is held of them. `items` are those wanted, where the caller has
        them as `item` already. Raises `UndecodableObject`.
        """
        clean = storable(body)
        drop = drop_last_applied if holds_last_applied(body) else None
        if items is None or clean is not body:
            items = self._items(clean, wanted, total)
        for start in range(0, len(items), at_once):
            views = [self._view(item, api_version, drop) for item in items[start : start + at_once]]
            try:
                made = [values(views) for values in self._values]
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise self._incomputable(views, error) from error
            yield made

    def rows(self, body: bytes, *, api_version: str, wanted: Sequence[int], total: int) -> Iterator[Row]:
        """What `columns` gives, as rows: few at once, so that a database works on some while the next are made."""
        for columns in self.columns(body, api_version=api_version, wanted=wanted, total=total, at_once=10):
            yield from zip(*columns, strict=True)

    def _items(self, body: bytes, wanted: Sequence[int], total: int) -> Sequence[Any]:
        if len(wanted) == total and not self._apart:
            try:
                return self._all.decode(body).items or ()
            except (msgspec.DecodeError, UnicodeDecodeError):
                pass  # one object is at fault: the way below finds out which
        items = _raw_items.decode(body).items or ()
        return [self._item(items[index]) for index in wanted]

    def _item(self, raw: msgspec.Raw) -> Any:
        try:
            if not self._apart:
                return self._one.decode(raw)
            kept = typed = (
                redact_templates(bytes(raw), self._redaction.keep_env) if self._redact_templates else bytes(raw)
            )
            if self._redactor:
                kept, typed = self._redactor(kept)
            shown = msgspec.Raw(self._printer(drop_last_applied(kept)) if self._printer else b"{}")
            printed = {"printer_columns": shown} if self.kind.shared_by else {}
            item = msgspec.structs.replace(self._one.decode(typed), **self._rest(typed), **printed)
            return item if kept is typed else _Redacted(item.metadata, item, self._rest(kept))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._undecodable(_named.decode(raw).metadata, error) from error

    def _rest(self, whole: bytes) -> dict[str, msgspec.Raw]:
        """The fields that a row keeps whole, `data` among them, which has all that nobody declared."""
        fields = {name: value for name, value in _fields.decode(whole).items() if name not in _NOT_DATA}
        found = {name: fields.pop(name) for name in self.kind.rest if name in fields and name != _DATA}
        if _DATA in self.kind.rest:
            found[_DATA] = msgspec.Raw(msgspec.json.encode(fields))
        return found

    def _view(self, item: Any, api_version: str, drop: Callable[[bytes], bytes] | None) -> Any:
        """What a column's value is read from: the item, with the parts that a row keeps whole decoded, too."""
        parts: list[Any] = []
        raws: dict[str, bytes | None] = {}
        shared: dict[str, Any] = {}
        kept: dict[str, msgspec.Raw] | None = None
        if type(item) is _Redacted:
            item, kept = item.typed, item.kept
        try:
            for name, part in self._parts:
                raw = bytes(getattr(item, name))
                decoded = part.decode(raw)
                parts += [getattr(decoded, each) for each in part.fields] if self._flat else [decoded]
                raws[name] = self._kept(name, bytes(kept.get(name, b"null")) if kept else raw, decoded, drop)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._undecodable(item.metadata, error) from error
        view = self._view_type(*parts, *[getattr(item, name) for name in self._fields], api_version, raws, shared)
        try:
            for name in self._shared:
                shared[name] = self._conversions[name](view)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise self._incomputable([view], error) from error
        return view

    def _kept(self, name: str, raw: bytes, decoded: Any, drop: Callable[[bytes], bytes] | None) -> bytes | None:
        """What a row keeps of a field that it keeps whole."""
        if raw == b"null":
            return None
        for containers in self._env_lists.get(name, ()):
            arrays = [container.env for container in containers(decoded) or ()]
            raw = redact_env(raw, arrays, self._redaction.keep_env)
        if self._redacted_values:
            raw = redact_values(raw, self._redacted_values)
        return drop(raw) if drop else raw

    def _is_data(self, path: str) -> bool:
        return self._flat and path.partition(".")[0] not in ("apiVersion", "metadata")

    def _undecodable(self, metadata: Any, error: Exception) -> UndecodableObject:
        place = f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name
        return UndecodableObject(f"{self.kind.name} {place}: {error}")

    def _incomputable(self, views: Sequence[Any], error: Exception) -> UndecodableObject:
        """Names the objects, as they may be several, and why: most likely what a path of `redact` took away."""
        names = ", ".join(view.metadata.name for view in views[:3])
        return UndecodableObject(
            f"{self.kind.name} {names}{' ...' if len(views) > 3 else ''}: a column can not be computed "
            f"({type(error).__name__})"
            + ("; a path of the setting `redact` may have taken away too much" if self._redactor else "")
        )


class _Redacted(NamedTuple):
    """An object as typed columns are read from it, and what a row keeps of it whole."""

    metadata: Any
    typed: Any
    kept: dict[str, msgspec.Raw]


class _Part:
    """One field of the object that a row keeps whole, and what typed columns read out of it."""

    def __init__(self, kind: Kind, name: str, paths: Iterable[tuple[str, str]]) -> None:
        inner = [(path.partition(".")[2], sql_type) for path, sql_type in paths if path.partition(".")[0] == name]
        struct = structs.build(f"{kind.kind}_{name}", [each for each in inner if each[0]])
        self.fields = struct.__struct_fields__
        self._empty = struct()
        self._decoder = msgspec.json.Decoder(struct)

    def decode(self, raw: bytes) -> Any:
        return self._empty if raw == b"null" or not self.fields else self._decoder.decode(raw)


def _paths(kind: Kind, env: bool) -> Iterator[tuple[str, str]]:
    for column in kind.columns:
        if column.path is not None and column.name not in ("api_version", *kind.rest):
            yield column.path, column.type
        for need in column.needs:
            path, _, sql_type = need.partition(":")
            yield path, sql_type or "text"
    if env:
        for path in kind.redacted_env:
            yield f"{path}[].env", "jsonb"


def _env_lists(kind: Kind) -> dict[str, list[Callable[[Any], Any]]]:
    """For each field that a row keeps whole: how to reach the lists of containers in it."""
    found: dict[str, list[Callable[[Any], Any]]] = {}
    for path in kind.redacted_env:
        name, _, inner = path.partition(".")
        if kind.rest == (_DATA,):
            name, inner = _DATA, path
        found.setdefault(name, []).append(_nullable(structs.attribute_path(inner)))
    return found


def _values(column: Column, kind: Kind, conversions: Mapping[str, Conversion]) -> Callable[[Sequence[Any]], list[Any]]:
    """How a column's values are read off decoded objects."""
    if column.name == "api_version":  # the items of a list carry none of their own
        return _each(attrgetter("api_version"))
    if column.name in kind.rest:
        return lambda items: [item.raw[column.name] for item in items]
    convert = column.convert
    if column.of_kind is not None:
        constant = getattr(kind, column.of_kind)
        return lambda items: [constant] * len(items)
    if convert is not None and "." in convert:
        name, _, part = convert.partition(".")
        get_part = attrgetter(part)
        return lambda items: [get_part(item.shared[name]) for item in items]
    if column.path is None:
        return _each(conversions[str(convert)])
    values = _at(structs.attribute_path(column.path))
    if column.type == "jsonb":
        make = conversions[convert] if convert else _json_or_none
        return lambda items: [make(value or structs.NULL) for value in values(items)]
    if convert is not None:
        make = conversions[convert]
        return lambda items: [make(value) for value in values(items)]
    if column.required:
        empty: Any = [] if column.type == "text[]" else ""
        return lambda items: [value or empty for value in values(items)]
    return values


def _each(value: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[Any]]:
    return lambda items: list(map(value, items))


def _at(path: str) -> Callable[[Sequence[Any]], list[Any]]:
    """The attributes at `path`; None where the API server sent null for an object on the way."""
    get, get_nullable = attrgetter(path), _nullable(path)

    def values(items: Sequence[Any]) -> list[Any]:
        try:
            return list(map(get, items))
        except AttributeError:
            return list(map(get_nullable, items))

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
