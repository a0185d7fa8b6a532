"""A context that is forgotten while others write it: all of it goes, or one of them waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest

from k8s_inventory.kinds import KINDS, TABLES
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, StoreError, Target, TargetBusy, forget_context
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.equality import assert_table_equals_cluster, query_rows, rows_of, status_of
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]
LAST = KINDS["deviceclasses"]


@contextmanager
def _forgetting(database_url: str, name: str, *, wait: float = 30) -> Iterator[Future[dict[str, int]]]:
    """Forgets the context in another session, which must have begun to."""

    def forget() -> dict[str, int]:
        with Store.connect(database_url) as own:
            return forget_context(own, name, wait=wait)

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(forget)


def _until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def _flag(store: Store) -> list[dict[str, object]]:
    return query_rows(store, "SELECT pid FROM k8s_sync_locks WHERE kind = ''")


def _left(store: Store, context: str) -> dict[str, int]:
    """The tables that have rows of the context, and how many."""
    system = ("runs", "targets", "parts", "discoveries", "contexts", "locks")
    names = [*(kind.table for kind in TABLES), *(f"k8s_sync_{name}" for name in system)]
    query = "SELECT count(*) AS rows FROM {} WHERE context_name = %s"
    counts = {name: query_rows(store, query.format(name), context)[0]["rows"] for name in names}
    return {name: count for name, count in counts.items() if count}


def test_a_sync_that_begins_while_its_context_is_forgotten_waits(
    cluster: Cluster, store: Store, database_url: str, sync: Sync, context_of: ContextOf
) -> None:
    context = context_of(cluster)
    sync(context, "pods")
    with Store.connect(database_url) as holder, _locked_until_left(holder, LAST) as let_go:
        with _forgetting(database_url, "test") as forgotten:
            _until(lambda: _flag(store))
            with pytest.raises(
                TargetBusy, match=r"context test, pods: .*forgets the context \(database session \d+ of"
            ):
                sync(context, "pods", lock_wait=0.5)
            with ThreadPoolExecutor(1) as pool, Store.connect(database_url) as own:
                later = pool.submit(sync, context, "services", into=own)
                time.sleep(0.5)
                assert not forgotten.done()
                assert not later.done()
                let_go()
                assert forgotten.result(30)["k8s_pods"] > 0
                assert later.result(30).attempt.outcome == "complete"
    assert rows_of(store, "pods") == 0
    assert_table_equals_cluster(store, cluster, "services")
    assert status_of(store, "services")["outcome"] == "complete"


@contextmanager
def _locked_until_left(holder: Store, kind: object) -> Iterator[Callable[[], None]]:
    """A target of the context that somebody writes, until what is yielded is called."""
    lock = Target.locked(holder, kind, "test")  # type: ignore[arg-type]
    lock.__enter__()
    left = threading.Event()

    def let_go() -> None:
        if not left.is_set():
            left.set()
            lock.__exit__(None, None, None)

    try:
        yield let_go
    finally:
        let_go()


def test_a_sync_that_runs_ends_before_its_context_is_forgotten(
    cluster: Cluster, proxy: Proxy, store: Store, database_url: str, sync: Sync
) -> None:
    sync(proxy.context, "services")
    with ThreadPoolExecutor(1) as pool:
        futures: list[Future[dict[str, int]]] = []

        def forget() -> dict[str, int]:
            with Store.connect(database_url) as own:
                return forget_context(own, "proxied")

        def spoil(path: str, real: Answer) -> Answer | None:
            if "/pods?" in path and not futures:
                futures.append(pool.submit(forget))
                time.sleep(1.5)
                assert not futures[0].done()
            return None

        proxy.spoil = spoil
        assert sync(proxy.context, "pods").attempt.outcome == "complete"
        deleted = futures[0].result(30)
    assert deleted["k8s_pods"] > 0
    assert deleted["k8s_services"] > 0
    assert _left(store, "proxied") == {}


def test_a_writer_that_does_not_end_is_named_and_nothing_is_forgotten(
    cluster: Cluster, store: Store, database_url: str, sync: Sync, context_of: ContextOf
) -> None:
    for kind in ("pods", "services"):
        sync(context_of(cluster), kind)
    with Store.connect(database_url) as other, Target.locked(other, KINDS["services"], "test") as writing:
        writing.begin(run_id="a-long-run", attempt=2)
        before = _left(store, "test")
        with pytest.raises(
            TargetBusy, match=r"forgetting test: services is still being written by run a-long-run \(attempt 2, since"
        ):
            forget_context(store, "test", wait=0.5)
        assert _left(store, "test") == before
        assert sync(context_of(cluster), "pods").attempt.outcome == "complete"


def test_two_at_once_forget_it_once(
    cluster: Cluster, store: Store, database_url: str, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(cluster), "pods")
    with Store.connect(database_url) as holder, _locked_until_left(holder, LAST) as let_go:
        with _forgetting(database_url, "test") as first:
            _until(lambda: _flag(store))
            with pytest.raises(TargetBusy, match="forgetting test: another task is at it"):
                forget_context(store, "test", wait=0.3)
            with _forgetting(database_url, "test") as second:
                time.sleep(0.5)
                assert not second.done()
                let_go()
                assert first.result(30)["k8s_pods"] > 0
                with pytest.raises(StoreError, match="context test is not in the inventory; there is: none"):
                    second.result(30)
    assert _left(store, "test") == {}


def test_all_of_it_goes_whatever_targets_are_known(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    """As rows are that an older version left when it forgot a context that was being written."""
    sync(context_of(cluster), "pods")
    sync(context_of(cluster, name="another"), "pods")
    store.connection.execute(
        """
        INSERT INTO k8s_custom_objects (
            context_name, uid, name, resource_version, api_version, labels, annotations, owner_references,
            finalizers, "group", plural, kind, version, printer_columns
        )
        VALUES ('test', 'u', 'x', '1', 'v1', '{}', '{}', '[]', '{}', 'shop.example', 'gone', 'Gone', 'v1', '{}')
        """
    )
    store.connection.execute("INSERT INTO k8s_sync_locks VALUES ('test', 'pods', 1, 1)")  # of a task that was killed
    store.connection.execute("DELETE FROM k8s_sync_targets WHERE context_name = 'test'")
    store.connection.execute("DELETE FROM k8s_sync_contexts WHERE context_name = 'test'")
    deleted = forget_context(store, "test")
    assert deleted["k8s_custom_objects"] == 1
    assert deleted["k8s_pods"] > 0
    assert _left(store, "test") == {}
    assert_table_equals_cluster(store, cluster, "pods", context="another")
    with pytest.raises(StoreError, match="context test is not in the inventory; there is: another"):
        forget_context(store, "test")


def test_what_is_refused_on_the_way_leaves_all_of_it(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(cluster), "pods")
    store.connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''kept''; END'"
    )
    store.connection.execute(
        "CREATE TRIGGER refuse BEFORE DELETE ON k8s_sync_contexts FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    before = _left(store, "test")
    with pytest.raises(StoreError, match="forgetting test: kept"):
        forget_context(store, "test")
    assert _left(store, "test") == before


def test_who_was_killed_while_forgetting_keeps_nobody_waiting(
    cluster: Cluster, store: Store, database_url: str, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(cluster), "pods")
    with Store.connect(database_url) as holder, _locked_until_left(holder, LAST) as let_go:
        with _forgetting(database_url, "test") as forgotten:
            _until(lambda: _flag(store))
            store.connection.execute("SELECT pg_terminate_backend(pid) FROM k8s_sync_locks WHERE kind = ''")
            with pytest.raises(StoreError):
                forgotten.result(30)
        assert sync(context_of(cluster), "pods", lock_wait=0).attempt.outcome == "complete"
        let_go()
    assert forget_context(store, "test", wait=1)["k8s_pods"] > 0
    assert _left(store, "test") == {}


def test_rows_have_a_status_whatever_ran_at_once(
    cluster: Cluster, store: Store, database_url: str, sync: Sync, context_of: ContextOf
) -> None:
    context, names = context_of(cluster), ("pods", "services", "deployments", "configmaps")
    end = time.monotonic() + 8
    failures: list[Exception] = []

    def work(name: str) -> None:
        with Store.connect(database_url) as own:
            while time.monotonic() < end:
                try:
                    sync(context, name, into=own)
                except Exception as error:  # noqa: BLE001
                    failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    forgotten = 0
    with psycopg.connect(database_url) as connection, Store(connection) as own:
        while time.monotonic() < end:
            with suppress(StoreError):
                forgotten += bool(forget_context(own, "test"))
            for name in names:
                if rows_of(store, name):
                    assert (
                        query_rows(
                            store,
                            f"SELECT 1 FROM {KINDS[name].table} WHERE context_name = 'test' AND NOT EXISTS "
                            "(SELECT FROM k8s_sync_status WHERE context_name = 'test' AND kind = %s)",
                            name,
                        )
                        == []
                    )
    for thread in threads:
        thread.join()
    assert failures == []
    assert forgotten > 2
