"""A CloudQuery destination for the tests, on CloudQuery's own Python SDK: it writes to PostgreSQL, or only counts.

    python -m tests.destination serve ...

Spec: `url` of the database, or `count_to`, the file for the number of rows. Like CloudQuery's own destination for
PostgreSQL it holds rows back until they are 10,000 or 100 MB, a minute has gone by, another kind of message comes, or
the end. They are written in one transaction, which takes `seconds_a_row` longer for each. Where the stream is
cancelled, as by the CLI after an error of the source, what is held or being written is lost. Columns have the types
that they have there.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import pyarrow as pa
from cloudquery.sdk import message
from cloudquery.sdk.plugin.plugin import Options, Plugin
from cloudquery.sdk.schema import Table
from cloudquery.sdk.serve import PluginCommand
from cloudquery.sdk.types import JSONType, UUIDType
from psycopg import sql
from psycopg.types.json import Jsonb

_TYPES = {
    "string": "text",
    "int32": "integer",
    "int64": "bigint",
    "decimal128(38, 9)": "numeric(38, 9)",
    "bool": "boolean",
    "timestamp[us, tz=UTC]": "timestamp",
    "list<item: string>": "text[]",
    "json": "jsonb",
    "uuid": "uuid",
}
_MOST_ROWS, _MOST_BYTES, _LONGEST = 10_000, 100_000_000, 60.0
"""Of what is held back: rows, bytes and seconds."""


class Destination(Plugin):
    def __init__(self) -> None:
        super().__init__("postgres-for-tests", "v1.0.0", Options(team="tests", kind="destination"))

    def init(self, spec: bytes, no_connection: bool = False) -> None:
        given = json.loads(spec)
        self._url = given.get("url")
        self._file = given.get("count_to")
        self._seconds_a_row = given.get("seconds_a_row", 0)

    def get_tables(self, options: Any) -> list[Table]:
        return []

    def write(self, writer: Generator[message.WriteMessage, None, None]) -> None:
        if self._file:
            self._count(writer)
            return
        incoming = Incoming(writer)
        with psycopg.connect(self._url, autocommit=True) as connection:
            held: list[pa.RecordBatch] = []
            rows = size = 0
            for each in incoming:
                if isinstance(each, message.WriteInsertMessage):
                    if each.record.num_rows:
                        held.append(each.record)
                        rows, size = rows + each.record.num_rows, size + each.record.nbytes
                    if rows < _MOST_ROWS and size < _MOST_BYTES:
                        continue
                rows = size = 0
                self._insert_all(connection, held, incoming.cancelled)
                if isinstance(each, message.WriteMigrateTableMessage):
                    self._migrate(connection, each.table)
                elif isinstance(each, message.WriteDeleteStale):
                    connection.execute(
                        sql.SQL("DELETE FROM {} WHERE _cq_source_name = %s AND _cq_sync_time < %s").format(
                            sql.Identifier(each.table_name)
                        ),
                        [each.source_name, f"{each.sync_time.isoformat()}+00:00"],
                    )
            self._insert_all(connection, held, incoming.cancelled)

    def read(self, table: Table) -> Iterator[message.ReadMessage]:
        schema = table.to_arrow_schema()
        names = sql.SQL(", ").join(map(sql.Identifier, schema.names))
        with psycopg.connect(self._url, autocommit=True) as connection:
            query = sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table.name))
            for row in connection.execute(query):
                values = dict(zip(schema.names, row, strict=True))
                yield message.ReadMessage(pa.RecordBatch.from_pylist([values], schema=schema))

    def _count(self, writer: Iterable[message.WriteMessage]) -> None:
        rows = 0
        for each in writer:
            if isinstance(each, message.WriteInsertMessage):
                rows += each.record.num_rows
        with open(self._file, "w") as file:
            file.write(str(rows))

    def _migrate(self, connection: psycopg.Connection[Any], table: Table) -> None:
        columns = [
            sql.SQL("{} " + _TYPES[_name(column.type)]).format(sql.Identifier(column.name)) for column in table.columns
        ]
        if table.primary_keys:
            keys = sql.SQL(", ").join(map(sql.Identifier, table.primary_keys))
            columns.append(sql.SQL("PRIMARY KEY ({})").format(keys))
        connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(
                sql.Identifier(table.name), sql.SQL(", ").join(columns)
            )
        )

    def _insert_all(
        self, connection: psycopg.Connection[Any], held: list[pa.RecordBatch], cancelled: threading.Event
    ) -> None:
        with connection.transaction():
            for record in held:
                self._insert(connection, record)
                if cancelled.wait(self._seconds_a_row * record.num_rows):
                    raise InterruptedError("the stream was cancelled")
        held.clear()

    def _insert(self, connection: psycopg.Connection[Any], record: pa.RecordBatch) -> None:
        table = record.schema.metadata[b"cq:table_name"].decode()
        names = record.schema.names
        keys = Table.from_arrow_schema(record.schema).primary_keys
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(sql.Placeholder() * len(names)),
        )
        if keys:
            statement += sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(
                sql.SQL(", ").join(map(sql.Identifier, keys)),
                sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names),
            )
        columns = [_values(column) for column in record.columns]
        with connection.cursor() as cursor:
            cursor.executemany(statement, list(zip(*columns, strict=True)))

    def close(self) -> None:
        pass


class Incoming:
    """The messages of a stream, read by a thread that is one ahead, as in Go; None whenever the longest time goes by
    without one. Iterating ends in the error of a stream that was cancelled; `cancelled` shows that at once."""

    def __init__(self, stream: Iterable[message.WriteMessage]) -> None:
        self.cancelled = threading.Event()
        self._stream = stream
        self._taken: queue.Queue[message.WriteMessage | Exception | None] = queue.Queue(maxsize=1)

    def _read(self) -> None:
        try:
            for each in self._stream:
                self._taken.put(each)
            self._taken.put(StopIteration())
        except Exception as error:  # noqa: BLE001 - gRPC's own has no name
            self.cancelled.set()
            self._taken.put(error)

    def __iter__(self) -> Iterator[message.WriteMessage | None]:
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            each = None
            with suppress(queue.Empty):
                each = self._taken.get(timeout=_LONGEST)
            if isinstance(each, StopIteration):
                return
            if isinstance(each, Exception):
                raise each
            yield each


def _name(of_type: pa.DataType) -> str:
    """The CLI, written in Go, has its own names for the elements of lists."""
    return "list<item: string>" if pa.types.is_list(of_type) else str(of_type)


def _values(column: pa.Array) -> list[Any]:
    if isinstance(column.type, JSONType):
        return [None if each is None else Jsonb(json.loads(each)) for each in column.storage.to_pylist()]
    if isinstance(column.type, UUIDType):
        return [None if each is None else UUID(bytes=each) for each in column.storage.to_pylist()]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))  # in UTC, of which the column's type says nothing
    values: list[Any] = column.to_pylist()
    return values


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "unix" in arguments:  # the SDK ignores --network
        at = arguments.index("--address") + 1
        arguments[at] = f"unix:{arguments[at]}"
        os.umask(0o077)  # nobody else may connect to it
    with suppress(KeyboardInterrupt):  # so the CLI ends it
        PluginCommand(Destination()).run(arguments)
    os._exit(0)  # else streams would seem to end well, and what is held would be written
