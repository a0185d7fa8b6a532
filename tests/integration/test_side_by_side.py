"""Several kinds of a context at a time: they overlap, and what goes wrong with one stays with it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import psycopg
import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, StoreError, Target
from k8s_inventory.sync import Custom, Result, Run
from k8s_inventory.sync.selection import NONE
from tests.cluster import Cluster
from tests.conftest import IMPATIENT, again
from tests.equality import assert_table_equals_cluster, query_rows, status_of
from tests.proxy import Answer, Proxy
from tests.syncing import sync_kinds

ALL = Custom(("*",))
NAMES = ("pods", "services", "deployments", "configmaps", "namespaces")


def _sync(
    context: Context,
    store: Store,
    names: Iterable[str] = NAMES,
    open_store: Callable[[], Store] | None = None,
    custom: Custom = NONE,
    limits: Limits = IMPATIENT,
    **settings: object,
) -> dict[str, Result]:
    with Session(context, limits) as session:
        kinds = [KINDS[name] for name in names]
        chosen = Settings.load({"requests_per_second": 1000, **settings})
        opens = open_store or again(store)
        ended = sync_kinds(session, opens, kinds, run=Run("r"), settings=chosen, custom=custom)
        return {each.kind: each for each in ended}


def test_kinds_overlap_and_each_is_exact(cluster: Cluster, store: Store) -> None:
    """Pods are answered only once Services were asked for, and the other way round."""
    asked = {name: threading.Event() for name in ("pods", "services")}

    def wait_for_each_other(path: str, real: Answer) -> Answer | None:
        for mine, other in (("pods", "services"), ("services", "pods")):
            if f"/{mine}?" in path:
                asked[mine].set()
                assert asked[other].wait(20), "one kind waits for the other to end"
        return None

    with Proxy(cluster) as proxy:
        proxy.spoil = wait_for_each_other
        results = _sync(proxy.context, store)
    assert {each.attempt.outcome for each in results.values()} == {"complete"}
    assert results.keys() == set(NAMES)
    for name in NAMES:
        assert_table_equals_cluster(store, cluster, name, context="proxied")


@pytest.mark.parametrize("at_once", [1, 3])
def test_between_the_two_looks_at_what_there_is_kinds_are_read(cluster: Cluster, store: Store, at_once: int) -> None:
    """Nobody waits for the second look but who needs it: pods, read beside it, are answered after it."""
    looks, is_looked = Counter[str](), threading.Event()

    def wait_for_the_second_look(path: str, real: Answer) -> Answer | None:
        looks[path] += 1
        if looks["/readyz"] == 2:
            is_looked.set()
        if "/pods?" in path and at_once > 1:
            assert is_looked.wait(20), "the second look waits for pods"
        return None

    with Proxy(cluster) as proxy:
        proxy.spoil = wait_for_the_second_look
        limits = replace(IMPATIENT, looks_apart=1.0)
        results = _sync(proxy.context, store, custom=ALL, limits=limits, kinds_at_once=at_once)
    assert {each.attempt.outcome for each in results.values()} == {"complete"}
    assert {*NAMES, "custom", "tests.shop.example"} <= results.keys()
    first, second = (at for at, path in enumerate(proxy.requests) if path == "/readyz")
    services = next(at for at, path in enumerate(proxy.requests) if "/services?" in path)
    assert first < services < second


def test_what_the_database_refuses_fails_one_kind_alone(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], database_url: str
) -> None:
    with Store.connect(database_url) as other, Target.locked(other, KINDS["services"], "test"):
        results = _sync(context_of(cluster), store, lock_wait=0)
    busy = results.pop("services")
    assert (busy.attempt.outcome, busy.retryable) == ("failed", True)
    assert "still being written by" in str(busy.attempt.error)
    assert {each.attempt.outcome for each in results.values()} == {"complete"}


def test_a_dead_context_is_tried_once(store: Store) -> None:
    content = {
        "clusters": [{"name": "dead", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "dead", "context": {"cluster": "dead", "user": "u"}}],
    }
    results = _sync(Context(name="dead", kubeconfig=content, context="dead"), store)
    assert {each.attempt.outcome for each in results.values()} == {"unreachable"}
    errors = [str(status_of(store, name, context="dead")["error"]) for name in NAMES]
    assert sum("not tried again" not in error for error in errors) == 1


# -- lost sessions ---------------------------------------------------------------------------------

FORTY = list(KINDS)[:40]


def _losing(store: Store, names: list[str]) -> Callable[[str, Answer], Answer | None]:
    """Ends the sessions that hold the locks of these kinds, once each of them was asked for and none was answered."""

    def end_sessions() -> None:
        with psycopg.connect(store.connection.info.dsn, autocommit=True) as own:
            own.execute("SELECT pg_terminate_backend(pid, 5000) FROM k8s_sync_locks WHERE kind = ANY (%s)", [names])

    all_asked = threading.Barrier(len(names), action=end_sessions, timeout=20)
    waiting = {KINDS[name].plural for name in names}

    def spoil(path: str, real: Answer) -> Answer | None:
        for plural in sorted(waiting):
            if f"/{plural}?" in path:
                waiting.discard(plural)
                all_asked.wait()
        return None

    return spoil


@pytest.mark.parametrize("how_many", [1, 4])
def test_a_lost_session_fails_its_target_and_is_replaced(cluster: Cluster, store: Store, how_many: int) -> None:
    with Proxy(cluster) as proxy:
        proxy.spoil = _losing(store, lost := FORTY[10 : 10 + how_many])
        results = _sync(proxy.context, store, FORTY)
    assert {name for name, each in results.items() if each.attempt.outcome == "failed"} == set(lost)
    assert Counter(each.attempt.outcome for each in results.values()) == {"failed": how_many, "complete": 40 - how_many}
    for name, result in results.items():
        status = status_of(store, name, context="proxied")
        assert (status["outcome"], status["error"]) == (result.attempt.outcome, result.attempt.error)
        if result.attempt.outcome == "failed":
            assert result.retryable
            assert "Its database session was lost" in str(status["error"])
            assert status["seconds"] is not None
        else:
            assert_table_equals_cluster(store, cluster, name, context="proxied")
    assert query_rows(store, "SELECT kind FROM k8s_sync_runs GROUP BY kind HAVING count(*) > 1") == []


def test_a_session_that_is_lost_before_its_target_begins_has_a_row_too(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, original = Counter[str](), Target.begin

    def begin(self: Target, **given: object) -> None:
        begun[self._kind.name] += 1
        if self._kind.name == "services" and begun["services"] == 1:
            own = self._store.connection.info.backend_pid
            store.connection.execute("SELECT pg_terminate_backend(%s, 5000)", [own])
        original(self, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(Target, "begin", begin)
    results = _sync(context_of(cluster), store)
    assert results["services"].attempt.outcome == "failed"
    assert "session was lost" in str(status_of(store, "services")["error"])
    assert Counter(each.attempt.outcome for each in results.values()) == {"failed": 1, "complete": len(NAMES) - 1}


@pytest.mark.parametrize("sessions", [1, 2])
@pytest.mark.parametrize("names", [NAMES, NAMES[:1], ()], ids=len)
def test_who_can_have_no_session_leaves_the_kinds_to_the_others(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], sessions: int, names: tuple[str, ...]
) -> None:
    """As where a role may have so many connections and no more."""
    left, lock = iter(range(sessions)), threading.Lock()

    def open_store() -> Store:
        with lock:
            if next(left, None) is None:
                raise StoreError("database: too many connections for role")
        return again(store)()

    results = _sync(context_of(cluster), store, names, open_store=open_store, custom=ALL)
    assert {each.attempt.outcome for each in results.values()} == {"complete"}
    assert results.keys() >= {*names, "custom"}


def test_a_database_that_is_gone_fails_all_kinds_once_it_was_waited_for(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s_inventory.sync.writing.PATIENCE", 1.0)

    def open_store() -> Store:
        raise StoreError("database: connection refused", retryable=True)

    start = time.monotonic()
    results = _sync(context_of(cluster), store, open_store=open_store, custom=ALL)
    assert time.monotonic() - start < 20
    assert {(each.attempt.outcome, each.retryable) for each in results.values()} == {("failed", True)}
    assert results.keys() == {*NAMES, "custom"}
