"""Runs that hold their watches open, on a real API server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import psycopg
import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, TargetBusy
from k8s_inventory.sync import Custom, Result, Run, Sync, Targets, following, writing
from k8s_inventory.sync.selection import NONE
from tests.cluster import Cluster, wait_until
from tests.cluster.objects import crd, namespace, pod
from tests.conftest import IMPATIENT, again
from tests.databases import VERSIONS, administer, name_of, new_database, start
from tests.equality import assert_table_equals_cluster, query_rows, status_of
from tests.proxy import Answer, Proxy


class Held:
    """A run of mode `watch` in a thread."""

    def __init__(
        self,
        context: Context,
        open_store: Callable[[], Store],
        kinds: tuple[str, ...],
        run: str,
        seconds: float = 120,
        custom: Custom = NONE,
    ) -> None:
        targets = Targets(context.name, lambda: Session(context, IMPATIENT), [KINDS[kind] for kind in kinds], custom)
        settings = Settings.load({"requests_per_second": 1000})
        self.sync = Sync([targets], run=Run(run, mode="watch"), settings=settings, open_store=open_store, hold=seconds)
        self.results: dict[str, Result] = {}
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        for result in self.sync.results():
            self.results[result.kind] = result

    def __enter__(self) -> Held:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.sync.stop()
        self._thread.join(30)


@pytest.fixture(scope="module")
def watched(start_cluster: Callable[..., Cluster]) -> Cluster:
    made = start_cluster()
    made.create("/api/v1/namespaces", namespace("shop"))
    return made


@pytest.fixture
def emptied(watched: Cluster) -> Iterator[Cluster]:
    yield watched
    for each in watched.list("/api/v1/namespaces/shop/pods"):
        watched.delete(f"/api/v1/namespaces/shop/pods/{each['metadata']['name']}")


@pytest.fixture
def hold(store: Store) -> Callable[..., Any]:
    @contextmanager
    def held(context: Context, *kinds: str, run: str = "held", until: str = "pods") -> Iterator[Held]:
        with Held(context, again(store), kinds, run) as made:
            wait_until(lambda: _mode(store, until) == ("watch", "complete", 0), "it goes on from its listing")
            yield made

    return held


def _mode(store: Store, kind: str) -> Any:
    found = query_rows(store, "SELECT mode, outcome, pages FROM k8s_sync_status WHERE kind = %s", kind)
    return (found[0]["mode"], found[0]["outcome"], found[0]["pages"]) if found else None


def _names(store: Store) -> set[str]:
    return {row["name"] for row in query_rows(store, "SELECT name FROM k8s_pods WHERE namespace = 'shop'")}


def _until(store: Store, names: set[str]) -> None:
    wait_until(lambda: _names(store) == names, f"the rows are {names}")


PODS = "/api/v1/namespaces/shop/pods"


def _changes(store: Store) -> list[tuple[str, str]]:
    rows = query_rows(store, "SELECT name, change FROM k8s_changes WHERE plural = 'pods' ORDER BY seen_at, name")
    return [(row["name"], row["change"]) for row in rows]


def test_what_happens_is_stored_within_seconds(
    emptied: Cluster, store: Store, context_of: Callable[..., Context], hold: Callable[..., Any]
) -> None:
    with hold(context_of(emptied), "pods", "configmaps"):
        emptied.create(PODS, pod("one"))
        _until(store, {"one"})
        emptied.create(PODS, pod("two"))
        emptied.delete(f"{PODS}/one")
        _until(store, {"two"})
        (status,) = query_rows(store, "SELECT * FROM k8s_sync_status WHERE kind = 'pods'")
        assert (status["mode"], status["outcome"], status["run_id"]) == ("watch", "complete", "held")
    assert _changes(store) == [("one", "created"), ("one", "deleted"), ("two", "created")]
    assert_table_equals_cluster(store, emptied, "pods")


def test_others_write_the_target_meanwhile(
    emptied: Cluster,
    store: Store,
    context_of: Callable[..., Context],
    hold: Callable[..., Any],
    sync: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "_PAUSE", 0.2)
    context = context_of(emptied)
    with hold(context, "pods"):
        for number in range(4):
            emptied.create(PODS, pod(f"a-{number}"))
            emptied.create(PODS, pod(f"b-{number}"))
            mode = "full" if number % 2 else "incremental"
            with suppress(TargetBusy):
                assert sync(context, "pods", run=Run(f"{mode}-{number}", mode=mode)).outcome in ("complete", "busy")
            emptied.delete(f"{PODS}/b-{number}")
        _until(store, {f"a-{number}" for number in range(4)})
    assert_table_equals_cluster(store, emptied, "pods")
    seen = _changes(store)
    assert len(seen) == len(set(seen)), "each once"
    assert not {("a-0", "deleted"), ("a-0", "updated")} & set(seen)


def test_an_api_server_that_is_started_anew_is_listed(
    emptied: Cluster,
    store: Store,
    context_of: Callable[..., Context],
    hold: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "_PAUSE", 0.2)
    with hold(context_of(emptied), "pods", "configmaps"):
        emptied.create(PODS, pod("one"))
        emptied.end_api_server()
        unreachable = "SELECT FROM k8s_sync_runs WHERE outcome = 'unreachable'"
        wait_until(lambda: bool(query_rows(store, unreachable)), "it was to be listed while nobody answered")
        emptied.upgrade()
        emptied.create(PODS, pod("two"))
        emptied.delete(f"{PODS}/one")
        _until(store, {"two"})
        emptied.create(PODS, pod("three"))
        _until(store, {"two", "three"})
        wait_until(lambda: _mode(store, "pods") == ("watch", "complete", 0), "it is held open again")
    assert_table_equals_cluster(store, emptied, "pods")


@pytest.mark.parametrize("then", ["the same", "others", "still not known"])
def test_nothing_is_stored_of_watches_while_it_can_not_be_asked_who_serves_them(
    emptied: Cluster, store: Store, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(following, "_PAUSE", 0.2)
    monkeypatch.setattr(following, "TICK", 0.2)
    monkeypatch.setattr(following, "PATIENCE", 3.0 if then == "still not known" else 60.0)
    state = "fine"
    asked: list[str] = []
    sent: list[str] = []

    def watch(stream: Iterable[bytes]) -> Iterator[bytes]:
        opened_in = state
        for block in stream:
            if state != opened_in:
                return  # it breaks off once
            if b'"one"' in block:
                sent.append(state)
            yield block

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/leases" in path and state != "fine":
            asked.append(state)
            if state == "not known":
                return Answer(503, b"busy")
            return real.with_json(json.loads(real.body.replace(b'"holderIdentity":"', b'"holderIdentity":"another-')))
        return Answer(200, b"", stream=watch(real.stream)) if real.stream else None

    with Proxy(emptied) as proxy:
        proxy.spoil, proxy.streams = spoil, True
        with Held(proxy.context, again(store), ("pods",), "held"):
            wait_until(lambda: _mode(store, "pods") == ("watch", "complete", 0), "it goes on from its listing")
            state = "not known"
            emptied.create(PODS, pod("zero"))  # the watch breaks off with it
            emptied.create(PODS, pod("one"))
            wait_until(lambda: bool(sent), "the watch that was opened anew has said so")
            del asked[:]
            if then == "still not known":
                wait_until(lambda: "one" in _names(store), "it is listed")
            else:
                wait_until(lambda: len(asked) > 3, "it is asked again and again who serves it")
                assert "one" not in _names(store)
                state = "fine" if then == "the same" else then
            _until(store, {"zero", "one"})
    (row,) = query_rows(store, "SELECT evidence FROM k8s_changes WHERE name = 'one'")
    assert row["evidence"].startswith("watch event" if then == "the same" else "listing"), row


def test_a_database_that_goes_away_is_waited_for(
    emptied: Cluster,
    store: Store,
    database_url: str,
    database_servers: Callable[[int], Any],
    context_of: Callable[..., Context],
    hold: Callable[..., Any],
) -> None:
    server, name = database_servers(18), name_of(database_url)
    admin = server.url("postgres")
    with hold(context_of(emptied), "pods"):
        emptied.create(PODS, pod("before"))
        _until(store, {"before"})
        administer(
            admin,
            f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        for number in range(5):
            emptied.create(PODS, pod(f"away-{number}"))
        emptied.delete(f"{PODS}/away-0")
        time.sleep(2)
        administer(admin, f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        with psycopg.connect(database_url, autocommit=True) as connection:
            wanted = {"before", *(f"away-{number}" for number in range(1, 5))}
            query = "SELECT name FROM k8s_pods WHERE namespace = 'shop'"
            wait_until(lambda: {row[0] for row in connection.execute(query)} == wanted, "all is stored")
            seen = connection.execute("SELECT name, change FROM k8s_changes WHERE plural = 'pods'").fetchall()
            assert sorted(seen) == sorted((name, "created") for name in wanted), "each once"


AWAY = 0.0
"""Seconds for which the database is away at the least."""


@pytest.mark.parametrize("patience", [0.0, writing.PATIENCE])
def test_a_database_server_that_is_stopped_and_started_again_loses_and_doubles_nothing(
    emptied: Cluster,
    context_of: Callable[..., Context],
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    patience: float,
) -> None:
    monkeypatch.setattr(writing, "PATIENCE", patience)
    folder = tmp_path_factory.mktemp("database")
    server = start(VERSIONS[0], folder)
    try:
        url = new_database(server)
        with Store.connect(url) as store:
            store.migrate()
        names = "SELECT name FROM k8s_pods WHERE namespace = 'shop'"
        with Held(context_of(emptied), lambda: Store.connect(url), ("pods", "configmaps"), "held") as held:
            with psycopg.connect(url, autocommit=True) as connection:
                is_held = "SELECT FROM k8s_sync_status WHERE kind = 'pods' AND pages = 0 AND outcome = 'complete'"
                wait_until(lambda: bool(connection.execute(is_held).fetchall()), "it is held open")
                for name in ("goes", "changes", "stays"):
                    emptied.create(PODS, pod(name))
                wait_until(lambda: len(connection.execute(names).fetchall()) == 3, "they are stored")
            server.stop()
            back_at = time.monotonic() + AWAY
            emptied.delete(f"{PODS}/goes")
            for number in range(20):
                emptied.patch(f"{PODS}/changes", {"metadata": {"labels": {"n": str(number)}}})
                emptied.create(PODS, pod(f"new-{number}"))
            emptied.delete(f"{PODS}/new-0")
            wait_until(lambda: following.__name__ in {each.name for each in caplog.records}, "it says so")
            time.sleep(max(0.0, back_at - time.monotonic()))
            assert not held.results, "it goes on"
            server = start(VERSIONS[0], folder)
            emptied.create(PODS, pod("last"))
            wanted = {"changes", "stays", "last", *(f"new-{number}" for number in range(1, 20))}
            with psycopg.connect(url, autocommit=True) as connection:
                wait_until(lambda: {name for (name,) in connection.execute(names)} == wanted, "all is stored")
        with Store.connect(url) as store:
            assert_table_equals_cluster(store, emptied, "pods")
            seen = sorted(each for each in _changes(store) if each[0] not in ("goes", "new-0"))
            updated = ("changes", "updated")
            assert [each for each in seen if each != updated] == sorted((name, "created") for name in wanted)
            assert 1 <= seen.count(updated) <= 20
            assert sorted(_changes(store)).count(("goes", "deleted")) == 1
            ((pages,),) = store.connection.execute(
                b"SELECT max(pages) FROM k8s_sync_runs WHERE mode = 'watch'"
            ).fetchall()
            assert pages <= 1, "it was listed once, to begin with"
    finally:
        server.stop()


def test_it_ends_in_time_and_says_how(emptied: Cluster, store: Store, context_of: Callable[..., Context]) -> None:
    with Held(context_of(emptied), again(store), ("pods", "configmaps"), "ends", seconds=4) as held:
        wait_until(lambda: len(held.results) == 2, "all have results", seconds=20)
    assert {kind: result.outcome for kind, result in held.results.items()} == dict.fromkeys(
        ("pods", "configmaps"), "complete"
    )
    assert status_of(store, "pods")["pages"] == 0


def test_what_it_did_not_come_to_in_its_time_is_listed_in_the_end(
    emptied: Cluster, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "TICK", 0.1)
    kinds = ("pods", "configmaps", "services", "endpoints", "nodes", "leases")

    def slowly(path: str, real: Answer) -> None:
        if "limit=500" in path:
            time.sleep(0.3)

    with Proxy(emptied) as proxy:
        proxy.spoil = slowly
        with Held(proxy.context, again(store), kinds, "brief", seconds=0.3) as held:
            wait_until(lambda: len(held.results) == len(kinds), "all have results", seconds=20)
    assert {kind: result.outcome for kind, result in held.results.items()} == dict.fromkeys(kinds, "complete")
    rows = query_rows(store, "SELECT kind FROM k8s_sync_status WHERE outcome = 'complete'")
    assert {row["kind"] for row in rows} == set(kinds)


def test_what_was_heard_in_its_time_and_is_not_all_is_listed_in_the_end(
    emptied: Cluster, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "TICK", 0.1)

    def told(real: Answer, closing: threading.Event) -> Iterator[bytes]:
        """Of the first pod alone."""
        yield from islice(real.stream or (), 2)
        closing.wait(20)

    def spoil(path: str, real: Answer) -> Answer | None:
        return Answer(200, b"", stream=told(real, proxy.closing)) if "watch=true" in path else None

    with Proxy(emptied) as proxy:
        with Held(proxy.context, again(store), ("pods",), "first", seconds=0.3) as held:
            wait_until(lambda: bool(held.results), "it is listed")
        proxy.spoil, proxy.streams = spoil, True
        for name in ("one", "two"):
            emptied.create(PODS, pod(name))
        with Held(proxy.context, again(store), ("pods",), "brief", seconds=1.0) as held:
            wait_until(lambda: bool(held.results), "it has ended", seconds=20)
    query = "SELECT outcome, pages FROM k8s_sync_runs WHERE run_id = 'brief' ORDER BY id"
    assert query_rows(store, query) == [{"outcome": "partial", "pages": 0}, {"outcome": "complete", "pages": 1}]
    assert held.results["pods"].outcome == "complete"
    assert _names(store) == {"one", "two"}


def test_custom_objects_are_gone_on_with_once_it_is_known_again_what_they_are(
    emptied: Cluster, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"TICK": 0.1, "_PAUSE": 0.2, "LONG": 4}.items():
        monkeypatch.setattr(following, name, seconds)
    emptied.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("things", "held.example"))
    path = "/apis/held.example/v1/namespaces/shop/things"
    emptied.until_served(path)
    thing = {"apiVersion": "held.example/v1", "kind": "Thing", "metadata": {"name": "one"}}
    is_away = threading.Event()
    refused: list[str] = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if is_away.is_set() and "/customresourcedefinitions" in path:
            refused.append(path)
            return Answer(503, b"busy")
        return None

    def rows() -> int:
        return len(query_rows(store, "SELECT FROM k8s_custom_objects WHERE plural = 'things'"))

    with Proxy(emptied) as proxy:
        proxy.spoil, proxy.streams = spoil, True
        with Held(proxy.context, again(store), (), "held", custom=Custom(("*.held.example",))):
            wait_until(lambda: _mode(store, "things.held.example") == ("watch", "complete", 0), "it is held open")
            is_away.set()
            wait_until(lambda: bool(refused), "it was asked, before the end of a watch, what they are")
            is_away.clear()
            emptied.create(path, thing)
            wait_until(lambda: rows() == 1, "its row is there", seconds=30)
            emptied.delete(f"{path}/one")
            wait_until(lambda: rows() == 0, "its row is gone", seconds=30)
    emptied.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.held.example")
