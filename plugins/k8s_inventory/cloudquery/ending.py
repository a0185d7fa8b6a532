"""How a sync that lacks something ends: so that the CLI deletes nothing of it, and destinations write all the rest.

What is used of CloudQuery's CLI, and what is proven by that, is in docs/decisions/0018-how-a-sync-ends.md.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from cloudquery.plugin_v3 import plugin_pb2
from cloudquery.plugin_v3.arrow import record_to_bytes, schema_to_bytes

from k8s_inventory.cloudquery import tables
from k8s_inventory.cloudquery.source import BadInput
from k8s_inventory.kinds import Kind

LONGEST_MESSAGE = 4000
"""Characters of an error: it travels in HTTP/2 headers, of which gRPC takes 8 KiB."""

_BALLAST = 1 << 20
"""Bytes of a message without rows, in its schema's metadata; gRPC takes 4 MiB by default."""

_PUSHES = 64
"""Such messages, of which all that lies between here and a destination can not hold as many: two streams of gRPC, each
with a window of at most 16 MiB (grpc-go's `bdpLimit`), and a few messages in each process on the way."""


def refuse_without_backend(request: Any) -> None:
    """Raises `BadInput` where the CLI would take an incremental table for any other, and delete its rows."""
    if not request.backend.table_name:
        raise BadInput(
            "on_incomplete: keep needs a state backend, without which the CLI deletes rows of incomplete kinds. "
            "Nothing is stored in it. Add a line to the source, beside its `spec`, with the name of your destination: "
            'backend_options: {table_name: k8s_inventory, connection: "@@plugins.postgresql.connection"}'
        )


def announced(schemas: Iterable[pa.Schema], *, incremental: bool = False) -> Iterator[Any]:
    """The tables. Destinations make those that they lack, and write what they hold back; the CLI will delete stale rows
    of each that was announced as not `incremental` once."""
    for table in schemas:
        if incremental:
            table = table.with_metadata({**table.metadata, tables.INCREMENTAL: b"true"})
        yield plugin_pb2.Sync.Response(migrate_table=plugin_pb2.Sync.MessageMigrateTable(table=schema_to_bytes(table)))


def written(sent: Sequence[pa.Schema], stopped: threading.Event) -> Generator[Any, None, bool]:
    """Has destinations write the rows of these tables, however long they take; whether they have, in the end.

    What was not announced again, under `--no-migrate`, they only have read.
    """
    if sent:
        yield from _pushed(sent[0], stopped)  # else the CLI has tables overtake rows that pass through transformers
        yield from announced(sent)
        yield from _pushed(sent[0], stopped)
    return not stopped.is_set()


def _pushed(table: pa.Schema, stopped: threading.Event) -> Iterator[Any]:
    """Messages that bring no row. Once the last one was accepted, a destination has taken all that came before them."""
    table = table.with_metadata({**table.metadata, b"k8s_inventory:ballast": b"-" * _BALLAST})
    record = record_to_bytes(pa.RecordBatch.from_pylist([], schema=table))
    message = plugin_pb2.Sync.Response(insert=plugin_pb2.Sync.MessageInsert(record=record))
    for _ in range(_PUSHES):
        if stopped.is_set():
            return
        yield message


def error(kind: Kind, problem: str) -> Any:
    """What the CLI counts as an error of a table; the sync goes on."""
    return plugin_pb2.Sync.Response(error=plugin_pb2.Sync.MessageError(table_name=kind.table, error=problem))


def summary(problems: Sequence[str], *, written: bool) -> str:
    """The problems, as many as an error may hold, and what came of the rest."""
    head = f"{len(problems)} targets are incomplete, so nothing is deleted. " + (
        "Complete ones were sent, and are written unless this ran with --no-migrate: use `on_incomplete: keep` there. "
        if written
        else "The sync was stopped; complete ones may be lost until the next. "
    )
    shown: list[str] = []
    for problem in problems:
        if len(head) + sum(map(len, shown)) + len(problem) > LONGEST_MESSAGE - 100:
            break
        shown.append(problem)
    left = len(problems) - len(shown)
    return head + "; ".join(shown) + (f"; and {left} more, see the plugin's log" if left else "")
