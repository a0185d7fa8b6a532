"""How syncs are run, and where their rows and outcomes are: all that a history knows of the code that it tries."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from unittest import mock

import psycopg
import pyarrow as pa

from k8s_inventory.cloudquery.source import BadInput, Source
from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, StoreError, forget_context
from k8s_inventory.sync import Custom, Run, find_custom, following, reading
from tests.histories.cluster_changes import DECLARED, GROUP, PLANTED
from tests.syncing import sync_kinds

LIMITS = Limits(
    connect_timeout=2,
    read_timeout=10,
    attempts=2,
    longest_wait=0.02,
    requests_per_second=10_000,
    looks_apart=0.1,
    longest_look=3,
)
AT_ONCE = 2
_PATIENCE = {"requests_per_second": 10_000, "lock_wait": 20, "listing_timeout": 20, "request_timeout": 10}
DISCOVERY = CUSTOM_OBJECTS.name
REDACTED = "<redacted>"


@dataclass(frozen=True)
class Order:
    """One sync, as a user would ask for it. `custom` asks for every kind without a table of its own, too."""

    context: str
    kinds: tuple[str, ...] = ()
    custom: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [*self.kinds, *(["custom"] if self.custom else [])]
        return f"context {self.context}, {' '.join(words)} {json.dumps(dict(self.settings))}"


@dataclass(frozen=True)
class Ended:
    """How one target of a sync ended, as the call said."""

    kind: str
    outcome: str
    error: str | None = None


@dataclass(frozen=True)
class Sent:
    """What CloudQuery was sent of one target; all there is, where there is no problem."""

    kind: str
    problem: str | None
    rows: list[dict[str, Any]]


@contextmanager
def metadata_of_small_targets() -> Iterator[None]:
    """Metadata is asked for first of targets that are small, too: those of a history are."""
    with mock.patch.object(reading, "LEAST_BYTES", 0):
        yield


@contextmanager
def quick_watches() -> Iterator[None]:
    """What is heard is stored as soon as it can be, and what broke off is opened again."""
    with mock.patch.multiple(following, TICK=0.2, _PAUSE=0.2):
        yield


HOLD = 3.0
"""Seconds for which a run of mode `watch` holds its watches open."""


def sync(
    order: Order, context: Context, open_store: Callable[[], Store], run_id: str, mode: str = "full"
) -> list[Ended]:
    """One run."""
    settings = Settings.load({**_PATIENCE, "kinds_at_once": AT_ONCE, **order.settings})
    run = Run(run_id, mode=mode)
    ended, kinds = [], [KINDS[name] for name in order.kinds]
    with Session(context, LIMITS) as session:
        if order.custom:
            try:
                chosen = Custom((f"*.{GROUP}",))
                with open_store() as store:
                    found, custom = find_custom(session, store, chosen, run=run, settings=settings)
            except StoreError as error:
                ended.append(Ended(DISCOVERY, "failed", str(error)))
            else:
                ended.append(Ended(DISCOVERY, found.attempt.outcome, found.attempt.error))
                kinds += custom
        if kinds:
            for each in sync_kinds(session, open_store, kinds, run=run, settings=settings, hold=HOLD):
                attempt = each.attempt
                ended.append(Ended(each.kind, attempt.outcome, attempt.error))
    return ended


def read(order: Order, kubeconfig: Path, database_url: str | None, run_id: str) -> list[Sent]:
    """What `cloudquery sync` would be sent. Raises `BadInput` where the source can't begin."""
    resources = [*order.kinds, *([f"*.{GROUP}"] if order.custom else [])]
    spec = {**_PATIENCE, **order.settings, "kubeconfig": str(kubeconfig), "contexts": [order.context]}
    spec |= {"resources": resources, "connect_timeout": 2, "read_timeout": 10}
    if database_url:
        spec["database_url"] = database_url
    source = Source(json.dumps(spec).encode(), run_id=run_id)
    sent = []
    for target in source.read(source.kinds(), threading.Event()):
        with target.spool as spool:
            rows = [
                {name: _value(name, value) for name, value in row.items() if not name.startswith("_cq_")}
                for record in spool.records()
                for row in pa.ipc.open_stream(record).read_all().to_pylist()
            ]
        sent.append(Sent(target.kind.name, target.problem, rows))
    return sent


def _value(name: str, value: Any) -> Any:
    return json.loads(value) if isinstance(value, bytes) else value


def forget(store: Store, context: str) -> dict[str, int]:
    return forget_context(store, context)


Refused = (StoreError, BadInput)
"""What a call may raise where the database, or a spec, is refused."""


# -- what the database holds ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A row; `text` is all of it but what it is made of, so that any change shows."""

    namespace: str | None
    values: dict[str, Any]
    text: str

    @property
    def beside_redaction(self) -> str:
        """The row as it is once what settings may keep out is: rules that became stricter come to every row.

        Printer columns, too, are then computed by the definition of now.
        """
        maps = (self.values.get("data") or {}).get("data") or {}
        values = {name: value for name, value in self.values.items() if name != "printer_columns"}
        text = re.sub(rf"{PLANTED}\d+", REDACTED, json.dumps(values))
        for value in maps.values():
            text = text.replace(json.dumps(value), json.dumps(REDACTED))
        return text

    @property
    def in_history(self) -> str:
        """What the history tells of it: an object's version counts only where something else of the row differs, and in
        which API it was read is no change of it."""
        return re.sub(r'"(resource_version|api_version|version)": "[^"]*", ', "", self.beside_redaction)


@dataclass(frozen=True)
class Status:
    """The last attempt on a target; `began` tells it from others."""

    began: str
    outcome: str | None
    scope: str
    resource_version: str | None
    mode: str

    @property
    def is_whole(self) -> bool:
        return self.scope == "all"


@dataclass(frozen=True)
class Part:
    """A namespace (empty: all) that was read by itself, or under selectors."""

    outcome: str
    resource_version: str | None
    when: str


@dataclass(frozen=True)
class Held:
    """What a database holds: rows by context, kind and uid, the last attempt by context and kind, and parts."""

    rows: dict[tuple[str, str, str], Row]
    status: dict[tuple[str, str], Status]
    targets: set[tuple[str, str]]
    parts: dict[tuple[str, str, str], Part]

    def of(self, context: str, kind: str) -> dict[str, Row]:
        return {uid: row for (where, what, uid), row in self.rows.items() if (where, what) == (context, kind)}


def held(database_url: str) -> Held:
    """Everything, as one snapshot."""
    with closing(psycopg.connect(database_url)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rows = {}
        for table, kind in _tables():
            row = "to_jsonb(t) - 'made_of'"
            query = f"SELECT context_name, {kind}, uid, namespace, {row}, ({row})::text FROM {table} AS t"
            for context, name, uid, namespace, values, text in connection.execute(query.encode()):
                rows[context, name, uid] = Row(namespace, values, text)
        status = {
            (context, kind): Status(*rest)
            for context, kind, *rest in connection.execute(
                "SELECT context_name, kind, started_at::text, outcome, scope, resource_version, mode"
                " FROM k8s_sync_status"
            )
        }
        targets = {(each[0], each[1]) for each in connection.execute("SELECT context_name, kind FROM k8s_sync_targets")}
        parts = {
            (context, kind, namespace): Part(*rest)
            for context, kind, namespace, *rest in connection.execute(
                "SELECT context_name, kind, namespace, outcome, resource_version, finished_at::text FROM k8s_sync_parts"
            )
        }
        return Held(rows, status, targets, parts)


def held_at(database_url: str, instant: datetime) -> dict[tuple[str, str], dict[str, Row]]:
    """The rows as of an instant, by context and kind: of all targets that have them."""
    with closing(psycopg.connect(database_url)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        known = connection.execute(
            "SELECT context_name, kind FROM k8s_coverage_at(%s) WHERE known <> 'unknown'", [instant]
        ).fetchall()
        rows: dict[tuple[str, str], dict[str, Row]] = {(context, kind): {} for context, kind in known}
        for table, kind in _tables():
            row = "to_jsonb(t) - 'made_of'"
            query = f"SELECT context_name, {kind}, uid, namespace, {row}, ({row})::text FROM {table}_at(%s) AS t"
            for context, name, uid, namespace, values, text in connection.execute(query.encode(), [instant]):
                rows[context, name][uid] = Row(namespace, values, text)
        return rows


def events_ever(database_url: str) -> list[tuple[str, str, int]]:
    """(context, uid, count) of each Event that is known of, there or gone."""
    with closing(psycopg.connect(database_url)) as connection:
        return connection.execute("SELECT context_name, uid, count FROM k8s_event_history").fetchall()


def now(database_url: str) -> datetime:
    with closing(psycopg.connect(database_url)) as connection:
        ((instant,),) = connection.execute("SELECT clock_timestamp()").fetchall()
        return cast(datetime, instant)


def _tables() -> list[tuple[str, str]]:
    """Each table with what tells the kind of a row."""
    tables = [(KINDS[name].table, f"'{name}'") for name in DECLARED]
    return [*tables, (CUSTOM_OBJECTS.table, "plural || '.' || \"group\"")]


def tables_with(database_url: str, context: str) -> list[str]:
    """The tables that hold anything of a context; locks are no more than who wrote last."""
    with closing(psycopg.connect(database_url)) as connection:
        found = connection.execute(
            "SELECT format('SELECT %%L FROM %%I WHERE context_name = %%L LIMIT 1', c.relname, c.relname, %s::text)"
            " FROM pg_class AS c INNER JOIN pg_attribute AS a ON c.oid = a.attrelid"
            " WHERE c.relkind = 'r' AND a.attname = 'context_name' AND c.relnamespace = current_schema()::regnamespace"
            " AND c.relname <> 'k8s_sync_locks' ORDER BY c.relname",
            [context],
        ).fetchall()
        query = " UNION ALL ".join(f"({each[0]})" for each in found)
        return [each[0] for each in connection.execute(query.encode())]


def sessions(database_url: str) -> Iterator[int]:
    """The pids of the sessions that sync; the way to end one is `end_session`."""
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        yield from (
            each[0]
            for each in connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " ORDER BY backend_start, pid"
            ).fetchall()
        )


def end_session(database_url: str, pid: int) -> None:
    with closing(psycopg.connect(database_url, autocommit=True)) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def connect(database_url: str) -> Store:
    return Store.connect(database_url)


def make_schema(database_url: str) -> None:
    with connect(database_url) as store:
        store.migrate()
