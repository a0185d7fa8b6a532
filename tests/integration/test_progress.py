"""A sync says in the log how far it is, while it is at it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, Run, Sync, Targets, progress
from tests.cluster import Cluster, wait_until
from tests.cluster.objects import pod
from tests.conftest import IMPATIENT, again
from tests.proxy import Answer, Proxy
from tests.syncing import sync_kinds

EXPIRED = json.dumps({"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired"}).encode()
PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.05)
    caplog.set_level(logging.INFO, logger=progress.__name__)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    return lambda: [each.getMessage() for each in caplog.records if each.name == progress.__name__]


def _sync(context: Context, store: Store, *names: str, **settings: object) -> list[Result]:
    with Session(context, IMPATIENT) as session:
        chosen = Settings.load({"requests_per_second": 1000, **settings})
        kinds = [KINDS[name] for name in names]
        return list(sync_kinds(session, again(store), kinds, run=Run("r"), settings=chosen))


def test_it_tells_objects_and_pages_while_it_waits_for_the_next(
    cluster: Cluster, proxy: Proxy, store: Store, told: Callable[[], list[str]]
) -> None:
    pages, count = 0, len(cluster.list("/api/v1/pods"))

    def wait_until_told(path: str, real: Answer) -> Answer | None:
        nonlocal pages
        if "/pods?" in path:
            pages += 1
            if pages == 3:
                said = "1 of 2 kinds are read, "
                counts = "being read: proxied · pods (4 objects in 2 pages)"
                wait_until(lambda: any(each.startswith(said) and counts in each for each in told()), counts, seconds=20)
        return None

    proxy.spoil = wait_until_told
    results = _sync(proxy.context, store, "pods", "namespaces", page_size=2)
    assert [each.outcome for each in results] == ["complete"] * 2
    assert pages == -(-count // 2) >= 3


def test_what_is_read_twice_counts_once(
    cluster: Cluster, proxy: Proxy, store: Store, told: Callable[[], list[str]]
) -> None:
    expired, count = 0, len(cluster.list("/api/v1/pods"))

    def spoil(path: str, real: Answer) -> Answer | None:
        nonlocal expired
        if "/pods?" in path and "continue=" in path and not expired:
            expired += 1
            return Answer(410, EXPIRED)
        if "/namespaces?" in path:
            said = f"1 of 2 kinds are read, {count} objects in {-(-count // 2)} pages"
            wait_until(lambda: any(each.startswith(said) for each in told()), f"{said}: {told()[-1:]}", seconds=20)
        return None

    proxy.spoil = spoil
    results = _sync(proxy.context, store, "namespaces", "pods", page_size=2)
    assert {each.outcome for each in results} == {"complete"}
    assert expired


def test_what_is_held_open_tells_what_came_and_nothing_while_nothing_does(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], told: Callable[[], list[str]]
) -> None:
    context, kinds = context_of(cluster), [KINDS["pods"]]
    targets = Targets(context.name, lambda: Session(context, IMPATIENT), kinds)
    settings = Settings.load({"requests_per_second": 1000})
    held = Sync([targets], run=Run("h", mode="watch"), settings=settings, open_store=again(store), hold=60)
    thread = threading.Thread(target=lambda: list(held.results()))
    thread.start()
    try:
        count = len(cluster.list("/api/v1/pods"))
        listed = f"1 kinds are held up to date, {count} objects in 1 pages"
        wait_until(lambda: told()[-1:] == [listed], listed, seconds=20)
        query = "SELECT mode FROM k8s_sync_status WHERE kind = 'pods' AND outcome = 'complete'"
        wait_until(lambda: store.connection.execute(query).fetchall() == [("watch",)], "it is watched", seconds=20)
        cluster.create(PODS, pod("heard-of"))
        wait_until(lambda: told()[-1] != listed, "it tells that something came", seconds=20)
        assert told()[-1] == f"1 kinds are held up to date, {count + 1} objects in 1 pages"
    finally:
        cluster.delete(f"{PODS}/heard-of")
        held.stop()
        thread.join(30)
    assert told().count(listed) == 1
