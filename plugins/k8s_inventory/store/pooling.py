"""Poolers between us and the server: one that gives each transaction another session of the server is of no use to us.

Locks, temporary tables and settings would be left in sessions of others. So this is found out before there are any.
"""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from k8s_inventory.store.refusals import SHARED, StoreError

_ROUNDS = 10
"""Others may be at the pooler, too, and have the session of the server just when we look for it: beside three of them
that never rest one look in five sees nothing."""
_PATIENCE = 2.0
"""Seconds for a session of the server. A pooler that has none left lets us wait: who waits beside us, while we are at
nothing, shows that ours is held for us."""
_REFUSED = -1


def refuse_shared(connection: psycopg.Connection[Any], pid: int) -> None:
    """Raises `StoreError` where this session of ours has no session of the server to itself; `pid` was its first one's.

    A session of the server tells its pid when it begins, and a pooler makes one up. Behind a pooler a transaction is
    held open beside this session: it has the same one, or this session gets another, unless it keeps its own.
    """
    if pid == connection.info.backend_pid:
        return
    for _ in range(_ROUNDS):
        try:
            other = psycopg.connect(**_same_place(connection))
        except psycopg.Error:  # no more are let in: what is written checks its lock all the same
            return
        try:
            beside = _answer(other, b"BEGIN; SELECT pg_backend_pid()")
            if beside is None:
                return
            if beside in (pid, _REFUSED) or _answer(connection, b"SELECT pg_backend_pid()") != pid:
                raise StoreError(f"database: {SHARED}; nothing was locked or changed")
        finally:
            other.close()


def _same_place(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """How to connect to where the connection leads, which may be one of several hosts."""
    info = connection.info
    place: dict[str, Any] = {**info.get_parameters(), "host": info.host, "port": info.port, "connect_timeout": 5}
    if "hostaddr" in place:
        place["hostaddr"] = info.hostaddr
    return {**place, "password": info.password} if info.password else place


def _answer(connection: psycopg.Connection[Any], query: bytes) -> int | None:
    """The number that the last statement returns; None where no session of the server can be had in time."""
    pgconn, end = connection.pgconn, time.monotonic() + _PATIENCE
    pgconn.send_query(query)
    pgconn.flush()
    found, come = _REFUSED, select.poll()
    come.register(pgconn.socket, select.POLLIN)
    while come.poll(max(end - time.monotonic(), 0) * 1000):
        try:
            pgconn.consume_input()
        except psycopg.OperationalError:  # a pooler that gives each statement another session ends it at BEGIN
            return _REFUSED
        while not pgconn.is_busy():
            if (result := pgconn.get_result()) is None:
                return found
            if result.status == ExecStatus.TUPLES_OK:
                found = int(result.get_value(0, 0) or _REFUSED)
    return None
