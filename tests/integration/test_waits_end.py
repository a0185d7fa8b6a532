"""Waiting ends with the task: for a target that another writes, for a table, for a session of the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, Target
from k8s_inventory.sync import Result, Run, Sync, Targets
from tests.cluster import Cluster
from tests.conftest import IMPATIENT, again
from tests.equality import query_rows

NAMES = ("pods", "services", "configmaps")


@pytest.fixture
def ended(store: Store, cluster: Cluster, context_of: Callable[..., Context]) -> Callable[..., list[Result]]:
    """What comes of a sync that is stopped as soon as it waits as the query says."""

    def run(waits: str, **settings: object) -> list[Result]:
        stopped = threading.Event()
        context = context_of(cluster)
        chosen = Settings.load({"requests_per_second": 1000, **settings})
        sync = Sync(
            [Targets("test", lambda: Session(context, IMPATIENT, stopped=stopped), [KINDS[each] for each in NAMES])],
            run=Run("run"),
            settings=chosen,
            open_store=again(store),
            kinds_at_once=2,
            stopped=stopped,
        )

        def stop() -> None:
            deadline = time.monotonic() + 20
            while not query_rows(store, waits)[0]["n"] and time.monotonic() < deadline:
                time.sleep(0.05)
            nonlocal start
            start = time.monotonic()
            sync.stop()

        start = 0.0
        thread = threading.Thread(target=stop)
        thread.start()
        with closing(sync.results()) as results:
            found = list(results)
        thread.join()
        assert time.monotonic() - start < 20
        return found

    return run


TRIES = "SELECT count(*) AS n FROM k8s_sync_locks WHERE kind <> 'pods'"
BLOCKED = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted"


def test_waiting_for_targets_that_another_writes(store: Store, ended: Callable[..., list[Result]]) -> None:
    with Store.connect(store.connection.info.dsn) as other:
        with Target.locked(other, KINDS["pods"], "test"), Target.locked(other, KINDS["services"], "test"):
            with Target.locked(other, KINDS["configmaps"], "test"):
                waiting = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' HAVING count(*) > 3"
                results = ended(f"SELECT count(*) AS n FROM ({waiting}) AS w", lock_wait=300)
    assert {each.outcome for each in results} == {"failed"}
    assert len(results) == 3


def test_waiting_for_a_table_that_another_has_locked(
    store: Store, database_url: str, ended: Callable[..., list[Result]]
) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE k8s_pods, k8s_services, k8s_configmaps IN ACCESS EXCLUSIVE MODE")
        results = ended(BLOCKED)
    assert {each.outcome for each in results} == {"failed"}
    assert len(results) == 3
