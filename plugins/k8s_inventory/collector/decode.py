"""Decodes the objects of one kind into rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from k8s_inventory.collector import structs
from k8s_inventory.collector.printing import Printer, PrinterBounds
from k8s_inventory.collector.redact import (
    count_redacted,
    drop_last_applied,
    holds_last_applied,
    is_unstorable,
    redact_env,
    redact_values,
    storable,
)
from k8s_inventory.collector.rules import Redaction, Redactor, redact_secrets, redact_templates
from k8s_inventory.kinds import Column, Kind
from k8s_inventory.mending import TOO_DEEP, cut, shallow
from k8s_inventory.printable import ReportedError

Columns = list[list[Any]]
"""The values of some objects, a list for each of `Kind.columns`: str, int, Decimal, bool, aware datetime, list[str],
bytes of JSON, None."""

DECODER_VERSION = 3
"""Part of a target's fingerprint: raise it when a conversion changes what a row holds."""


class UndecodableObject(ReportedError):
    """An object that is not what its kind says; the message names the object."""

    def __init__(self, message: str) -> None:
        super().__init__(cut(message))  # PostgreSQL ends a session that is told of too long an error in a COPY


class EnvelopeMetadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    uid: str = ""
    namespace: str | None = None
    resource_version: str = ""
    generation: int | None = None
    deletion_timestamp: datetime | None = None
    managed_fields: msgspec.Raw = structs.NULL


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """All that is decoded of an object that did not change."""

    metadata: EnvelopeMetadata


class BareEnvelope(msgspec.Struct, frozen=True, gc=False):
    """Of an object whose metadata is not what Kubernetes' own is: what nothing can do without."""

    class Metadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
        uid: str = ""
        resource_version: str = ""

    metadata: Metadata


def last_write(metadata: Any) -> int:
    """What the metadata of an object says of its last write, beside its version: a checksum of 32 bits.

    A cluster that is restored from a backup gives out versions for the second time. The write that got one then says
    another time; one that only takes fields away says none, but who owned them owns less: all `managedFields` count.
    Or else it deletes, or means another generation.
    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    said = f"{metadata.generation} {metadata.deletion_timestamp}"
    return crc32(said.encode(), crc32(metadata.managed_fields))


class _NamedMetadata(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True, gc=False):
    metadata: _NamedMetadata


class _Items(msgspec.Struct, frozen=True, gc=False):
    items: list[msgspec.Raw] | None = None


_MOST_SEARCHED = 1 << 26
"""Bytes that are searched for the literal values of an object; where there is more to search, it is taken apart."""

_DATA = "data"
_NOT_DATA = ("apiVersion", "kind", "metadata")

_raw_items = msgspec.json.Decoder(_Items)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_named = msgspec.json.Decoder(_Named)


def names(body: bytes, positions: Iterable[int]) -> list[tuple[str | None, str]]:
    """Namespace and name of the objects at these positions of a page."""
    items = _raw_items.decode(body).items or ()
    found = [_metadata(items[position]) for position in positions]
    return [(each.namespace or None, each.name) for each in found]


def _metadata(raw: msgspec.Raw | bytes) -> _NamedMetadata:
    """What to call an object by, if it says so."""
    try:
        return _named.decode(raw).metadata
    except msgspec.DecodeError:
        return _NamedMetadata("of no name")


class Decoder:
    """Turns pages of one kind into rows.

    What a row keeps whole (`spec`, `status`) is taken as raw bytes first, and these are then decoded
    for the typed columns: a JSON field can be decoded only once in one call.

    `item` is what an object is decoded to first; a `Listing` may do that while it takes a page apart. `redacted` is how
    often `<redacted>` stands in what the rows made so far keep whole, in their labels and their annotations.
    """

    item: type[Any]

    def __init__(
        self, kind: Kind, redaction: Redaction | None = None, printer_bounds: PrinterBounds | None = None
    ) -> None:
        self.kind = kind
        self._cut_short = _Tally()
        self._too_deep = _Tally()
        self._unfit = _Tally()
        self.redacted = 0
        self._redaction = redaction or Redaction()
        self._redactor = Redactor(self._redaction, kind) if self._redaction.by_rule else None
        self._flat = kind.rest == (_DATA,)
        self._apart = _DATA in kind.rest or self._redactor is not None
        bounds = printer_bounds or PrinterBounds()
        self._printer = Printer(kind.printer_columns, bounds) if kind.printer_columns else None
        env = self._redaction.env and self._redactor is None
        self._redact_templates = env and bool(kind.shared_by)
        self._redacted_values = () if self._redaction.config_map_values else kind.redacted_values
        paths = [(f"{_DATA}.{path}" if self._is_data(path) else path, each) for path, each in _paths(kind, env)]
        outside = [path for path in paths if path[0].partition(".")[0] not in kind.rest]
        of_item = [*outside, *((name, structs.Leaf("jsonb")) for name in kind.rest)]
        struct = structs.build(kind.kind, of_item)
        self._tree = structs.tree(of_item)
        self._fields = [each for each in struct.__struct_fields__ if each not in kind.rest]
        self._parts = [(name, _Part(kind, name, paths)) for name in kind.rest]
        part_fields = self._parts[0][1].fields if self._flat else kind.rest
        view_fields = [(name, Any) for name in (*part_fields, *self._fields)]
        self._view_type = msgspec.defstruct(f"{kind.kind}View", view_fields, frozen=True, gc=False)
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(struct)
        self.item = msgspec.Raw if self._apart else struct
        all_items = msgspec.defstruct("Items", [("items", list[struct] | None, None)])  # type: ignore[valid-type]
        self._all: msgspec.json.Decoder[Any] = msgspec.json.Decoder(all_items)
        self._env_lists = _env_lists(kind) if env else {}
        self._shared = {column.compute for column in kind.columns if column.compute and column.part}
        self._values = [
            (_values(column, kind, self._redaction.digest_key), _BLANKS.get(column.type) if column.required else None)
            for column in kind.columns
        ]
        self._bounded = [
            (index, column)
            for index, column in enumerate(kind.columns)
            if column.type == "timestamptz" or (column.type in _BOUNDS and column.compute is not None)
        ]
        # A text in what a row keeps whole is looked at there, whatever columns it is in, too.
        whole = (*kind.rest, "labels", "annotations", "owner_references")
        self._whole = [index for index, column in enumerate(kind.columns) if column.name in whole]
        self._checked = [
            (index, column.type)
            for index, column in enumerate(kind.columns)
            if index in self._whole or not self._is_of(column, whole)
        ]

    @property
    def unmatched_paths(self) -> set[str]:
        """The paths of the redaction that led nowhere in what was decoded so far."""
        return self._redactor.unmatched if self._redactor else set()

    def warnings(self) -> Iterator[str]:
        """What to know of the rows that were made so far, although they are there."""
        if self._printer and self._printer.problem:
            yield f"printer columns of its CRD: {self._printer.problem}"
        if self._cut_short:
            yield (
                f"the printer columns of {self._cut_short} take more values or bytes than they may "
                "(K8S_MAX_PRINTER_VALUES, K8S_MAX_PRINTER_BYTES): those beyond are null"
            )
        if self._unfit:
            yield (
                f"{self._unfit} hold values that a column can not hold, or be computed from: it is null there; spec, "
                "status and data have them as they are"
                + ("; a path of the setting `redact` may have taken away too much" if self._redactor else "")
            )
        if self._too_deep:
            yield f"{self._too_deep} hold what is nested too deeply, and stored as {TOO_DEEP.decode()}"

    def columns(
        self,
        body: bytes,
        *,
        api_version: str,
        wanted: Sequence[int],
        total: int,
        items: Sequence[Any] | None = None,
        at_once: int,
        is_mended: bool = False,
    ) -> Iterator[Columns]:
        """The values of the wanted items of a page, by their index among its `total`.

        `at_once` objects at a time, which bounds what is held of them. `items` are those wanted, where the caller has
        them as `item` already. `is_mended` says that the page may hold `TOO_DEEP`. Raises `UndecodableObject`.
        """
        drop = drop_last_applied if holds_last_applied(body) else None
        is_clean = is_shallow = False
        for start in range(0, len(wanted), at_once):
            while True:
                before = self.redacted
                try:
                    items = self._items(body, wanted, total) if items is None else items
                    columns = self._columns(items[start : start + at_once], api_version, drop)
                except RecursionError:
                    if is_shallow:
                        raise UndecodableObject(f"{self.kind.name}: objects that are nested too deeply") from None
                    self.redacted = before
                    body, items, is_shallow, is_mended = shallow(body), None, True, True
                    continue
                if self._apart or is_clean or not self._is_unstorable(columns):
                    break
                self.redacted = before
                body, items, is_clean = storable(body), None, True
            if is_clean or self._apart:  # `<redacted>` may then stand anywhere
                self.redacted = before + sum(map(count_redacted, self._kept_whole(columns)))
            yield columns
        if is_mended and TOO_DEEP in body:
            raws = _raw_items.decode(body).items or ()
            for raw in (raws[index] for index in wanted):
                if TOO_DEEP in bytes(raw):
                    self._too_deep.add(self._named(_metadata(raw)))

    def _columns(self, items: Sequence[Any], api_version: str, drop: Callable[[bytes], bytes] | None) -> Columns:
        chunk = self._chunk(items, api_version, drop)
        columns = [self._computed(values, chunk, blank) for values, blank in self._values]
        for index, column in self._bounded:
            columns[index] = self._held(columns[index], column, chunk)
        return columns

    def _is_unstorable(self, columns: Columns) -> bool:
        raw = self.kind.raw_json
        return any(is_unstorable(sql_type, columns[index], raw=raw) for index, sql_type in self._checked)

    def _kept_whole(self, columns: Columns) -> Iterator[bytes]:
        return (value for index in self._whole for value in columns[index] if value)

    def _items(self, body: bytes, wanted: Sequence[int], total: int) -> Sequence[Any]:
        if len(wanted) == total and not self._apart:
            try:
                return self._all.decode(body).items or ()
            except structs.FAULTS:
                pass  # one object is at fault: the way below finds out which
        items = _raw_items.decode(body).items or ()
        return [self._item(items[index]) for index in wanted]

    def _fitted(self, raw: bytes | msgspec.Raw) -> Any:
        """The object, with None for what the columns can not hold."""
        try:
            return self._one.decode(raw)
        except structs.FAULTS:
            item = self._one.decode(structs.fitted(raw, self._tree))
            self._unfit.add(self._named(_metadata(raw)))
            return item

    def _item(self, raw: msgspec.Raw) -> Any:
        try:
            if not self._apart:
                return self._fitted(raw)
            whole = bytes(raw)
            if is_unstorable("jsonb", [whole], raw=True):
                whole = storable(whole)
            fields = _fields.decode(whole)
            kept = redact_secrets(whole, fields, embedded=bool(self.kind.shared_by))
            if self._redact_templates:
                kept = redact_templates(kept, self._redaction.keep_env)
            kept, typed = self._redactor(kept) if self._redactor else (kept, kept)
            printed = {"printer_columns": self._printed(kept)} if self.kind.shared_by else {}
            rest = self._rest(fields if typed is whole else _fields.decode(typed))
            item = msgspec.structs.replace(self._fitted(typed), **rest, **printed)
            return _Redacted(item, self._rest(_fields.decode(kept))) if self._redactor else item
        except structs.FAULTS as error:
            raise self._undecodable(_metadata(raw), error) from error

    def _printed(self, kept: bytes) -> msgspec.Raw:
        if self._printer is None:
            return msgspec.Raw(b"{}")
        printed, is_whole = self._printer(drop_last_applied(kept))
        if not is_whole:
            self._cut_short.add(self._named(_metadata(kept)))
        return msgspec.Raw(printed)

    def _rest(self, fields: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        """The fields that a row keeps whole, `data` among them, which has all that nobody declared."""
        fields = {name: value for name, value in fields.items() if name not in _NOT_DATA}
        found = {name: fields.pop(name) for name in self.kind.rest if name in fields and name != _DATA}
        if _DATA in self.kind.rest:
            found[_DATA] = msgspec.Raw(msgspec.json.encode(fields))
        return found

    def _chunk(self, items: Sequence[Any], api_version: str, drop: Callable[[bytes], bytes] | None) -> _Chunk:
        """The items with the parts that a row keeps whole decoded, too."""
        redacted = [item.kept for item in items] if self._redactor else None
        items = [item.typed for item in items] if self._redactor else items
        fields: list[Sequence[Any]] = []
        kept: dict[str, list[bytes | None]] = {}
        for name, part in self._parts:
            whole = list(map(bytes, map(attrgetter(name), items)))
            decoded = self._decoded(part, whole, items)
            fields += [list(map(attrgetter(each), decoded)) for each in part.fields] if self._flat else [decoded]
            if redacted is not None:
                whole = [bytes(each.get(name, structs.NULL)) for each in redacted]
            kept[name] = [self._kept(name, raw, each, drop) for raw, each in zip(whole, decoded, strict=True)]
        fields += [list(map(attrgetter(name), items)) for name in self._fields]
        chunk = _Chunk(list(map(self._view_type, *fields)), kept, {}, api_version)
        for compute in self._shared:
            chunk.shared[compute] = self._computed(_each(compute), chunk, _NOTHING)
        return chunk

    def _decoded(self, part: _Part, whole: Sequence[bytes], items: Sequence[Any]) -> list[Any]:
        try:
            return [each or part.empty for each in map(part.decode, whole)]
        except structs.FAULTS:
            return [self._decoded_one(part, raw, item) for raw, item in zip(whole, items, strict=True)]

    def _decoded_one(self, part: _Part, raw: bytes, item: Any) -> Any:
        try:
            return part.decode(raw) or part.empty
        except structs.FAULTS:
            self._unfit.add(self._named(item.metadata))
            return part.decode(structs.fitted(raw, part.tree)) or part.empty

    def _computed(self, values: _Values, chunk: _Chunk, blank: Any) -> list[Any]:
        """The values; `blank` for an object of which there is none."""
        try:
            return values(chunk)
        except structs.FAULTS:
            return [self._computed_one(values, chunk.only(index), blank) for index in range(len(chunk.views))]

    def _computed_one(self, values: _Values, chunk: _Chunk, blank: Any) -> Any:
        try:
            return values(chunk)[0]
        except structs.FAULTS:
            self._unfit.add(self._named(chunk.views[0].metadata))
            return blank

    def _held(self, values: list[Any], column: Column, chunk: _Chunk) -> list[Any]:
        """Of times and of computed numbers: those that the column can hold, as psycopg and Python can."""
        least, most = _BOUNDS[column.type]
        present = [each for each in values if each is not None]
        if not present or (least <= min(present) and max(present) <= most):
            return values
        fits = [each is None or least <= each <= most for each in values]
        for is_fit, view in zip(fits, chunk.views, strict=True):
            if not is_fit:
                self._unfit.add(self._named(view.metadata))
        return [each if is_fit else None for each, is_fit in zip(values, fits, strict=True)]

    def _kept(self, name: str, raw: bytes, decoded: Any, drop: Callable[[bytes], bytes] | None) -> bytes | None:
        """What a row keeps of a field that it keeps whole."""
        if raw == b"null":
            return None
        if name in self._env_lists:
            arrays = [each.env for containers in self._env_lists[name] for each in containers(decoded) or ()]
            keep = self._redaction.keep_env
            if len(arrays) * len(raw) < _MOST_SEARCHED:
                raw, count = redact_env(raw, arrays, keep)
            else:
                raw = redact_templates(raw, keep)
                count = count_redacted(raw)
            self.redacted += count
        if self._redacted_values:
            raw = redact_values(raw, self._redacted_values)
        return drop(raw) if drop else raw

    def _is_data(self, path: str) -> bool:
        return self._flat and path.partition(".")[0] not in ("apiVersion", "metadata")

    def _is_of(self, column: Column, whole: Collection[str]) -> bool:
        """Whether all that a column is read from is in these."""
        if column.name in whole or column.of_kind is not None:
            return True
        paths = [column.path] if column.path is not None else [each.partition(":")[0] for each in column.needs]
        in_metadata = [f"metadata.{attribute}" for attribute in ("labels", "annotations", "ownerReferences")]
        return all(self._is_data(path) or path.partition(".")[0] in whole or path in in_metadata for path in paths)

    def _undecodable(self, metadata: Any, error: Exception) -> UndecodableObject:
        reason = error if isinstance(error, msgspec.MsgspecError | UnicodeDecodeError) else type(error).__name__
        return UndecodableObject(f"{self._named(metadata)}: {reason}")

    def _named(self, metadata: Any) -> str:
        place = f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name
        return f"{self.kind.name} {place}"


class _Tally:
    """Objects that something is to be said of: how many, and the first of them."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: str) -> None:
        if len(self._names) < _MOST_NAMED:
            self._names[name] = None

    def __bool__(self) -> bool:
        return bool(self._names)

    def __str__(self) -> str:
        count = len(self._names)
        more = " or more" if count == _MOST_NAMED else ""
        return f"{count}{more} objects (first {cut(next(iter(self._names)), 300)})"


_MOST_NAMED = 1000


class _Redacted(NamedTuple):
    """An object as typed columns are read from it, and what a row keeps of it whole."""

    typed: Any
    kept: dict[str, msgspec.Raw]


class _Chunk(NamedTuple):
    """Some objects of a page, as their columns are read from them; each list is in their order.

    `kept` are the fields that a row keeps whole, `shared` what several columns are computed from.
    """

    views: list[Any]
    kept: dict[str, list[bytes | None]]
    shared: dict[Callable[..., Any], list[Any]]
    api_version: str

    def only(self, index: int) -> _Chunk:
        """The one object of this index."""
        kept = {name: [each[index]] for name, each in self.kept.items()}
        shared = {compute: [each[index]] for compute, each in self.shared.items()}
        return _Chunk([self.views[index]], kept, shared, self.api_version)


_Values = Callable[[_Chunk], list[Any]]


_BOUNDS: dict[str, tuple[Any, Any]] = {
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
    "timestamptz": (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
}
_BLANKS: dict[str, Any] = {"text": "", "text[]": [], "jsonb": b"{}", "integer": 0, "boolean": False}
"""What a column that is never null holds of an object that it can not be computed of."""


class _Nothing:
    """Stands for what several columns share, of an object that it can not be computed of: no part of it is there."""

    def __getattr__(self, name: str) -> None:
        return None


_NOTHING = _Nothing()


class _Part:
    """One field of the object that a row keeps whole, and what typed columns read out of it."""

    def __init__(self, kind: Kind, name: str, paths: Iterable[tuple[str, structs.Leaf]]) -> None:
        of_part = [(path.partition(".")[2], leaf) for path, leaf in paths if path.partition(".")[0] == name]
        struct = structs.build(f"{kind.kind}_{name}", [each for each in of_part if each[0]])
        self.tree = structs.tree(each for each in of_part if each[0])
        self.fields = struct.__struct_fields__
        self.empty = struct()
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(struct | None if self.fields else msgspec.Raw)
        self.decode = decoder.decode  # what no column is read from may be anything


def _paths(kind: Kind, env: bool) -> Iterator[tuple[str, structs.Leaf]]:
    yield "metadata.managedFields", structs.Leaf("jsonb")  # of `last_write`
    for column in kind.columns:
        if column.path is not None and column.name not in ("api_version", *kind.rest):
            yield column.path, structs.Leaf(column.type, column.default)
        for need in column.needs:
            path, _, sql_type = need.partition(":")
            yield path, structs.Leaf(sql_type or "text")
    if env:
        for path in kind.redacted_env:
            yield f"{path}[].env", structs.Leaf("jsonb")


def _env_lists(kind: Kind) -> dict[str, list[Callable[[Any], Any]]]:
    """For each field that a row keeps whole: how to reach the lists of containers in it."""
    found: dict[str, list[Callable[[Any], Any]]] = {}
    for path in kind.redacted_env:
        name, _, inner = (_DATA, "", path) if kind.rest == (_DATA,) else path.partition(".")
        found.setdefault(name, []).append(_nullable(structs.attribute_path(inner)))
    return found


def _values(column: Column, kind: Kind, digest_key: bytes | None) -> _Values:
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
            blank = _BLANKS[column.type]
            return lambda chunk: [blank if each is None else each for each in map(get_part, chunk.shared[compute])]
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


def _each(value: Callable[[Any], Any]) -> _Values:
    return lambda chunk: list(map(value, chunk.views))


def _at(path: str) -> _Values:
    """The attributes at `path`; None where the API server sent null for an object on the way."""
    get, get_nullable = attrgetter(path), _nullable(path)

    def values(chunk: _Chunk) -> list[Any]:
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
