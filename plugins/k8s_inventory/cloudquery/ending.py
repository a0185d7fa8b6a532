"""How a sync that lacks something ends: what its destinations are sent, and what keeps the CLI from deleting.

Of CloudQuery's CLI this is used (cli/cmd/sync_v3.go): once the source's stream has ended well, it deletes stale rows of
the tables that were announced to it. A table that was only announced as incremental is left alone, where the source's
configuration has a state backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cloudquery.plugin_v3 import plugin_pb2
from cloudquery.plugin_v3.arrow import schema_to_bytes

from k8s_inventory.cloudquery import tables
from k8s_inventory.cloudquery.source import BadInput
from k8s_inventory.kinds import Kind

LONGEST_MESSAGE = 4000
"""Characters of an error: it travels in HTTP/2 headers, of which gRPC takes 8 KiB."""


def refuse_without_backend(request: Any) -> None:
    """Raises `BadInput` where the CLI would take an incremental table for any other, and delete its rows."""
    if not request.backend.table_name:
        raise BadInput(
            "on_incomplete: keep needs a state backend, without which the CLI deletes rows of incomplete kinds. "
            "Nothing is stored in it. Add a line to the source, beside its `spec`, with the name of your destination: "
            'backend_options: {table_name: k8s_inventory, connection: "@@plugins.postgresql.connection"}'
        )


def announced(kinds: Iterable[Kind], *, incremental: bool = False) -> Iterator[Any]:
    """The tables, which destinations make where they lack, upon which they write what they hold back. `incremental`:
    the CLI is to delete nothing of them."""
    for kind in kinds:
        table = tables.schema(kind)
        if incremental:
            table = table.with_metadata({**table.metadata, tables.INCREMENTAL: b"true"})
        yield plugin_pb2.Sync.Response(migrate_table=plugin_pb2.Sync.MessageMigrateTable(table=schema_to_bytes(table)))


def error(kind: Kind, problem: str) -> Any:
    """What the CLI counts as an error of a table; the sync goes on."""
    return plugin_pb2.Sync.Response(error=plugin_pb2.Sync.MessageError(table_name=kind.table, error=problem))


def summary(problems: Sequence[str]) -> str:
    """The problems, as many as an error may hold."""
    head = f"{len(problems)} targets are incomplete, so nothing may be deleted; every complete one was sent. "
    shown: list[str] = []
    for problem in problems:
        if len(head) + sum(map(len, shown)) + len(problem) > LONGEST_MESSAGE - 100:
            break
        shown.append(problem)
    left = len(problems) - len(shown)
    return head + "; ".join(shown) + (f"; and {left} more, see the plugin's log" if left else "")
