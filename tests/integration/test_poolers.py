"""PgBouncer: with session pooling all works; with others nothing is begun, and nothing is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, StoreError, database, forget_context
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.equality import assert_table_equals_cluster, query_rows
from tests.pooler import pooler

LEFT = """SELECT activity.pid, lock.locktype, class.relname
    FROM pg_stat_activity AS activity
    LEFT JOIN pg_locks AS lock ON activity.pid = lock.pid AND lock.locktype = 'advisory'
    LEFT JOIN pg_class AS class
        ON starts_with(class.relnamespace::regnamespace::text, 'pg_temp') AND starts_with(class.relname, 'k8s')
    WHERE activity.datname = current_database() AND activity.pid <> pg_backend_pid()
        AND (lock.pid IS NOT NULL OR class.oid IS NOT NULL)"""
LOCKS = """SELECT pid FROM pg_locks WHERE locktype = 'advisory'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def test_session_pooling_serves_one_sync_after_another(
    store: Store, database_url: str, cluster: Cluster, context_of: Callable[..., Context], sync: Callable[..., Result]
) -> None:
    with pooler(database_url, mode="session", default_pool_size=2) as url:
        pids = set()
        with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as two:
            for other in (one, two):
                other.execute("CREATE TEMPORARY TABLE k8s_staged AS SELECT 1")
        for _ in range(3):
            with Store.connect(url) as pooled:
                assert sync(context_of(cluster), "pods", into=pooled).attempt.outcome == "complete"
                assert_table_equals_cluster(pooled, cluster, "pods")
                pids |= {row["pid"] for row in query_rows(pooled, "SELECT pg_backend_pid() AS pid")}
        assert len(pids) < 3, "a session of the server was used again"


def test_a_session_pool_with_one_session_left_keeps_nobody_waiting(store: Store, database_url: str) -> None:
    with pooler(database_url, mode="session", default_pool_size=1) as url:
        start = time.monotonic()
        Store.connect(url).close()
        assert time.monotonic() - start < 25


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("round_robin", [0, 1])
def test_what_is_no_session_pooling_is_refused_before_anything_is_left(
    store: Store, database_url: str, mode: str, size: int, round_robin: int
) -> None:
    with pooler(database_url, mode=mode, default_pool_size=size, server_round_robin=round_robin) as url:
        for _ in range(3):
            with pytest.raises(StoreError, match="pool_mode = transaction.*docs/postgresql.md"):
                Store.connect(url)
        assert query_rows(store, LEFT) == []
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SHOW row_security").fetchone() == ("on",), "the next client's settings"
    assert query_rows(store, "SELECT * FROM k8s_sync_locks") == []


def test_transaction_pooling_is_found_among_other_clients(store: Store, database_url: str) -> None:
    stopped = threading.Event()

    def work(url: str) -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            while not stopped.is_set():
                connection.execute("SELECT pg_sleep(random() / 100)")

    with pooler(database_url, mode="transaction", default_pool_size=4) as url:
        threads = [threading.Thread(target=work, args=[url]) for _ in range(3)]
        for each in threads:
            each.start()
        try:
            for _ in range(10):
                with pytest.raises(StoreError, match="pool_mode = transaction"):
                    Store.connect(url)
        finally:
            stopped.set()
            for each in threads:
                each.join()
        assert query_rows(store, LEFT) == []


def test_a_pooler_that_was_not_found_out_is_found_by_the_first_lock_and_keeps_none(
    store: Store,
    database_url: str,
    cluster: Cluster,
    context_of: Callable[..., Context],
    sync: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Others may be at it whenever a session of ours looks; each statement then reaches another one."""
    assert sync(context_of(cluster), "pods").attempt.outcome == "complete"
    monkeypatch.setattr(database, "refuse_shared", lambda *_: None)
    with pooler(database_url, mode="transaction", default_pool_size=3, server_round_robin=1) as url:
        warm = [psycopg.connect(url, autocommit=True) for _ in range(3)]
        for each in warm:
            each.execute("BEGIN")
        for each in warm:
            each.execute("COMMIT")
            each.close()
        for _ in range(4):
            with Store.connect(url) as pooled:
                with pytest.raises(StoreError, match="lock is not held.*pool_mode = transaction.*nothing was changed"):
                    sync(context_of(cluster), "pods", into=pooled)
                with pytest.raises(StoreError, match="pool_mode = transaction"):
                    forget_context(pooled, "test", wait=5)
        assert query_rows(store, LOCKS) == []
    assert query_rows(store, "SELECT * FROM k8s_sync_locks") == []
    assert_table_equals_cluster(store, cluster, "pods")
