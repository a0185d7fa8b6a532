"""The connection, the schema in it, and what concerns no single target."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from k8s_inventory import __version__
from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS, TABLES, Kind
from k8s_inventory.known_secrets import learn, learn_url
from k8s_inventory.printable import printable
from k8s_inventory.store import statements
from k8s_inventory.store.adopting import adopt, declared_since
from k8s_inventory.store.attached import attach, attached
from k8s_inventory.store.evidence import GoesOn, Revision
from k8s_inventory.store.partitions import CHANGES, PAST_EVENTS, drop_expired, make_partitions, missing_partitions
from k8s_inventory.store.pooling import refuse_shared
from k8s_inventory.store.refusals import NotAllowed, StoreError, explained
from k8s_inventory.store.statements import sql

MINIMUM_VERSION = 150000
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
VERIFY_DAYS = 7
SCHEMA_WAIT = 60.0
"""Seconds to wait for another session that changes the schema."""
RELATION_WAIT = 10.0
"""Seconds to wait for those who use a table or view that is to be changed; all who come after us wait as long."""
UNLOCK_WAIT = 5.0
"""Seconds in which a lock is looked for that is held by another session than ours."""
_MADE_BY = "k8s-inventory"
"""In k8s_schema_tables: the version that made something last. A new column needs no migration, and is one all the same
that an older version would leave as it was."""
_WHERE_IT_CAN_BE = {
    # A server that loses its client in the middle of a statement lets go of its locks in time; not on every system.
    "client_connection_check_interval": "10s",
    # Compressing objects by the default, pglz, takes a third of the time of storing them; not in every build.
    "default_toast_compression": "lz4",
}


def connection_parameters(database_url: str) -> dict[str, Any]:
    """A DATABASE_URL, or libpq's `name=value` pairs, taken apart; all values are text, `port` one for each host.

    Raises `StoreError`, which does not repeat it: it holds the password. libpq itself takes a password with an
    unescaped `/` or `@` for a host, a port and a database, and then says so. Blanks and line breaks around it are of
    the file that it comes from.
    """
    database_url = database_url.strip()
    learn_url(database_url)
    try:
        parameters = conninfo_to_dict(database_url)
    except (psycopg.Error, ValueError):
        parameters = None
    if parameters is None or not _is_meant(database_url, parameters):
        raise StoreError(
            "DATABASE_URL is malformed: it must look like postgresql://user:password@host:5432/database, without "
            "quotes, and what is no letter or digit in the password must be percent-encoded: / is %2F, @ is %40 "
            "(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING)"
        )
    secrets = ("password", "sslpassword", "oauth_client_secret")
    shown = [value for name, value in parameters.items() if name not in secrets]
    learn(*(str(parameters[name]) for name in secrets if name in parameters), beside=shown)
    return parameters


def _is_meant(database_url: str, parameters: Mapping[str, Any]) -> bool:
    """Whether what libpq takes for ports are ports, and what it takes for hosts and a database holds no `@`.

    To libpq, all before the first `@` is user and password, unless a `/` comes first.
    """
    ports = str(parameters.get("port", "")).split(",")
    if not all(re.fullmatch(r"\s*(\d{1,5}\s*)?", port) for port in ports):
        return False
    if not database_url.startswith(("postgresql://", "postgres://")):
        return True
    rest = re.sub(r"^[^@/]*@", "", database_url.partition("://")[2])
    return "@" not in rest.partition("?")[0]


class Store:
    """A session with the inventory's database; not to be shared between threads.

    The connection is put in autocommit, so that no transaction stays open during a listing, and closed
    with the store. `schema` is where the tables are; by default the search path decides.
    """

    def __init__(self, connection: psycopg.Connection[Any], *, schema: str | None = None) -> None:
        self.connection = connection
        self.schema = schema
        try:
            self._begin()
        except BaseException:
            connection.close()
            raise

    def _begin(self) -> None:
        connection = self.connection
        with explained("database"):
            connection.autocommit = True
            self._refuse_server()
            # Before names, and as bytes: others are encoded by it. The bytes of COPY are UTF-8 whatever it says.
            connection.execute(b"SET client_encoding TO 'UTF8'")
            for name, value in _WHERE_IT_CAN_BE.items():
                with suppress(errors.InvalidParameterValue):
                    self._set(name, value)
            self.run("session")
            self._choose_schema()

    def _refuse_server(self) -> None:
        version = self.connection.info.server_version
        if version < MINIMUM_VERSION:
            raise StoreError(f"PostgreSQL 15 or newer is needed, the server is {version // 10000}")
        query = "SELECT pg_backend_pid(), current_setting('server_encoding')"
        ((pid, encoding),) = self.connection.execute(query.encode()).fetchall()
        refuse_shared(self.connection, pid)
        if encoding != "UTF8":
            raise StoreError(
                f"the database's encoding is {encoding}, which can not hold all that clusters write: "
                "make one by CREATE DATABASE inventory ENCODING 'UTF8' TEMPLATE template0"
            )

    def _choose_schema(self) -> None:
        """Narrows the search path to the one schema: objects of strangers in others then mean nothing to us."""
        schema = self.schema or self._found_schema()
        usable = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = %s"
        if self.connection.execute(usable, [schema]).fetchone() == (False,):  # PostgreSQL would look elsewhere, then
            raise NotAllowed(
                f"permission denied for schema {schema}. docs/postgresql.md has the grants that are needed"
            )
        if schema is not None:
            path = f"{statements.identifier(schema, self.connection)}, pg_temp"
            self._set("search_path", path)

    def _found_schema(self) -> str | None:
        """Of the search path's: the one where the inventory has been for longest, or is to be made."""
        found = self.rows("our_schema")
        made = [str(row["schema_name"]) for row in found if row["is_made"] and row["is_own"] == found[0]["is_own"]]
        if len(made) < 2:
            return str(found[0]["schema_name"]) if found else None
        if not found[0]["is_own"]:
            raise StoreError(
                f"both {made[0]} and {made[1]} of the search path hold an inventory, and neither is this role's own: "
                "say which by `schema` (K8S_SCHEMA_NAME)"
            )
        since = "SELECT coalesce(min(applied_at), now()) FROM {}.k8s_schema_migrations"
        known = {each: since.format(statements.identifier(each, self.connection)) for each in made}
        return min(made, key=lambda each: self.connection.execute(known[each].encode()).fetchall())

    def _set(self, name: str, value: str) -> None:
        self.connection.execute("SELECT set_config(%s, %s, false)", [name, value])

    @classmethod
    def connect(cls, database_url: str, *, schema: str | None = None, connect_timeout: int = 10) -> Store:
        parameters = {**KEEPALIVE, "connect_timeout": connect_timeout, **connection_parameters(database_url)}
        parameters["client_encoding"] = "UTF8"
        with explained("database"):
            connection = psycopg.connect(**parameters)
        return cls(connection, schema=schema)

    def close(self) -> None:
        self.connection.close()

    @property
    def is_lost(self) -> bool:
        """Whether the session is over: the server ended it, it could not be reached, or it was closed."""
        return bool(self.connection.closed)

    def cancel(self) -> None:
        """Ends the statement that another thread is at, if there is one; it raises `StoreError` there."""
        with suppress(psycopg.Error):
            self.connection.cancel_safe(timeout=2)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Runs a statement of include/sql/store and returns its rows."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(sql(name), parameters)
            return cursor.fetchall() if cursor.description else []

    def run(self, name: str, parameters: Mapping[str, Any] | None = None) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql(name), parameters)

    def unlock(self, lock: Mapping[str, Any]) -> None:
        """Gives back a lock: context_name, kind, number. Where a pooler that was not found out gives each statement
        another session of the server, until the one that has the lock is met; a lost session has lost its locks."""
        end = time.monotonic() + UNLOCK_WAIT
        with suppress(psycopg.Error):
            while not self.rows("unlock", lock)[0]["is_free"] and time.monotonic() < end:
                time.sleep(0.02)

    # -- schema ------------------------------------------------------------------------------------

    def migrate(self, kinds: Iterable[Kind] = TABLES) -> list[str]:
        """Makes or upgrades the tables; returns what it did. Safe to run twice, or from two tasks at once."""
        kinds = list(kinds)
        with explained("making the schema", self.connection):
            if self.schema is not None:
                self._create_schema(self.schema)
            if not self._pending(kinds):
                return self._make_weeks()
            self._refuse_foreign(kinds)
            state = self.rows("schema_state")[0]
            if not (state["has_migrations"] and state["has_tables"]):
                with suppress(errors.UniqueViolation, errors.DuplicateTable):  # another task has just made them
                    self.run("schema_bookkeeping")
            with self.schema_change():
                return self._apply(kinds)

    @contextmanager
    def schema_change(self, *, wait: float = SCHEMA_WAIT, relation_wait: float = RELATION_WAIT) -> Iterator[None]:
        """A transaction that changes the schema, of one session at a time.

        `wait`: seconds for other sessions that do; `relation_wait`: for each lock within. Raises psycopg's errors, of
        which `explained` with the connection says who was in the way.
        """
        with self.connection.transaction():
            self.run("wait_at_most", {"milliseconds": int(wait * 1000)})
            self.run("schema_lock")
            self.run("wait_at_most", {"milliseconds": int(relation_wait * 1000)})
            yield

    def check_schema(self, kinds: Iterable[Kind] = TABLES) -> None:
        """Raises `StoreError` if `migrate` has something to do."""
        with explained("reading the schema"):
            pending = self._pending(list(kinds))
        if pending:
            raise StoreError(
                f"the database lacks {', '.join(pending)}: run the DAG's task `plan`, which makes the schema"
            )

    def _make_weeks(self) -> list[str]:
        """Makes the weeks that are missing. While this one is there, the role need not be one that may."""
        weeks = missing_partitions(self.connection)
        try:
            if weeks:
                with self.schema_change():
                    make_partitions(self.connection)
        except errors.InsufficientPrivilege:
            if any(week["is_now"] for _, week in weeks):
                raise
            return []
        return [week["name"] for _, week in weeks]

    def _create_schema(self, schema: str) -> None:
        found = self.connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone()
        if not found:
            name = statements.identifier(schema, self.connection)
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")

    def _pending(self, kinds: Sequence[Kind]) -> list[str]:
        """What is still to be made, or moved: names of migrations and of tables, rows of kinds."""
        state = self.rows("schema_state")[0]
        if state["schema_name"] is None:
            raise StoreError("the connection's search path leads to no schema: set `schema`, or create the schema")
        applied, declared = self._made(state)
        known = statements.migrations()
        _refuse_newer(applied, declared)
        missing = [name for version, name, _ in known if version not in applied]
        made_of = _made_of(kinds) | (self._instants(kinds) if applied else {})
        missing += [name for name, ddl in made_of.items() if declared.get(name) != _hashed(ddl)]
        moved = declared_since(self.connection, kinds) if CUSTOM_OBJECTS.table in declared else {}
        return missing + [_rows_of(name) for name in moved]

    def _made(self, state: Mapping[str, Any]) -> tuple[set[int], dict[str, str]]:
        applied: set[int] = set()
        declared: dict[str, str] = {}
        if state["has_migrations"]:
            applied = {row[0] for row in self.connection.execute("SELECT version FROM k8s_schema_migrations")}
        if state["has_tables"]:
            declared = dict(self.connection.execute("SELECT table_name, declaration FROM k8s_schema_tables").fetchall())
        return applied, declared

    def _apply(self, kinds: Sequence[Kind]) -> list[str]:
        done = []
        applied, declared = self._made(self.rows("schema_state")[0])
        _refuse_newer(applied, declared)
        self._refuse_foreign(kinds)
        before = attached(self.connection)
        for version, name, text in statements.migrations():
            if version in applied:
                continue
            self.connection.execute(text)
            self.connection.execute(
                "INSERT INTO k8s_schema_migrations (version, name) VALUES (%s, %s)", [version, name]
            )
            done.append(name)
        self._refuse_other_types(kinds)
        self._drop_replaced_indexes(kinds)
        for made_of in (_made_of, self._instants):
            for name, ddl in made_of(kinds).items():
                if declared.get(name) == _hashed(ddl):
                    continue
                self.connection.execute(ddl)
                self.note_made(name, _hashed(ddl))
                done.append(name)
        make_partitions(self.connection)
        if CUSTOM_OBJECTS in kinds:
            moved = declared_since(self.connection, kinds, by_rows=bool(done))
            adopt(self.connection, moved)
            done += map(_rows_of, moved)
        attach(self.connection, before)
        self.note_made(_MADE_BY, __version__)
        return done

    def _drop_replaced_indexes(self, kinds: Sequence[Kind]) -> None:
        given = {"tables": [kind.table for kind in kinds]}
        given["with_long_names"] = [kind.table for kind in kinds if kind.long_names]
        for row in self.rows("replaced_indexes", given):
            self.connection.execute(f"DROP INDEX {statements.identifier(row['name'])}")

    def _instants(self, kinds: Sequence[Kind]) -> dict[str, str]:
        """The DDL of the functions that return rows as of an instant, by its name: with the columns that tables have
        now, ours and those that others added. Of a table that is not there, or has lost its function, nothing fits."""
        tables = {kind.table: kind for kind in kinds}
        schema = statements.identifier(self.rows("schema_state")[0]["schema_name"], self.connection)
        found = {row["table_name"]: row for row in self.rows("table_columns", {"tables": list(tables)})}
        made = {
            f"{table}_at": statements.instant(kind, found[table]["names"], schema) if table in found else ""
            for table, kind in tables.items()
        }
        if len(tables) == len(TABLES):
            made["k8s_objects_at"] = statements.view("objects_at", kinds, schema=schema)
        return made

    def note_made(self, name: str, declaration: str) -> None:
        """Notes what a relation or function was made of."""
        self.connection.execute(
            "INSERT INTO k8s_schema_tables (table_name, declaration) VALUES (%s, %s) ON CONFLICT (table_name) "
            "DO UPDATE SET declaration = excluded.declaration, changed_at = now()",
            [name, declaration],
        )

    def _refuse_foreign(self, kinds: Sequence[Kind]) -> None:
        """Whoever may write k8s_schema_tables could claim there that something is ours: it must look it, too."""
        applied, declared = self._made(self.rows("schema_state")[0])
        instants = {f"{kind.table}_at" for kind in kinds}
        unknown = {name for name in {*_made_of(kinds), *instants} if name not in declared}
        if not applied:
            unknown |= {"k8s_sync_runs", "k8s_sync_targets", "k8s_sync_contexts", "k8s_sync_status", "k8s_clusters"}
        for name, ddl in _made_of(kinds).items():
            if name not in declared:
                unknown |= set(re.findall(r"^CREATE OR REPLACE (?:FUNCTION|VIEW) (\w+)", ddl, re.MULTILINE))
        tables = [kind.table for kind in kinds if kind.table in declared]
        foreign = [row["name"] for row in self.rows("foreign", {"unknown": sorted(unknown), "tables": tables})]
        if foreign:
            raise StoreError(
                f"{', '.join(foreign)} in this schema was not made by k8s-inventory and stays untouched: rename it, "
                "or choose another schema (setting `schema`)"
            )

    def _refuse_other_types(self, kinds: Sequence[Kind]) -> None:
        every = [*kinds, *(kind.kept for kind in kinds if kind.kept_in)]
        columns = [(kind.table, column.name, column.type) for kind in every for column in kind.columns]
        tables, names, types = zip(*columns, strict=True) if columns else ((), (), ())
        found = self.rows("other_types", {"tables": list(tables), "columns": list(names), "types": list(types)})
        if found:
            other = ", ".join(f"{row['name']} ({row['type']} instead of {row['declared_type']})" for row in found)
            raise StoreError(
                f"a column of another type has the name of one of ours, and stays untouched: {other}. Rename it (ALTER "
                "TABLE ... RENAME COLUMN): this version has a column of that name"
            )

    def drop_expired_history(self, days: int, event_days: int, *, wait: float = RELATION_WAIT) -> list[str]:
        """Drops the weeks of k8s_changes that ended so many days ago, and of k8s_past_events; returns their names.

        Raises `StoreError` where someone is still reading one after `wait` seconds; it goes the next time.
        """
        with explained("dropping old history", self.connection):
            ((before,),) = self.connection.execute("SHOW lock_timeout").fetchall()
            self._set("lock_timeout", str(int(wait * 1000)))
            try:
                events = drop_expired(self.connection, PAST_EVENTS, event_days)
                return [*events, *drop_expired(self.connection, CHANGES, days)]
            finally:
                self._set("lock_timeout", before)

    def forget_old_runs(self, days: int, *, seconds: float = 10.0) -> None:
        """Deletes attempts that ended so many days ago, and before the history of their targets; what is not done in
        `seconds` is done the next time. Raises `StoreError`."""
        end = time.monotonic() + seconds
        with explained("deleting old attempts", self.connection):
            while self.connection.execute(sql("forget_old_runs"), {"days": days}).rowcount > 0:
                if time.monotonic() > end:
                    return

    def forget_old_answers(self, days: int) -> None:
        """Deletes counts of hits that are so many days old. Raises `StoreError`."""
        with explained("deleting old counts"):
            self.run("forget_old_answers", {"days": days})

    # -- contexts and runs ---------------------------------------------------------------------------

    def mark_configured(self, contexts: Iterable[str], *, source: str = "", are_all: bool = True) -> list[str]:
        """Notes which contexts a source has in its configuration now; returns those that are newly gone.

        Their rows stay. Gone is what this source had, and no other has. One without a name has what no named one has.
        None is gone where it is not known whether these `are_all`.
        """
        configured = {"contexts": list(contexts), "source": source, "are_all": are_all}
        with explained("marking contexts", self.connection), self.connection.transaction():
            self.run("sources_lock")
            changed = self.rows("contexts_configured", configured)
        return sorted(row["context_name"] for row in changed if row["unconfigured_since"] is not None)

    def cluster_of(self, context_name: str) -> dict[str, Any] | None:
        """cluster_uid, server and ca_fingerprint that a context led to last."""
        with explained("reading contexts"):
            found = self.rows("context_state", {"context_name": context_name})
        return found[0] if found else None

    def cluster_seen(self, context_name: str, *, repointed: bool, **columns: Any) -> bool:
        """Notes where a context leads; `columns` are those of k8s_sync_contexts.

        Returns whether its version is settled: whether it is long since the cluster was of another one.
        """
        with explained("writing contexts"), self.connection.transaction():
            if repointed:
                self.run("context_repointed", {"context_name": context_name})
            found = self.rows("context_seen", {"context_name": context_name, "repointed": repointed, **columns})
        return bool(found[0]["is_settled"])

    def changed_targets(self, contexts: Sequence[str]) -> list[dict[str, Any]]:
        """context_name, kind, changed_at (as text) and history_rules of the targets of which changes are noted."""
        with explained("reading the history"):
            return self.rows("changed_targets", {"contexts": list(contexts)})

    def changes_since(self, spans: Sequence[Mapping[str, Any]], *, most: int) -> Iterator[list[dict[str, Any]]]:
        """Rows of k8s_changes, so many at once; each span is a context_name, plural, group, after and until."""
        with explained("reading the history"), self.connection.transaction():
            with self.connection.cursor("changes", row_factory=dict_row) as cursor:
                cursor.execute(sql("changes_since"), {"spans": Jsonb(list(spans))})
                while rows := cursor.fetchmany(most):
                    yield rows

    def known_contexts(self) -> list[str]:
        with explained("reading contexts"):
            found = self.connection.execute("SELECT DISTINCT context_name FROM k8s_sync_targets ORDER BY 1").fetchall()
        return [row[0] for row in found]

    def known_kinds(self, context_name: str) -> list[dict[str, Any]]:
        """The kinds that were tried on a context: `kind`, the name that `k8s_sync_status` has for it; whether it
        `is_gone`, and has no rows; the `history_rules` of its target; and what a custom one is `called`, if known."""
        with explained("reading kinds"):
            return self.rows("known_kinds", {"context_name": context_name})

    def revisions(self, context_name: str) -> dict[str, GoesOn]:
        """By kind, from where watches of a context may go on."""
        with explained("reading revisions"):
            found = self.rows("revisions", {"context_name": context_name, "verify_days": VERIFY_DAYS})
        return {
            row["kind"]: GoesOn(
                Revision(row["revision"], row["read_by"], row["api_servers"], row["definition"]),
                row["verify_due"],
                row["has_bookmarks"],
                row["age"],
            )
            for row in found
        }

    def watched_quietly(
        self,
        watched: Sequence[Mapping[str, Any]],
        *,
        run_id: str,
        attempt: int,
        invocation: str,
        mode: str,
        context_name: str,
    ) -> dict[str, tuple[int, int]]:
        """Notes of whole targets that a watch came to a revision without anything to store: `kind`, `since`,
        `revision`, `read_by`, `api_servers`, `keeps_history`, `id` of an attempt to go on with or None, `seconds`,
        `age` of the instant as of which they are exact, and `bytes`.

        Returns by kind the id of the attempt and how many objects there are, without those that another writer was at
        in the meantime.
        """
        of_task = {"run_id": run_id, "attempt": attempt, "invocation": invocation, "mode": mode}
        of_task |= {"context_name": context_name, "watched": Jsonb(list(watched))}
        with explained("noting what was watched"):
            return {row["kind"]: (row["id"], row["objects"]) for row in self.rows("watched_quietly", of_task)}

    def note_no_bookmarks(self, context_name: str, kind: str) -> None:
        """Notes that a brief watch of the target was not told how far it was: until it is verified, it is listed."""
        with explained("noting what was watched"):
            self.run("note_no_bookmarks", {"context_name": context_name, "kind": kind})

    def note_busy(self, **attempt: Any) -> None:
        """Notes an attempt that found another at work: run_id, attempt, invocation, mode, context_name, kind, scope,
        error."""
        with explained("writing the run"):
            self.run("note_busy", {**attempt, "error": printable(attempt["error"])})

    def versions_read(self, context_name: str) -> dict[str, str]:
        """The version in which the rows of each custom kind were read, by its name; only where it is one for all."""
        with explained("reading kinds"):
            return {row["kind"]: row["version"] for row in self.rows("versions_read", {"context_name": context_name})}

    def dead_in_run(
        self, *, run_id: str, attempt: int, invocation: str = "", context_name: str
    ) -> dict[str, Any] | None:
        """`outcome`, `error` and `retryable` of a task of this run that has found the context dead already."""
        of_task = {"run_id": run_id, "attempt": attempt, "invocation": invocation, "context_name": context_name}
        with explained("reading the run"):
            found = self.rows("dead_in_run", of_task)
        return found[0] if found else None

    def discovery(
        self, *, run_id: str, invocation: str = "", context_name: str, definitions: str | None = None
    ) -> Any | None:
        """What `discovered` noted for this run, or of these definitions, in JSON's terms; None if nothing was."""
        of_run = {"run_id": run_id, "invocation": invocation, "context_name": context_name, "definitions": definitions}
        with explained("reading the run"):
            found = self.rows("discovery", of_run)
        return found[0]["found"] if found else None

    def discovered(
        self,
        found: Any,
        *,
        run_id: str,
        invocation: str = "",
        context_name: str,
        definitions: str | None = None,
    ) -> None:
        """Notes what a context serves for the other tasks of the run, and for others as long as its `definitions` are
        these."""
        of_run = {"run_id": run_id, "invocation": invocation, "context_name": context_name, "definitions": definitions}
        with explained("writing the run"):
            self.run("discovered", {**of_run, "found": Jsonb(found)})

    def end_lost(
        self, *, run_id: str, attempt: int, invocation: str = "", context_name: str, kind: str, error: str
    ) -> bool:
        """Ends the attempt on a target whose session was lost, as failed; returns whether it had begun."""
        of_task = {"run_id": run_id, "attempt": attempt, "invocation": invocation}
        with explained("writing the run"):
            found = self.rows(
                "end_lost", {**of_task, "context_name": context_name, "kind": kind, "error": printable(error)}
            )
        return bool(found)

    def run_report(self, run_id: str, invocation: str = "") -> list[dict[str, Any]]:
        """The last attempt of each target of a run: context_name, kind, outcome, objects, ...; and of all its attempts
        what `changed` and was `deleted`, and what had before, since the target was last complete (`changed_before`).

        `invocation`: of the tasks alone whose own begins so.
        """
        with explained("reading the run"):
            return self.rows("run_report", {"run_id": run_id, "invocation": invocation})

    def figures(
        self, targets: Sequence[tuple[str, str]], *, run: Mapping[str, Any], most: float
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        """What the attempts of one task on these targets (context, kind) came to, the ages of all targets of their
        contexts, and the objects in the tables of their kinds.

        `run`: the task, as `Run.task` has it. `most`: seconds that each of the three may take.
        """
        contexts, kinds = (list({target[at] for target in targets}) for at in (0, 1))
        tables = {KINDS.get(kind, CUSTOM_OBJECTS).name: KINDS.get(kind, CUSTOM_OBJECTS) for kind in kinds}
        asked = {**run, "contexts": contexts, "kinds": kinds}
        with explained("reading the figures of a task"), self.connection.transaction():
            self.run("take_at_most", {"milliseconds": int(most * 1000)})
            attempts, ages = self.rows("ended_attempts", asked), self.rows("ages", asked)
            with self.connection.cursor(row_factory=dict_row) as cursor:
                counted = cursor.execute(statements.view("rows_counted", list(tables.values())), asked).fetchall()
        return attempts, ages, counted

    def changes_of_run(self, run_id: str, most: int | None) -> list[dict[str, Any]]:
        """What the history has of a run: context_name, kind, group, change (created, updated, deleted), namespace, name
        and columns of no more than `most` changes of each sort, beside how many `changes` of it there are."""
        with explained("reading what changed in the run"):
            return self.rows("changes_of_run", {"run_id": run_id, "most": most})


def _made_of(kinds: Sequence[Kind]) -> dict[str, str]:
    """The DDL of what is made again whenever it changes, by its name: functions, tables, then the views over them."""
    if not kinds:
        return {}
    functions = {
        "k8s_selects": statements.sql("selectors"),
        "k8s_owner": statements.sql("references"),
        "k8s_to_text": statements.sql("casts"),
        "k8s_former": statements.sql("history"),
        "k8s_not_known": statements.sql("answers"),
        "k8s_pod_security": statements.sql("pod_security"),
    }
    tables = {kind.table: statements.kind_table(kind) for kind in kinds}
    tables |= {kind.kept_in: statements.kept_table(kind) for kind in kinds if kind.kept_in}
    views = {"k8s_objects": statements.view("objects_view", kinds)}
    if len(kinds) == len(TABLES):
        views["k8s_owner_chain"] = statements.view("owner_views", kinds)
        views["k8s_edges"] = statements.view("edges_view", kinds)
        views["k8s_grants"] = statements.sql("answer_views")
        views["k8s_event_history"] = statements.sql("event_history")
    return {**functions, **tables, **views}


def _refuse_newer(applied: set[int], declared: Mapping[str, str]) -> None:
    """Raises `StoreError` where a later version than this one made the schema what it is."""
    newer = applied - {version for version, _, _ in statements.migrations()}
    by = declared.get(_MADE_BY, "")
    if newer or _as_numbers(by) > _as_numbers(__version__):
        made = f"migration {max(newer)}" if newer else f"{by}, and this is {__version__}"
        raise StoreError(f"the database was upgraded by a newer k8s-inventory ({made}): upgrade this one")


def _as_numbers(version: str) -> list[int]:
    """Those before what is no release; none of what is no version."""
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(each) for each in found[0].split(".")] if found else []


def _rows_of(custom: str) -> str:
    """What is said of a kind whose rows are to be moved."""
    return f"rows of {custom}"


def _hashed(ddl: str) -> str:
    """What the database records of it."""
    return hashlib.sha256(ddl.encode()).hexdigest()
