"""Read-only sessions with the inventory's database, a bounded number of them, each with a time limit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from k8s_inventory.store import Store, StoreError
from k8s_inventory.store.statements import environment

Row = dict[str, Any]
Rows = list[Row]

SESSIONS = 8
MOST_ASKING = 24
"""Requests that have a session or wait for one. The api-server has 40 threads, and Airflow's own pages need some."""
WAIT = 5.0
"""Seconds to wait for one of the sessions to be free."""
SECONDS = 10
"""Seconds that a statement of a page may take, where it does not say otherwise."""


class Busy(Exception):
    """All sessions are in use, and have been for `WAIT` seconds, or too many wait already."""


class Snapshot:
    """What one page reads: all of it of one moment."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def rows(self, name: str, parameters: Mapping[str, Any] | None = None, **rendered: Any) -> Rows:
        """The rows of a statement of include/sql/web. Values are bound; only our own names are rendered."""
        text = _constant(name) if not rendered else environment().get_template(f"web/{name}.sql").render(rendered)
        return self.run(text, parameters)

    def run(self, text: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(text.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def at_most(self, seconds: float) -> None:
        """Bounds the statements that come, in this snapshot."""
        self.connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])


class Reader:
    """Hands out snapshots. `connect` makes a session; `role`, where there is one, is taken on in each."""

    def __init__(self, connect: Callable[[], Store], role: str | None = None) -> None:
        self._connect = connect
        self._role = role
        self._idle: queue.LifoQueue[Store] = queue.LifoQueue()
        self._free = threading.BoundedSemaphore(SESSIONS)
        self._asking = threading.BoundedSemaphore(MOST_ASKING)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Raises `Busy`, `StoreError` where there is no database, and psycopg's errors of what is run."""
        with _one_of(self._asking, 0), _one_of(self._free, WAIT):
            store = self._session()
            try:
                with store.connection.transaction():
                    yield Snapshot(store.connection)
            finally:
                if store.is_lost:
                    store.close()
                else:
                    self._idle.put(store)

    def close(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _session(self) -> Store:
        with suppress(queue.Empty):
            while True:
                store = self._idle.get_nowait()
                try:  # the server may have been started anew since
                    store.connection.execute("SELECT 1")
                    return store
                except psycopg.Error:
                    store.close()
        store = self._connect()
        try:
            for name, value in self._restrictions().items():
                store.connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        except (errors.InvalidParameterValue, errors.InsufficientPrivilege):
            store.close()
            raise StoreError(
                f"K8S_PAGE_ROLE: there is no role {self._role!r}, or the page's login is not granted it"
            ) from None
        except BaseException:
            store.close()
            raise
        return store

    def _restrictions(self) -> dict[str, str]:
        """The role comes last: what it may not set is set by then."""
        return {
            "default_transaction_read_only": "on",
            "default_transaction_isolation": "repeatable read",
            "statement_timeout": str(SECONDS * 1000),
            "idle_in_transaction_session_timeout": "30000",
            "lock_timeout": "2000",
            "timezone": "UTC",
            # Compiling a statement over all tables takes longer than running it.
            "jit": "off",
            **({"role": self._role} if self._role else {}),
        }


@contextmanager
def _one_of(places: threading.Semaphore, wait: float) -> Iterator[None]:
    if not places.acquire(timeout=wait):
        raise Busy
    try:
        yield
    finally:
        places.release()


@cache
def _constant(name: str) -> str:
    return environment().get_template(f"web/{name}.sql").render()
