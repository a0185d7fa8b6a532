"""The connection, the schema in it, and what concerns no single target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from k8s_inventory.kinds import TABLES, Kind
from k8s_inventory.store import statements
from k8s_inventory.store.errors import StoreError, explained
from k8s_inventory.store.statements import sql

MINIMUM_VERSION = 150000
_SCHEMA_LOCK = "hashtextextended('k8s-inventory schema', 0)"
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def connection_parameters(database_url: str) -> dict[str, Any]:
    """A DATABASE_URL taken apart. Raises `StoreError`, which does not repeat it: it holds the password."""
    try:
        if "://" in database_url and not database_url.startswith(("postgresql://", "postgres://")):
            raise psycopg.ProgrammingError
        return conninfo_to_dict(database_url)
    except psycopg.Error:
        raise StoreError(
            "DATABASE_URL is malformed: it must look like postgresql://user:password@host:5432/database "
            "(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING)"
        ) from None


class Store:
    """A session with the inventory's database; not to be shared between threads.

    The connection is put in autocommit, so that no transaction stays open during a listing, and closed
    with the store. `schema` is where the tables are; by default the first of the search path.
    """

    def __init__(self, connection: psycopg.Connection[Any], *, schema: str | None = None) -> None:
        self.connection = connection
        with explained("database"):
            connection.autocommit = True
            with suppress(errors.InvalidParameterValue):  # not every operating system can
                # A server that loses its client in the middle of a statement lets go of its locks in time.
                connection.execute("SELECT set_config('client_connection_check_interval', '10s', false)")
            with suppress(errors.InvalidParameterValue):  # not every build has it
                # Compressing objects by the default, pglz, takes a third of the time that it takes to store them.
                connection.execute("SELECT set_config('default_toast_compression', 'lz4', false)")
            connection.execute("SELECT set_config('timezone', 'UTC', false)")
            # The staging of some thousand objects then stays in memory; must be set before it is made.
            connection.execute("SELECT set_config('temp_buffers', '32MB', false)")
            if schema is not None:
                connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", [schema])
        self.schema = schema
        if connection.info.server_version < MINIMUM_VERSION:
            raise StoreError(
                f"PostgreSQL 15 or newer is needed, the server is {connection.info.server_version // 10000}"
            )

    @classmethod
    def connect(cls, database_url: str, *, schema: str | None = None, connect_timeout: int = 10) -> Store:
        parameters = {**_KEEPALIVE, "connect_timeout": connect_timeout, **connection_parameters(database_url)}
        with explained("database"):
            connection = psycopg.connect(**parameters)
        return cls(connection, schema=schema)

    def close(self) -> None:
        self.connection.close()

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

    # -- schema ------------------------------------------------------------------------------------

    def migrate(self, kinds: Iterable[Kind] = TABLES) -> list[str]:
        """Makes or upgrades the tables; returns what it did. Safe to run twice, or from two tasks at once."""
        kinds = list(kinds)
        with explained("making the schema"):
            if self.schema is not None:
                self._create_schema(self.schema)
            if not self._pending(kinds):
                return []
            # The lock comes before the transaction: within one, the server may answer from what it has cached of
            # the catalogue, and miss the tables that the task before us has just made.
            with self.schema_locked(), self.connection.transaction():
                return self._apply(kinds)

    @contextmanager
    def schema_locked(self) -> Iterator[None]:
        """One session at a time may change the schema."""
        with explained("locking the schema"):
            self.connection.execute(f"SELECT pg_advisory_lock({_SCHEMA_LOCK})")
        try:
            yield
        finally:
            with suppress(psycopg.Error):  # a lost session has lost its locks
                self.connection.execute(f"SELECT pg_advisory_unlock({_SCHEMA_LOCK})")

    def check_schema(self, kinds: Iterable[Kind] = TABLES) -> None:
        """Raises `StoreError` if `migrate` has something to do."""
        with explained("reading the schema"):
            pending = self._pending(list(kinds))
        if pending:
            raise StoreError(
                f"the database lacks {', '.join(pending)}: run the DAG's task `plan`, which makes the schema"
            )

    def _create_schema(self, schema: str) -> None:
        found = self.connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone()
        if not found:
            name = statements.identifier(schema)
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")

    def _pending(self, kinds: Sequence[Kind]) -> list[str]:
        """What is still to be made: names of migrations and of tables."""
        state = self.rows("schema_state")[0]
        if state["schema_name"] is None:
            raise StoreError("the connection's search path leads to no schema: set `schema`, or create the schema")
        applied, declared = self._made(state)
        known = statements.migrations()
        newer = applied - {version for version, _, _ in known}
        if newer:
            raise StoreError(
                f"the database was upgraded by a newer k8s-inventory (migration {max(newer)}): upgrade this one"
            )
        missing = [name for version, name, _ in known if version not in applied]
        return missing + [name for name, ddl in _made_of(kinds).items() if declared.get(name) != _hashed(ddl)]

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
        self._refuse_foreign_tables(kinds, applied, declared)
        self.run("schema_bookkeeping")
        for version, name, text in statements.migrations():
            if version in applied:
                continue
            self.connection.execute(text)
            self.connection.execute(
                "INSERT INTO k8s_schema_migrations (version, name) VALUES (%s, %s)", [version, name]
            )
            done.append(name)
        for name, ddl in _made_of(kinds).items():
            if declared.get(name) == _hashed(ddl):
                continue
            self.connection.execute(ddl)
            self.connection.execute(
                "INSERT INTO k8s_schema_tables (table_name, declaration) VALUES (%s, %s) ON CONFLICT (table_name) "
                "DO UPDATE SET declaration = excluded.declaration, changed_at = now()",
                [name, _hashed(ddl)],
            )
            done.append(name)
        return done

    def _refuse_foreign_tables(self, kinds: Sequence[Kind], applied: set[int], declared: Mapping[str, str]) -> None:
        ours = {name for name in _made_of(kinds) if name not in declared}
        if not applied:
            ours |= {"k8s_sync_runs", "k8s_sync_targets", "k8s_sync_contexts", "k8s_sync_status", "k8s_clusters"}
        query = (
            "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE nspname = current_schema() AND relname = ANY(%s)"
        )
        foreign = sorted(row[0] for row in self.connection.execute(query, [sorted(ours)]))
        if foreign:
            raise StoreError(
                f"{', '.join(foreign)} in this schema was not made by k8s-inventory and stays untouched: rename it, "
                "or choose another schema (setting `schema`)"
            )

    # -- contexts and runs ---------------------------------------------------------------------------

    def mark_configured(self, contexts: Iterable[str]) -> list[str]:
        """Notes which contexts are configured now; returns those that are newly gone. Their rows stay."""
        with explained("marking contexts"):
            changed = self.rows("contexts_configured", {"contexts": list(contexts)})
        return sorted(row["context_name"] for row in changed if row["unconfigured_since"] is not None)

    def known_contexts(self) -> list[str]:
        with explained("reading contexts"):
            found = self.connection.execute("SELECT DISTINCT context_name FROM k8s_sync_targets ORDER BY 1").fetchall()
        return [row[0] for row in found]

    def known_kinds(self, context_name: str) -> list[str]:
        """The kinds that may have rows of a context, by the names that `k8s_sync_status` has for them."""
        with explained("reading kinds"):
            return [row["kind"] for row in self.rows("known_kinds", {"context_name": context_name})]

    def unreachable_in_run(self, *, run_id: str, attempt: int, context_name: str) -> str | None:
        """The error of a task of this run that has found the context dead already."""
        with explained("reading the run"):
            found = self.rows(
                "unreachable_in_run", {"run_id": run_id, "attempt": attempt, "context_name": context_name}
            )
        return found[0]["error"] if found else None

    def discovery(self, *, run_id: str, context_name: str) -> Any | None:
        """What `discovered` noted for this run, in JSON's terms; None if nothing was."""
        with explained("reading the run"):
            found = self.rows("discovery", {"run_id": run_id, "context_name": context_name})
        return found[0]["found"] if found else None

    def discovered(self, found: Any, *, run_id: str, context_name: str) -> None:
        """Notes what a context serves for the other tasks of the run."""
        with explained("writing the run"):
            self.run("discovered", {"run_id": run_id, "context_name": context_name, "found": Jsonb(found)})

    def run_report(self, run_id: str) -> list[dict[str, Any]]:
        """The last attempt of each target of a run: context_name, kind, outcome, objects, changed, ..."""
        with explained("reading the run"):
            return self.rows("run_report", {"run_id": run_id})


def _made_of(kinds: Sequence[Kind]) -> dict[str, str]:
    """The DDL of what is made again whenever it changes, by its name: functions, tables, then the views over them."""
    if not kinds:
        return {}
    functions = {
        "k8s_selects": statements.sql("selectors"),
        "k8s_owner": statements.sql("references"),
        "k8s_to_text": statements.sql("casts"),
    }
    tables = {kind.table: statements.kind_table(kind) for kind in kinds}
    views = {"k8s_objects": statements.view("objects_view", kinds)}
    if len(kinds) == len(TABLES):
        views["k8s_owner_chain"] = statements.view("owner_views", kinds)
        views["k8s_edges"] = statements.view("edges_view", kinds)
    return {**functions, **tables, **views}


def _hashed(ddl: str) -> str:
    """What the database records of it."""
    return hashlib.sha256(ddl.encode()).hexdigest()
