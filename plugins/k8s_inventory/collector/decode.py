"""Decodes the objects of one kind into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from k8s_inventory.collector import structs
from k8s_inventory.collector.compile import DATA, NOTHING, Chunk, CompiledKind, Part, Values
from k8s_inventory.collector.printing import Printer, PrinterBounds
from k8s_inventory.collector.redaction import Dropper, Redaction, Redactor, count_redacted, drop_last_applied
from k8s_inventory.collector.storable import is_unstorable, storable
from k8s_inventory.decoders import decoder
from k8s_inventory.kinds import Kind
from k8s_inventory.mending import TOO_DEEP, cut, shallow
from k8s_inventory.printable import ReportedError

Columns = list[list[Any]]
"""The values of some objects, a list for each of `Kind.columns`: str, int, Decimal, bool, aware datetime, list[str],
bytes of JSON, None."""

DECODER_VERSION = 4
"""Part of a target's fingerprint: raise it when decoding changes what rows hold. Computed columns have versions of
their own."""


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
    Or else it deletes, or means another generation. `managed_fields` is their JSON, or a checksum of it already.
    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    said = f"{metadata.generation} {metadata.deletion_timestamp}"
    managed = metadata.managed_fields
    return crc32(said.encode(), managed if isinstance(managed, int) else crc32(managed))


class _NamedMetadata(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True, gc=False):
    metadata: _NamedMetadata


class _Items(msgspec.Struct, frozen=True, gc=False):
    items: list[msgspec.Raw] | None = None


_NOT_DATA = ("apiVersion", "kind", "metadata")

_raw_items = decoder(_Items)
_fields = decoder(dict[str, msgspec.Raw])
_named = decoder(_Named)


def names(body: bytes, positions: Sequence[int]) -> list[tuple[str | None, str]]:
    """Namespace and name of the objects at these positions of a page."""
    try:
        items = _raw_items.decode(body).items or ()
        found = [_metadata(items[position]) for position in positions]
    except RecursionError:
        return names(shallow(body), positions)
    return [(each.namespace or None, each.name) for each in found]


def _metadata(raw: msgspec.Raw | bytes) -> _NamedMetadata:
    """What to call an object by, if it says so."""
    try:
        return _named.decode(raw).metadata
    except msgspec.DecodeError:
        return _NamedMetadata("of no name")


_IS_TEXT: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: value is None or isinstance(value, str),
    "text[]": lambda values: all(isinstance(each, str) for each in values),
}


def _bare(raw: msgspec.Raw) -> bytes:
    """An object with what its row can not be without, and nothing else."""
    metadata = _fields.decode(_fields.decode(raw)["metadata"])
    kept = {name: metadata[name] for name in ("uid", "resourceVersion", "name", "namespace") if name in metadata}
    return msgspec.json.encode({"metadata": kept})


class Decoder:
    """Turns pages of one kind into rows.

    What a row keeps whole (`spec`, `status`) is taken as raw bytes first, and these are then decoded
    for the typed columns: a JSON field can be decoded only once in one call.

    `item` is what an object is decoded to first; a `Listing` may do that while it takes a page apart. `redacted` is how
    often `<redacted>` stands in what the rows made so far keep whole, in their labels and their annotations. `unstored`
    are objects that are not what their kind says: in their rows only the names are certain.
    """

    item: type[Any]

    def __init__(
        self, kind: Kind, redaction: Redaction | None = None, printer_bounds: PrinterBounds | None = None
    ) -> None:
        self.kind = kind
        self._cut_short = Tally()
        self._too_deep = Tally()
        self._unfit = Tally()
        self.unstored = Tally()
        self.redacted = 0
        self._redactor = Redactor(redaction or Redaction(), kind)
        self._read = CompiledKind(kind, redaction or Redaction(), self._redactor.env_of)
        self._apart = DATA in kind.rest or self._redactor.takes_apart
        bounds = printer_bounds or PrinterBounds()
        self._printer = Printer(kind.printer_columns, bounds) if kind.printer_columns else None
        self.item = msgspec.Raw if self._apart else self._read.struct

    @property
    def unmatched_paths(self) -> set[str]:
        """The paths of the redaction that led nowhere in what was decoded so far."""
        return self._redactor.unmatched

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
                + ("; a path of the setting `redact` may have taken away too much" if self._redactor.by_rule else "")
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
        drop = self._redactor.of_page(body)
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

    def _columns(self, items: Sequence[Any], api_version: str, drop: Dropper | None) -> Columns:
        chunk = self._chunk(items, api_version, drop)
        columns = [
            self._computed(values, chunk, blank)
            for values, blank in zip(self._read.values, self._read.blanks, strict=True)
        ]
        for index, least, most in self._read.bounds:
            columns[index] = self._held(columns[index], least, most, chunk)
        for index, sql_type in self._read.texts:
            fits = list(map(_IS_TEXT[sql_type], columns[index]))
            if not all(fits):
                columns[index] = self._fitting(columns[index], fits, self._read.blanks[index], chunk)
        for redact, index in (
            (self._redactor.annotations, self._read.annotations),
            (self._redactor.labels, self._read.labels),
        ):
            columns[index], count = redact(columns[index])
            self.redacted += count
        return columns

    def _is_unstorable(self, columns: Columns) -> bool:
        raw = self.kind.raw_json
        return any(is_unstorable(sql_type, columns[index], raw=raw) for index, sql_type in self._read.checked)

    def _kept_whole(self, columns: Columns) -> Iterator[bytes]:
        return (value for index in self._read.whole for value in columns[index] if value)

    def _items(self, body: bytes, wanted: Sequence[int], total: int) -> Sequence[Any]:
        if len(wanted) == total and not self._apart:
            try:
                return self._read.all.decode(body).items or ()
            except structs.FAULTS:
                pass  # one object is at fault: the way below finds out which
        items = _raw_items.decode(body).items or ()
        return [self._item(items[index]) for index in wanted]

    def _fitted(self, raw: bytes | msgspec.Raw) -> Any:
        """The object, with None for what the columns can not hold."""
        try:
            return self._read.one.decode(raw)
        except structs.FAULTS:
            item = self._read.one.decode(structs.fitted(raw, self._read.tree))
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
            kept, typed = self._redactor.whole(whole, fields)
            printed = {"printer_columns": self._printed(kept)} if self.kind.shared_by else {}
            rest = self._rest(fields if typed is whole else _fields.decode(typed))
            item = msgspec.structs.replace(self._fitted(typed), **rest, **printed)
            return _Redacted(item, self._rest(_fields.decode(kept))) if self._redactor.by_rule else item
        except structs.FAULTS as error:
            reason = error if isinstance(error, msgspec.MsgspecError | UnicodeDecodeError) else type(error).__name__
            self.unstored.add(f"{self._named(_metadata(raw))}: {reason}")
            bare = self._read.one.decode(structs.fitted(_bare(raw), self._read.tree))
            return _Redacted(bare, {}) if self._redactor.by_rule else bare

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
        found = {name: fields.pop(name) for name in self.kind.rest if name in fields and name != DATA}
        if DATA in self.kind.rest:
            found[DATA] = msgspec.Raw(msgspec.json.encode(fields))
        return found

    def _chunk(self, items: Sequence[Any], api_version: str, drop: Dropper | None) -> Chunk:
        """The items with the parts that a row keeps whole decoded, too."""
        redacted = [item.kept for item in items] if self._redactor.by_rule else None
        items = [item.typed for item in items] if self._redactor.by_rule else items
        fields: list[Sequence[Any]] = []
        kept: dict[str, list[bytes | None]] = {}
        for name, part in self._read.parts:
            whole = list(map(bytes, map(attrgetter(name), items)))
            decoded = self._decoded(part, whole, items)
            fields += (
                [list(map(attrgetter(each), decoded)) for each in part.fields] if self._read.is_flat else [decoded]
            )
            if redacted is not None:
                whole = [bytes(each.get(name, structs.NULL)) for each in redacted]
            kept[name] = [self._kept(name, raw, each, drop) for raw, each in zip(whole, decoded, strict=True)]
        fields += [list(map(attrgetter(name), items)) for name in self._read.fields]
        chunk = Chunk(list(map(self._read.view, *fields)), kept, {}, api_version)
        for compute, values in self._read.shared.items():
            chunk.shared[compute] = self._computed(values, chunk, NOTHING)
        return chunk

    def _decoded(self, part: Part, whole: Sequence[bytes], items: Sequence[Any]) -> list[Any]:
        try:
            return [each or part.empty for each in map(part.decode, whole)]
        except structs.FAULTS:
            return [self._decoded_one(part, raw, item) for raw, item in zip(whole, items, strict=True)]

    def _decoded_one(self, part: Part, raw: bytes, item: Any) -> Any:
        try:
            return part.decode(raw) or part.empty
        except structs.FAULTS:
            fitted = structs.fitted(raw, part.tree)
            if bytes(fitted) == b"null" and not (self.kind.raw_json or self.kind.shared_by):
                # No API server takes that: what answered may be none, and what else it leaves out may be there.
                self.unstored.add(f"{self._named(item.metadata)}: its {part.name} is of another form")
            else:
                self._unfit.add(self._named(item.metadata))
            return part.decode(fitted) or part.unknown

    def _computed(self, values: Values, chunk: Chunk, blank: Any) -> list[Any]:
        """The values; `blank` for an object of which there is none."""
        try:
            return values(chunk)
        except structs.FAULTS:
            return [self._computed_one(values, chunk.only(index), blank) for index in range(len(chunk.views))]

    def _computed_one(self, values: Values, chunk: Chunk, blank: Any) -> Any:
        try:
            return values(chunk)[0]
        except structs.FAULTS:
            self._unfit.add(self._named(chunk.views[0].metadata))
            return blank

    def _held(self, values: list[Any], least: Any, most: Any, chunk: Chunk) -> list[Any]:
        """Of times and of computed numbers: those that the column can hold, as psycopg and Python can."""
        present = list(filter(None, values))
        if not present or (least <= min(present) and max(present) <= most):
            return values
        return self._fitting(values, [each is None or least <= each <= most for each in values], None, chunk)

    def _fitting(self, values: list[Any], fits: list[bool], blank: Any, chunk: Chunk) -> list[Any]:
        for is_fit, view in zip(fits, chunk.views, strict=True):
            if not is_fit:
                self._unfit.add(self._named(view.metadata))
        return [each if is_fit else blank for each, is_fit in zip(values, fits, strict=True)]

    def _kept(self, name: str, raw: bytes, decoded: Any, drop: Dropper | None) -> bytes | None:
        """What a row keeps of a field that it keeps whole."""
        if raw == b"null":
            return None
        env = [each.env for containers in self._read.env_lists.get(name, ()) for each in containers(decoded) or ()]
        kept, count = self._redactor.field(name, raw, env, drop)
        self.redacted += count
        return kept

    def _named(self, metadata: Any) -> str:
        place = f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name
        return f"{self.kind.name} {place}"


class Tally:
    """Objects that something is to be said of: how many, and the first of them."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: str) -> None:
        if len(self._names) < _MOST_NAMED:
            self._names[name] = None

    def clear(self) -> None:
        self._names.clear()

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
