"""Kinds as CloudQuery tables: Arrow schemas, and record batches that fit into a gRPC message."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from functools import cache, reduce
from hashlib import sha1
from typing import Any
from uuid import UUID, uuid5

import pyarrow as pa

from k8s_inventory.collector import Columns
from k8s_inventory.kinds import TABLES, Column, Kind
from k8s_inventory.printable import ReportedError
from k8s_inventory.sync import SinkError

GRPC_LIMIT = 4 * 1024 * 1024
"""What a gRPC server takes in one message by default; destinations on the Python SDK leave it at that."""

LARGEST_BATCH = GRPC_LIMIT - 256 * 1024
"""A batch's bytes: beside them a message holds the schema, and the columns that the CLI adds."""

CHANGES = "k8s_changes"
"""The one table that is of no kind: see `changes`."""

INCREMENTAL = b"cq:extension:incremental"
"""Whether a sync brings only what is new to a table, in its metadata."""

_JSON = {b"ARROW:extension:name": b"json", b"ARROW:extension:metadata": b"json-serialized"}
"""CloudQuery's JSON type as it is on the wire: bytes, and these words in the field's metadata."""

_UUID = {b"ARROW:extension:name": b"uuid", b"ARROW:extension:metadata": b"uuid-serialized"}
"""The same for its UUID type, of 16 bytes."""

ROW_IDS = UUID("8a2dcec4-3e95-4a84-b1ba-201311563a68")
"""The namespace of all `_cq_id`. It never changes: under `pk_mode: cq-id-only` rows are known by nothing else."""

_TYPES: dict[str, pa.DataType] = {
    "text": pa.utf8(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "numeric": pa.decimal128(38, 9),
    "boolean": pa.bool_(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "jsonb": pa.binary(),
    "text[]": pa.list_(pa.utf8()),
}
_CONTEXT_NAME = Column(name="context_name", path="", description="Context that the object was read through.")
ROW_ID = pa.field(
    "_cq_id",
    pa.binary(16),
    # Made so by its constraint where it is the key. Elsewhere CloudQuery's PostgreSQL destination adds no column that
    # is not null to a table that is there: its user would have to drop it.
    nullable=True,
    metadata={
        b"cq:extension:primary_key": b"false",
        b"cq:extension:unique": b"true",
        INCREMENTAL: b"false",
        b"description": b"Identifier of the row, made of its key: always the same for the same object.",
        **_UUID,
    },
)
_TABLES = {kind.table: kind for kind in TABLES}


class NoSuchTable(ReportedError):
    """A pattern that matches no table; the message names it and the tables there are."""


def select(tables: Collection[str], skip_tables: Collection[str], kinds: Collection[Kind]) -> list[Kind]:
    """The kinds whose tables CloudQuery's selection takes; both lists may hold wildcards.

    Raises `NoSuchTable` for a pattern that matches no table at all, as CloudQuery's own plugins do.
    """
    names = [*(kind.table for kind in TABLES), CHANGES]
    for setting, patterns in (("tables", tables), ("skip_tables", skip_tables)):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise NoSuchTable(f"{setting}: no table matches {pattern!r}; there is {', '.join(names)}")
    return [kind for kind in kinds if takes(kind.table, tables, skip_tables)]


def takes(table: str, tables: Collection[str], skip_tables: Collection[str]) -> bool:
    """Whether CloudQuery's selection takes a table."""
    return _matches(table, tables or ("*",)) and not _matches(table, skip_tables)


def _matches(table: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(table, pattern) for pattern in patterns)


def schema(kind: Kind) -> pa.Schema:
    """The table of a kind: CloudQuery's identifier of a row, then the DAG's columns in their order, in its terms."""
    return _schema(kind.table)


@cache
def _schema(table: str) -> pa.Schema:
    kind = _TABLES[table]
    key = _key(kind)
    metadata = {
        b"cq:table_name": kind.table,
        b"cq:table_title": kind.kind,
        b"cq:table_description": kind.description,
        b"cq:table_depends_on": b"",
        INCREMENTAL: b"false",
    }
    return pa.schema(
        [ROW_ID, *(field(each, is_key=each.name in key) for each in (_CONTEXT_NAME, *kind.columns))], metadata=metadata
    )


def _key(kind: Kind) -> tuple[str, ...]:
    return ("context_name", *kind.shared_by, "uid")


def field(column: Column, *, is_key: bool) -> pa.Field:
    metadata: dict[bytes, bytes] = {
        b"cq:extension:primary_key": b"true" if is_key else b"false",
        b"cq:extension:unique": b"false",
        INCREMENTAL: b"false",
        b"description": column.description.encode(),
        **(_JSON if column.type == "jsonb" else {}),
    }
    return pa.field(column.name, _TYPES[column.type], nullable=not (is_key or column.required), metadata=metadata)


def batches(kind: Kind, context_name: str, columns: Columns) -> Iterator[pa.RecordBatch]:
    """A page's rows, in as few batches as fit into messages.

    Raises `SinkError`, which names the object, for one that fits into none or holds what Arrow can not.
    """
    count = len(columns[0])
    if count == 0:
        return
    try:
        made = _batch(kind, context_name, columns)
    except (pa.ArrowException, OverflowError, UnicodeError):
        for row in zip(*columns, strict=True):
            try:
                _batch(kind, context_name, [[value] for value in row])
            except (pa.ArrowException, OverflowError, UnicodeError) as error:
                raise SinkError(f"{_named(kind, row)}: {error}") from error
        raise
    yield from _halved(kind, made)


def _batch(kind: Kind, context_name: str, columns: Columns) -> pa.RecordBatch:
    of_kind = schema(kind)
    names = pa.repeat(pa.scalar(context_name, pa.utf8()), len(columns[0]))
    values = (_array(values, field.type) for values, field in zip(columns, list(of_kind)[2:], strict=True))
    return pa.record_batch([_ids(kind, context_name, columns), names, *values], schema=of_kind)


_VERSION = bytes(byte & 0x0F | 0x50 for byte in range(256))
_VARIANT = bytes(byte & 0x3F | 0x80 for byte in range(256))


def _ids(kind: Kind, context_name: str, columns: Columns) -> pa.Array:
    """A page's `_cq_id`: version 5 UUIDs (RFC 9562, 5.5) of the key, each part of it in the namespace of those before.

    So no two keys read alike, whatever their names hold. All parts but the uid are the same for a whole page.
    `uuid.uuid5` for each row takes twelve times as long.
    """
    position = {column.name: number for number, column in enumerate(kind.columns)}
    of_page = [context_name, *(columns[position[name]][0] for name in kind.shared_by)]
    namespace = reduce(uuid5, of_page, ROW_IDS).bytes
    ids = bytearray().join([sha1(namespace + uid.encode()).digest()[:16] for uid in columns[position["uid"]]])  # noqa: S324
    ids[6::16] = ids[6::16].translate(_VERSION)
    ids[8::16] = ids[8::16].translate(_VARIANT)
    return pa.Array.from_buffers(pa.binary(16), len(columns[0]), [None, pa.py_buffer(ids)])


def _array(values: list[Any], of_type: pa.DataType) -> pa.Array:
    """The values, and null for a number with more digits than the column can hold."""
    try:
        return pa.array(values, of_type)
    except pa.ArrowInvalid:
        if not pa.types.is_decimal(of_type):
            raise
        return pa.concat_arrays([_fitting(value, of_type) for value in values])


def _fitting(value: Any, of_type: pa.DataType) -> pa.Array:
    try:
        return pa.array([value], of_type)
    except pa.ArrowInvalid:
        return pa.nulls(1, of_type)


def _halved(kind: Kind, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.nbytes <= LARGEST_BATCH:
        yield batch
        return
    if batch.num_rows == 1:
        row = [batch[name][0].as_py() for name in ("uid", "name", "namespace")]
        raise SinkError(
            f"{_named(kind, row)}: its row of {batch.nbytes} bytes is more than a message of CloudQuery can carry "
            f"({LARGEST_BATCH})"
        )
    half = batch.num_rows // 2
    yield from _halved(kind, batch.slice(0, half))
    yield from _halved(kind, batch.slice(half))


def _named(kind: Kind, row: Any) -> str:
    """`pods shop/web-0`, of a row that begins with uid, name, namespace."""
    _, name, namespace = row[:3]
    return f"{kind.name} {namespace}/{name}" if namespace else f"{kind.name} {name}"
