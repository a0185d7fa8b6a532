"""`k8s_changes` as an incremental table: what the store of `database_url` has noted since the sync before.

Where a sync has got to is kept in CloudQuery's state backend: of each target, up to when its changes were sent. Within
one its `seen_at` only grows, and changes of an instant come to be seen together, so what is later is all that is new.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from functools import reduce
from typing import Any
from uuid import uuid5

import grpc
import msgspec
import pyarrow as pa
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc
from cloudquery.plugin_v3.arrow import new_record_from_bytes, record_to_bytes, schema_to_bytes

from k8s_inventory.cloudquery import tables
from k8s_inventory.decoders import decode
from k8s_inventory.kinds import KINDS, Column
from k8s_inventory.printable import ReportedError, printable
from k8s_inventory.store import Store

log = logging.getLogger(__name__)

BACKEND_TIMEOUT = 60.0
"""Seconds for the state backend to answer."""

_KEY = ("context_name", "group", "plural", "uid", "seen_at")
_AT_ONCE = 500
_STATE = "k8s_changes/"
"""Begins the keys in the backend; the context follows."""

_Until = tuple[str, str | None]
"""When a target changed last, and the rules of redaction by which its changes are stored."""

_NEVER = "-infinity"
_LARGEST_STATE = 64 * 1024 * 1024

_LOOK = "its destination's own log says why; it must be one that can be read, as PostgreSQL"
_WHAT_TO_DO = {
    grpc.StatusCode.UNAVAILABLE: "its destination does not answer; see in its own log whether it runs",
    grpc.StatusCode.UNIMPLEMENTED: "its destination can not be read; name one that can, as PostgreSQL",
    grpc.StatusCode.DEADLINE_EXCEEDED: f"its destination did not answer in {BACKEND_TIMEOUT:.0f} s; it may be locked",
    grpc.StatusCode.RESOURCE_EXHAUSTED: f"it sends more than {_LARGEST_STATE >> 20} MB; name a table of its own",
}

_COLUMNS = (
    Column(name="context_name", required=True, path="", description="Context that the object was read through."),
    Column(name="kind", required=True, path="", description="Kind of the object."),
    Column(name="group", required=True, path="", description="Group of its kind; empty for the core group."),
    Column(name="plural", required=True, path="", description="Plural of its kind."),
    Column(name="namespace", path="", description="Namespace; null for cluster-scoped objects."),
    Column(name="name", required=True, path="", description="Name of the object."),
    Column(name="uid", required=True, path="", description="Unique identifier of the object."),
    Column(name="change", required=True, path="", description="created, updated or deleted."),
    Column(name="seen_at", type="timestamptz", required=True, path="", description="When it was stored."),
    Column(
        name="not_before",
        type="timestamptz",
        path="",
        description="Until when the inventory is known to have been right about the object.",
    ),
    Column(name="happened_at", type="timestamptz", path="", description="When it happened, where the object says so."),
    Column(name="old_resource_version", path="", description="Version of the object before."),
    Column(name="resource_version", path="", description="Version of the object after it."),
    Column(name="run_id", required=True, path="", description="The run that noted it."),
    Column(name="evidence", required=True, path="", description="What shows it."),
    Column(name="columns", type="text[]", path="", description="Of an update, the columns that differ."),
    Column(
        name="old", type="jsonb", path="", description="The former values of these; of a deleted object all of its row."
    ),
)


class BackendError(ReportedError):
    """The state backend could not be read or written; the message says why."""


def schema() -> pa.Schema:
    described = "Objects that were seen created, changed or deleted, with their former values."
    return _table(tables.CHANGES, described, _COLUMNS, _KEY, tables.ROW_ID)


def _table(name: str, description: str, columns: Iterable[Column], key: Collection[str], *first: pa.Field) -> pa.Schema:
    metadata = {
        b"cq:table_name": name.encode(),
        b"cq:table_title": b"",
        b"cq:table_description": description.encode(),
        b"cq:table_depends_on": b"",
        tables.INCREMENTAL: b"true",
    }
    return pa.schema([*first, *(tables.field(each, is_key=each.name in key) for each in columns)], metadata=metadata)


class Changes:
    """What is new to a destination, of these contexts, by what its backend says that was sent; raises `BackendError`.

    `store` is read while `records` are; `keep` is to be called once they are written.
    """

    def __init__(self, store: Callable[[], Store], contexts: Sequence[str], backend: Backend) -> None:
        self._store, self._contexts, self._backend = store, contexts, backend
        self._sent = {key.removeprefix(_STATE): _state(value) for key, value in backend.read(_STATE).items()}
        self._until: dict[str, dict[str, _Until]] = {}
        self.is_new = False

    def records(self, stopped: threading.Event) -> Iterator[bytes]:
        """As Arrow IPC streams of a batch each. Raises `StoreError`."""
        with self._store() as store:
            spans = list(self._spans(store))
            for rows in store.changes_since(spans, most=_AT_ONCE) if spans else ():
                for batch in _batches(rows):
                    if stopped.is_set():
                        return
                    self.is_new = True
                    yield record_to_bytes(batch)

    def _spans(self, store: Store) -> Iterator[dict[str, Any]]:
        """Of each target that changed. What was sent under other rules of redaction than now is sent again."""
        for target in store.changed_targets(self._contexts):
            name, kind = target["context_name"], target["kind"]
            until = (target["changed_at"], target["history_rules"])
            after, rules = self._sent.get(name, {}).get(kind, (_NEVER, None))
            self._until.setdefault(name, {})[kind] = until
            if (after, rules) != until:
                plural, group = _resource(kind)
                after = after if rules == until[1] else _NEVER
                yield {"context_name": name, "plural": plural, "group": group, "after": after, "until": until[0]}

    def keep(self) -> None:
        """Notes what was sent. Raises `BackendError`."""
        changed = {name: kinds for name, kinds in self._until.items() if kinds != self._sent.get(name)}
        self._backend.write({_STATE + name: msgspec.json.encode(kinds).decode() for name, kinds in changed.items()})


def _state(value: str) -> dict[str, _Until]:
    """What an earlier sync noted; nothing where it is of another form, and all is sent."""
    with suppress(ValueError, msgspec.ValidationError):
        return decode(value, dict[str, _Until])
    return {}


def _resource(kind: str) -> tuple[str, str]:
    """plural and group of the kind of a target."""
    if kind in KINDS:
        return KINDS[kind].plural, KINDS[kind].group
    plural, _, group = kind.partition(".")
    return plural, "" if group == "core" else group


def _batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    """In as few batches as fit into messages. Former values that fit into none are left out, and the log says so."""
    made = _batch(rows)
    if made.nbytes <= tables.LARGEST_BATCH:
        yield made
    elif len(rows) > 1:
        half = len(rows) // 2
        yield from _batches(rows[:half])
        yield from _batches(rows[half:])
    else:
        where = f"{rows[0]['context_name']}, {rows[0]['plural']} {rows[0]['name']}"
        log.warning("context %s: former values of %d bytes fit into no message", printable(where), made.nbytes)
        yield _batch([{**rows[0], "old": None}])


def _batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    of_table = schema()
    ids = pa.array([_id(row) for row in rows], tables.ROW_ID.type)
    columns = [
        pa.array([_value(row[field.name]) if field.name == "old" else row[field.name] for row in rows], field.type)
        for field in list(of_table)[1:]
    ]
    return pa.record_batch([ids, *columns], schema=of_table)


def _value(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _id(row: Mapping[str, Any]) -> bytes:
    parts = [row[name] for name in _KEY[:-1]] + [row["seen_at"].astimezone(UTC).isoformat()]
    return reduce(uuid5, parts, tables.ROW_IDS).bytes


class Backend:
    """Keys and values in a table of a destination: what CloudQuery's own plugins keep between syncs there."""

    def __init__(self, table_name: str, connection: str) -> None:
        columns = (
            Column(name="key", path="", required=True, description="What it is about."),
            Column(name="value", path="", description="What was sent of it."),
        )
        self._table_name = table_name
        self._schema = _table(table_name, "What was sent by syncs before.", columns, ["key"])
        self._connection = connection

    def read(self, prefix: str) -> dict[str, str]:
        """By its keys that begin so; makes the table where it is not there. Raises `BackendError`."""
        self.write({})
        asked = plugin_pb2.Read.Request(table=schema_to_bytes(self._schema))
        found: dict[str, str] = {}
        with self._plugin("read") as plugin:
            for answer in plugin.Read(asked, timeout=BACKEND_TIMEOUT):
                try:
                    rows = [(row["key"], row["value"]) for row in new_record_from_bytes(answer.record).to_pylist()]
                    found |= {key: value for key, value in rows if key.startswith(prefix)}
                except (pa.ArrowException, KeyError, AttributeError):  # whose texts may quote what it is
                    raise self._refused(
                        "read", "what it holds are no keys and values; name a table of its own"
                    ) from None
        return found

    def write(self, values: Mapping[str, str]) -> None:
        """Raises `BackendError`."""
        table = plugin_pb2.Write.MessageMigrateTable(table=schema_to_bytes(self._schema))
        messages = [plugin_pb2.Write.Request(migrate_table=table)]
        for key, value in values.items():
            record = record_to_bytes(pa.RecordBatch.from_pylist([{"key": key, "value": value}], schema=self._schema))
            messages.append(plugin_pb2.Write.Request(insert=plugin_pb2.Write.MessageInsert(record=record)))
        with self._plugin("written") as plugin:
            plugin.Write(iter(messages), timeout=BACKEND_TIMEOUT)

    @contextmanager
    def _plugin(self, what: str) -> Iterator[Any]:
        options = [("grpc.max_receive_message_length", _LARGEST_STATE)]
        try:
            with grpc.insecure_channel(self._connection, options=options) as channel:
                yield plugin_pb2_grpc.PluginStub(channel)
        except grpc.RpcError as error:
            code = error.code()
            raise self._refused(what, f"{code.name}, {_WHAT_TO_DO.get(code, _LOOK)}") from None

    def _refused(self, what: str, why: str) -> BackendError:
        """In our own words: a destination's may hold its address, and its password."""
        return BackendError(
            f"backend_options: the table {printable(self._table_name)} of the state backend could not be {what} ({why})"
        )
