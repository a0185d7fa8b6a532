"""Runs that go on from where the rows are, on a real API server."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import psutil
import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube import watching
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import BadAnswer
from k8s_inventory.kube.multiplexed import Connections
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.outcome import Outcome, Verdict
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store, Target
from k8s_inventory.sync import Custom, Result, Run, Sync, Targets, following, reading
from k8s_inventory.sync.summary import fresh
from tests.cluster import Cluster
from tests.cluster.cluster import Rejected, User, wait_until
from tests.cluster.objects import crd, namespace, pod
from tests.conftest import IMPATIENT, again
from tests.equality import assert_table_equals_cluster, custom_objects, query_rows, status_of
from tests.proxy import Answer, Proxy, streamed

Inventory = Callable[..., dict[str, Result]]


@pytest.fixture
def inventory(store: Store) -> Inventory:
    """Runs kinds of a context in a mode; the results by kind."""
    counter = iter(range(1, 1000))

    def run(
        context: Context,
        *kinds: str,
        mode: str = "incremental",
        custom: bool = False,
        hold: float = 0.0,
        **settings: Any,
    ) -> Any:
        chosen = Settings.load({"requests_per_second": 1000, **settings})
        sync = Sync(
            [
                Targets(
                    context.name,
                    lambda: Session(context, IMPATIENT),
                    [KINDS[kind] for kind in kinds],
                    Custom(("*",)) if custom else Custom(),
                )
            ],
            run=Run(f"{mode}-{next(counter)}", mode=mode),
            settings=chosen,
            open_store=again(store),
            kinds_at_once=2,
            hold=hold,
        )
        return {result.kind: result for result in sync.results()}

    return run


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own; its path."""
    name = f"i-{uuid4().hex[:8]}"
    cluster.create("/api/v1/namespaces", namespace(name))
    yield f"/api/v1/namespaces/{name}"
    for kind in ("pods", "configmaps", "secrets"):
        for each in cluster.list(f"/api/v1/namespaces/{name}/{kind}"):
            cluster.delete(f"/api/v1/namespaces/{name}/{kind}/{each['metadata']['name']}")


def changes(store: Store, **columns: Any) -> list[dict[str, Any]]:
    where = " AND ".join(f"{name} = %s" for name in columns) or "true"
    return query_rows(store, f"SELECT * FROM k8s_changes WHERE {where} ORDER BY seen_at, name", *columns.values())


def test_what_changed_is_stored_and_nothing_is_listed(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context = context_of(cluster)
    for name in ("one", "two", "three"):
        cluster.create(f"{shop}/pods", pod(name))
    assert inventory(context, "pods", "services", mode="full")["pods"].outcome == "complete"
    cluster.patch(f"{shop}/pods/one", {"metadata": {"labels": {"tier": "db"}}})
    cluster.delete(f"{shop}/pods/two")
    cluster.create(f"{shop}/pods", pod("four"))
    before = status_of(store, "services")
    results = inventory(context, "pods", "services")
    assert {kind: result.outcome for kind, result in results.items()} == {"pods": "complete", "services": "complete"}
    for kind in ("pods", "services"):
        assert_table_equals_cluster(store, cluster, kind)
        status = status_of(store, kind)
        assert (status["mode"], status["outcome"], status["pages"]) == ("incremental", "complete", 0), status
        assert status["exact_as_of"] > before["exact_as_of"]  # type: ignore[operator]
    status = status_of(store, "pods")
    assert (status["changed"], status["deleted"]) == (2, 1)
    seen = {(row["name"], row["change"]): row["evidence"] for row in changes(store, run_id="incremental-2")}
    assert seen.keys() == {("one", "updated"), ("two", "deleted"), ("four", "created")}
    assert seen["one", "updated"] == "watch event"
    assert seen["two", "deleted"].startswith("watch event at resourceVersion ")


# -- what a watch may say ----------------------------------------------------------------------------


def _events(body: bytes) -> list[bytes]:
    return [line for line in body.splitlines() if line]


def _first_as(body: bytes, **fields: Any) -> bytes:
    lines = [json.loads(line) for line in _events(body)]
    lines[0] |= fields
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _with_object(body: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    lines = [json.loads(line) for line in _events(body)]
    change(lines[0]["object"])
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


GONE = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "Expired",
    "code": 410,
    "message": "too old",
}
SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "an unknown type": lambda body: _first_as(body, type="RENAMED"),
    "no JSON": lambda body: b"{]\n" + body,
    "half of JSON": lambda body: _events(body)[0][:-40] + b"\n" + body,
    "a login page": lambda body: b"<html><body>log in</body></html>\n",
    "no object": lambda body: _first_as(body, object=None),
    "a list": lambda body: b"[1]\n" + body,
    "410": lambda body: _first_as(body, type="ERROR", object=GONE),
    "500": lambda body: _first_as(body, type="ERROR", object={**GONE, "code": 500}),
    "an error that is none": lambda body: _first_as(body, type="ERROR", object=7),
    "another kind": lambda body: _with_object(body, lambda found: found.update(kind="Node")),
    "another version": lambda body: _with_object(body, lambda found: found.update(apiVersion="v2")),
    "no uid": lambda body: _with_object(body, lambda found: found["metadata"].pop("uid")),
    "a revision that is none": lambda body: _with_object(
        body, lambda found: found["metadata"].update(resourceVersion="abc")
    ),
    "a revision that goes back": lambda body: _with_object(
        body, lambda found: found["metadata"].update(resourceVersion="1")
    ),
    "no revision": lambda body: _with_object(body, lambda found: found["metadata"].pop("resourceVersion")),
    "no UTF-8": lambda body: b'{"type":"ADDED","object":{"kind":"Pod\xff"}}\n' + body,
    "a character that is half": lambda body: _first_as(body, type="\ud800"),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_watch_that_says_something_else_claims_nothing_and_the_kind_is_listed(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str, spoiled: str
) -> None:
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))

    def spoil(path: str, real: Answer) -> Answer | None:
        return Answer(200, SPOILED[spoiled](real.body)) if "watch=true" in path else None

    proxy.spoil, proxy.watch_seconds = spoil, "1"
    result = inventory(proxy.context, "pods")["pods"]
    assert result.outcome == "complete", result
    assert status_of(store, "pods", context="proxied")["pages"] == 1
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


@pytest.mark.parametrize("cut", ["in the middle of an event", "before any", "without the end that its chunks have"])
def test_what_was_heard_of_a_watch_that_breaks_off_is_stored_and_is_not_called_all(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str, cut: str
) -> None:
    inventory(proxy.context, "pods", mode="full")
    before = status_of(store, "pods", context="proxied")
    for name in ("one", "two"):
        cluster.create(f"{shop}/pods", pod(name))
    opened = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if "watch=true" not in path:
            return None
        opened.append(path)
        lines = _events(real.body)
        first = lines[0] + b"\n" if len(opened) == 1 else b""
        if cut == "before any":
            return Answer(200, b"", cut=5)
        return Answer(200, first + lines[-1][:50], cut=0 if cut == "in the middle of an event" else 9)

    proxy.spoil, proxy.watch_seconds = spoil, "1"
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.retryable) == ("partial", True), result
    assert len(opened) == 3, "it is opened anew, from where it was"
    status = status_of(store, "pods", context="proxied")
    assert status["exact_as_of"] == before["exact_as_of"]
    names = {
        row["name"] for row in query_rows(store, "SELECT name FROM k8s_pods WHERE namespace = %s", shop.split("/")[-1])
    }
    assert names == (set() if cut == "before any" else {"one"})
    proxy.spoil, proxy.watch_seconds = lambda path, real: None, ""
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("complete", 0), "it goes on from what was heard"
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
    seen = [row["name"] for row in changes(store, namespace=shop.split("/")[-1])]
    assert sorted(seen) == ["one", "two"]
    (row,) = store.run_report("incremental-3")
    told = fresh([row])["k8s_pods"]["changed"]
    assert told == 2, "whoever waits for a complete table is told of what came before it was"
    assert row["changed"] == (2 if cut == "before any" else 1)
    inventory(proxy.context, "pods")
    assert fresh(store.run_report("incremental-4"))["k8s_pods"]["changed"] == 0, "and once"


@pytest.mark.parametrize("times", [1, 3])
def test_a_database_session_that_is_lost_at_the_start_is_replaced(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str, times: int
) -> None:
    kinds = ("pods", "configmaps")
    inventory(proxy.context, *kinds, mode="full")
    cluster.create(f"{shop}/pods", pod("one"))
    lost = []

    def spoil(path: str, real: Answer) -> None:
        if path == "/api/v1/namespaces/kube-system" and len(lost) < times:  # it asks which cluster it is
            lost.append(path)
            store.connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    proxy.spoil = spoil
    results = inventory(proxy.context, *kinds)
    assert lost == ["/api/v1/namespaces/kube-system"] * times
    ended = query_rows(store, "SELECT kind, outcome FROM k8s_sync_runs WHERE mode = 'incremental' ORDER BY id")
    assert {each["kind"]: each["outcome"] for each in ended} == {kind: each.outcome for kind, each in results.items()}
    outcomes = sorted(each.outcome for each in results.values())
    assert outcomes == (["complete"] * 2 if times == 1 else ["complete", "failed"])


def test_a_kind_that_is_to_be_listed_after_some_was_stored_has_one_result(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_HELD", 1)
    inventory(proxy.context, "pods", "configmaps", mode="full")
    for name in ("one", "two", "three"):
        cluster.create(f"{shop}/pods", pod(name))

    namespaced = shop.split("/")[-1]

    def told(first: bytes) -> Iterator[bytes]:
        yield first + b"\n"
        query = "SELECT name FROM k8s_pods WHERE namespace = %s"
        wait_until(lambda: bool(query_rows(store, query, namespaced)), "it is stored")
        yield json.dumps({"type": "ERROR", "object": GONE}).encode() + b"\n"

    def spoil(path: str, real: Answer) -> Answer | None:
        is_watch = path.startswith("/api/v1/pods?") and "watch=true" in path
        return streamed(told(_events(real.body)[0])) if is_watch else None

    proxy.spoil, proxy.watch_seconds = spoil, "1"
    results = inventory(proxy.context, "pods", "configmaps")
    assert {kind: each.outcome for kind, each in results.items()} == {"pods": "complete", "configmaps": "complete"}
    assert results["pods"].attempt.pages == 1
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


def test_a_server_without_bookmarks_is_listed(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str
) -> None:
    inventory(proxy.context, "configmaps", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))  # revisions go on, and no ConfigMap changes
    proxy.spoil, proxy.watch_seconds = lambda path, real: Answer(200, b"") if "watch=true" in path else None, "1"
    result = inventory(proxy.context, "configmaps")["configmaps"]
    assert (result.outcome, result.attempt.pages) == ("complete", 1)


@pytest.mark.parametrize("hold", [0.0, 3.0])
def test_watches_that_end_at_once_are_not_opened_over_and_over(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str, hold: float
) -> None:
    inventory(proxy.context, "configmaps", mode="full")
    cluster.create(f"{shop}/configmaps", {"metadata": {"name": "one"}})
    opened = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if "watch=true" not in path:
            return None
        opened.append(path)
        return Answer(200, b"")

    proxy.spoil, proxy.streams = spoil, True
    inventory(proxy.context, "configmaps", mode="watch" if hold else "incremental", hold=hold)
    assert 3 <= len(opened) <= 12, "it is left alone in between"
    assert_table_equals_cluster(store, cluster, "configmaps", context="proxied")
    (target,) = query_rows(store, "SELECT has_bookmarks FROM k8s_sync_targets WHERE context_name = 'proxied'")
    assert target["has_bookmarks"], "nothing is known of that"


def _of_leases(path: str, real: Answer, **metadata: str) -> Answer | None:
    """The Leases of API servers, with something else in their metadata."""
    if "/leases" not in path or real.status != 200:
        return None
    items = [{**item, "metadata": {**item["metadata"], **metadata}} for item in real.json["items"]]
    return real.with_json({**real.json, "items": items})


SINCE, BEFORE = "999999999999", "1"
"""Revisions at which an API server was alive."""


@pytest.mark.parametrize("hold", [0.0, 5.0])
def test_where_each_watch_is_cut_off_before_it_proves_anything_it_is_listed_in_the_end(
    cluster: Cluster,
    store: Store,
    proxy: Proxy,
    inventory: Inventory,
    shop: str,
    hold: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))

    def spoil(path: str, real: Answer) -> Answer | None:
        return Answer(200, b"", cut=5) if "watch=true" in path else _of_leases(path, real, resourceVersion=SINCE)

    proxy.spoil, proxy.streams = spoil, True
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("partial", 0), "the next one may do better"
    if hold:
        monkeypatch.setattr(following, "_PAUSE", 0.2)
    mode = "watch" if hold else "incremental"
    _rows_are_exact_since(store, "11 minutes")
    proxy.requests.clear()
    result = inventory(proxy.context, "pods", mode=mode, hold=hold)["pods"]
    assert result.outcome == "complete", result
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
    asked = [
        "watch" if "watch=true" in path else "list" for path in proxy.lists("pods") if "limit=1&" not in path + "&"
    ]
    assert ("list watch" if hold else "watch list") in " ".join(asked), "that is not left for the end"


def _rows_are_exact_since(store: Store, age: str) -> None:
    store.connection.execute("UPDATE k8s_sync_targets SET exact_as_of = now() - %s::interval", [age])


@pytest.mark.parametrize("changes", [True, False])
@pytest.mark.parametrize(
    ("age", "written", "pages"),
    [("1 hour", BEFORE, 1), ("1 hour", SINCE, 0), ("1 second", BEFORE, 0), ("-1 hour", BEFORE, 1), ("1 hour", "x", 1)],
)
def test_names_of_api_servers_that_a_backup_brought_back_prove_nothing(
    cluster: Cluster,
    store: Store,
    proxy: Proxy,
    inventory: Inventory,
    shop: str,
    age: str,
    written: str,
    pages: int,
    changes: bool,
) -> None:
    """A restored cluster shows them until its API servers have written their own."""
    inventory(proxy.context, "pods", mode="full")
    if changes:
        cluster.create(f"{shop}/pods", pod("one"))
    _rows_are_exact_since(store, age)
    proxy.spoil = lambda path, real: _of_leases(path, real, resourceVersion=written)
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("complete", pages)
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


REFUSED: dict[str, Callable[[Answer], Answer]] = {
    "a page": lambda real: Answer(
        200, b"<!doctype html><html><body>log in</body></html>", {"Content-Type": "text/html"}
    ),
    "a redirect": lambda real: Answer(302, b"", {"Location": "https://login.example/"}),
    "429": lambda real: Answer(429, b"", {"Retry-After": "1"}),
    "429 for an hour": lambda real: Answer(429, json.dumps({**GONE, "code": 429}).encode(), {"Retry-After": "3600"}),
    "500": lambda real: Answer(500, b""),
    "503 with a page": lambda real: Answer(503, b"<html>busy</html>", {"Content-Type": "text/html"}),
    "410": lambda real: Answer(410, json.dumps(GONE).encode()),
    "410 of a proxy": lambda real: Answer(410, b"gone"),
    "404 of a proxy": lambda real: Answer(404, b"none"),
    "401": lambda real: Answer(401, json.dumps({**GONE, "code": 401}).encode()),
    "400": lambda real: Answer(400, json.dumps({**GONE, "code": 400}).encode()),
    "gzip that was not asked for": lambda real: Answer(
        200, gzip.compress(b"{}\n"), {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    ),
    "no chunks": lambda real: streamed([b"zz\r\n{}\n"], Transfer_Encoding="chunked"),
    "a list": lambda real: Answer(200, json.dumps({"kind": "PodList", "apiVersion": "v1", "items": []}).encode()),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_what_is_no_watch_has_the_kind_listed(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str, refused: str
) -> None:
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))
    proxy.spoil = lambda path, real: REFUSED[refused](real) if "watch=true" in path else None
    proxy.streams = True
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("complete", 1), result
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


def test_what_follows_the_last_chunk_of_a_watch_is_none_of_it(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str
) -> None:
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))

    def spoil(path: str, real: Answer) -> Answer | None:
        if "watch=true" not in path:
            return None
        sent = b"%x\r\n%s\r\n0\r\nA: b\r\nno trailer\r\n\r\nHTTP/1.1 500 No" % (len(real.body), real.body)
        return streamed([sent], Transfer_Encoding="chunked")

    proxy.spoil, proxy.watch_seconds = spoil, "1"
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("complete", 0), result
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


def test_a_watch_that_is_to_wait_for_long_is_not_waited_for(proxy: Proxy) -> None:
    proxy.spoil = lambda path, real: Answer(429, b"", {"Retry-After": "20"})
    with Session(proxy.context, Limits(longest_wait=30)) as session:
        found = watching.Watch(session, KINDS["pods"], version="v1", revision=1, seconds=3)
        began = time.monotonic()
        with pytest.raises(BadAnswer, match="429"):
            found.open(Connections())
    assert time.monotonic() - began < 10


def test_who_can_not_say_which_api_servers_there_are_once_watches_are_open_has_all_listed(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str
) -> None:
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))
    asked = []

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/leases" in path:
            asked.append(path)
            return Answer(403, b"{}") if len(asked) > 1 else None
        return None

    proxy.spoil = spoil
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("complete", 1)


def test_events_that_come_twice_are_one_change(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str
) -> None:
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))

    def spoil(path: str, real: Answer) -> Answer | None:
        lines = [line + b"\n" for line in _events(real.body)]
        return Answer(200, b"".join(line + line for line in lines)) if "watch=true" in path else None

    proxy.spoil = spoil
    assert inventory(proxy.context, "pods")["pods"].outcome == "complete"
    assert [row["name"] for row in changes(store, namespace=shop.split("/")[-1])] == ["one"]


@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("said", ["ADDED", "MODIFIED"])
@pytest.mark.parametrize("kind", ["pods", "clusterroles", "tests.shop.example"])
def test_an_object_by_the_name_of_another_that_is_not_said_to_be_gone_has_the_kind_listed(
    cluster: Cluster,
    store: Store,
    proxy: Proxy,
    inventory: Inventory,
    shop: str,
    kind: str,
    said: str,
    is_stored: bool,
) -> None:
    """A watch that leaves something out; of the first one, a row would stay for good."""
    name, namespaced = f"one-{uuid4().hex[:8]}", shop.rpartition("/")[2]
    path, made = {
        "pods": (f"{shop}/pods", pod(name)),
        "clusterroles": ("/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": name}}),
        "tests.shop.example": (
            f"/apis/shop.example/v1/namespaces/{namespaced}/tests",
            {"apiVersion": "shop.example/v1", "kind": "Test", "metadata": {"name": name}},
        ),
    }[kind]
    custom = kind not in KINDS
    chosen: list[str] = [] if custom else [kind]
    if is_stored:
        cluster.create(path, made)
    inventory(proxy.context, *chosen, mode="full", custom=custom)
    if not is_stored:
        cluster.create(path, made)
    cluster.delete(f"{path}/{name}")
    cluster.create(path, made)

    def spoil(path: str, real: Answer) -> Answer | None:
        if "watch=true" not in path:
            return None
        lines = [line for line in _events(real.body) if b'"DELETED"' not in line]
        return Answer(200, b"\n".join(line.replace(b'"ADDED"', f'"{said}"'.encode()) for line in lines) + b"\n")

    proxy.spoil, proxy.watch_seconds = spoil, "1"
    result = inventory(proxy.context, *chosen, custom=custom)[kind]
    assert (result.outcome, result.attempt.pages) == ("complete", 1), result
    table = KINDS[kind].table if not custom else "k8s_custom_objects"
    rows = query_rows(store, f"SELECT uid FROM {table} WHERE name = %s", name)
    found = cluster.request("GET", f"{path}/{name}")
    assert [row["uid"] for row in rows] == [found["metadata"]["uid"]]
    cluster.delete(f"{path}/{name}")


def test_an_object_that_was_made_anew_is_another(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context = context_of(cluster)
    cluster.create(f"{shop}/pods", pod("one"))
    inventory(context, "pods", mode="full")
    for _ in range(3):
        cluster.delete(f"{shop}/pods/one")
        cluster.create(f"{shop}/pods", pod("one"))
    result = inventory(context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("complete", 0)
    assert_table_equals_cluster(store, cluster, "pods")
    assert [(row["name"], row["change"]) for row in changes(store, namespace=shop.rpartition("/")[2])] == [
        ("one", "deleted"),
        ("one", "created"),
    ]


def test_of_what_was_never_there_nothing_goes(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str
) -> None:
    cluster.create(f"{shop}/pods", pod("stays"))
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("flashes"))
    cluster.delete(f"{shop}/pods/flashes")

    def spoil(path: str, real: Answer) -> Answer | None:
        if "watch=true" not in path:
            return None
        return Answer(200, b"".join(line + b"\n" for line in _events(real.body) if b'"ADDED"' not in line))

    proxy.spoil, proxy.watch_seconds = spoil, "1"
    result = inventory(proxy.context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages, result.attempt.deleted) == ("complete", 0, 0)
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
    assert not changes(store, namespace=shop.rpartition("/")[2])


# -- from where nothing can go on --------------------------------------------------------------------


FORGOTTEN = {
    "no revision": "DELETE FROM k8s_sync_revisions",
    "one of other API servers": "UPDATE k8s_sync_revisions SET api_servers = 'others'",
    "one that was read by other rules": "UPDATE k8s_sync_revisions SET read_by = 'others'",
    "one of another cluster": "UPDATE k8s_sync_revisions SET read_by = overlay(read_by PLACING '00000000' FROM 9)",
    "one that is still to come": "UPDATE k8s_sync_revisions SET revision = '999999999'",
    "one that is no number": "UPDATE k8s_sync_revisions SET revision = 'abc'",
    "a verification that is due": "UPDATE k8s_sync_targets SET last_verified_at = now() - interval '8 days'",
}


@pytest.mark.parametrize("stored", FORGOTTEN)
def test_what_can_not_be_gone_on_from_is_listed(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str, stored: str
) -> None:
    context = context_of(cluster)
    inventory(context, "pods", "configmaps", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))
    store.connection.execute(FORGOTTEN[stored].encode() + b" WHERE kind = 'pods'")
    results = inventory(context, "pods", "configmaps")
    assert {kind: (each.outcome, each.attempt.pages) for kind, each in results.items()} == {
        "pods": ("complete", 1),
        "configmaps": ("complete", 0),
    }
    assert_table_equals_cluster(store, cluster, "pods")
    cluster.delete(f"{shop}/pods/one")
    assert inventory(context, "pods")["pods"].attempt.pages == 0, "and that can be gone on from"
    assert_table_equals_cluster(store, cluster, "pods")


@pytest.mark.parametrize(
    "settings",
    [{"verify": True}, {"drop_labels": ["tier"]}, {"label_selectors": {"pods": "app"}}, {"namespaces": ["*"]}],
)
def test_under_other_settings_the_kind_is_listed(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, settings: dict[str, Any]
) -> None:
    context = context_of(cluster)
    inventory(context, "pods", mode="full")
    result = inventory(context, "pods", **settings)["pods"]
    assert result.outcome == "complete"
    assert result.attempt.pages > 0


def test_who_may_not_see_the_api_servers_has_all_listed(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory
) -> None:
    """A cluster that is restored from a backup could not be told from the one before."""
    context = context_of(cluster, user=User("reader"))
    for mode in ("full", "incremental", "incremental"):
        result = inventory(context, "pods", mode=mode)["pods"]
        assert (result.outcome, result.attempt.pages) == ("complete", 1)


def test_what_was_read_in_part_is_not_gone_on_from(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    """Rows of a later listing than the revision would be replaced by what was before."""
    context = context_of(cluster)
    inventory(context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))
    cluster.delete(f"{shop}/pods/one")
    inventory(context, "pods", mode="full", namespaces=[shop.split("/")[-1]])
    assert inventory(context, "pods")["pods"].attempt.pages == 1
    assert_table_equals_cluster(store, cluster, "pods")


# -- selections, Secrets, custom kinds ---------------------------------------------------------------


def test_what_leaves_a_selection_stays_and_what_is_gone_goes(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context, selected = context_of(cluster), {"label_selectors": {"pods": "part=yes"}}
    for name in ("leaves", "goes", "stays"):
        made = pod(name)
        made["metadata"]["labels"] = {"part": "yes"}
        cluster.create(f"{shop}/pods", made)
    inventory(context, "pods", mode="full", **selected)
    cluster.patch(f"{shop}/pods/leaves", {"metadata": {"labels": {"part": "no"}}})
    cluster.patch(f"{shop}/pods/stays", {"metadata": {"labels": {"at": "1"}}})
    cluster.delete(f"{shop}/pods/goes")
    result = inventory(context, "pods", **selected)["pods"]
    assert (result.outcome, result.attempt.pages, result.attempt.deleted) == ("complete", 0, 1), result
    rows = query_rows(store, "SELECT name FROM k8s_pods ORDER BY name")
    assert [row["name"] for row in rows] == ["leaves", "stays"]
    said = {(row["name"], row["change"]): row["evidence"] for row in changes(store)}
    assert said == {("goes", "deleted"): "watch event; GET: not found", ("stays", "updated"): "watch event"}
    cluster.patch(f"{shop}/pods/stays", {"metadata": {"labels": {"at": "2"}}})
    cluster.create(f"{shop}/pods", {**pod("goes"), "metadata": {"name": "goes", "labels": {"part": "yes"}}})
    inventory(context, "pods", **selected)
    cluster.patch(f"{shop}/pods/stays", {"metadata": {"labels": {"at": "3"}}})
    cluster.delete(f"{shop}/pods/goes")
    inventory(context, "pods", mode="full", **selected)
    listed = {row["name"]: row["evidence"] for row in changes(store, run_id="full-4")}
    assert listed.keys() == {"goes", "stays"}
    assert listed["goes"] == f"{listed['stays']}; GET: not found"


def _labelled(part: str, at: int = 0) -> dict[str, Any]:
    return {"metadata": {"labels": {"part": part, "at": str(at)}}}


@pytest.mark.parametrize(
    "between",
    [
        pytest.param([("full", "part=b", False)], id="other selectors"),
        pytest.param([("full", "part=b", True)], id="of its namespace"),
        pytest.param([("full", "part=a", False), ("full", "part=a", False)], id="it has left"),
        pytest.param([("full", "part=a", False), ("incremental", "part=a", False)], id="a watch says that it has left"),
    ],
)
@pytest.mark.parametrize("whole_before", [True, False])
def test_it_is_not_said_to_have_been_right_of_what_selectors_left_out(
    cluster: Cluster,
    store: Store,
    context_of: Callable[..., Context],
    inventory: Inventory,
    shop: str,
    between: list[tuple[str, str, bool]],
    whole_before: bool,
) -> None:
    """Of two objects one changes while nothing that is read selects it: when is not known but for what was before."""
    context, name = context_of(cluster), shop.split("/")[-1]

    def read(mode: str, selector: str, in_namespace: bool) -> None:
        given = {"label_selectors": {"configmaps": selector}} if selector else {}
        given |= {"namespaces": [name]} if in_namespace else {}
        assert inventory(context, "configmaps", mode=mode, **given)["configmaps"].outcome == "complete"

    for each in ("changes", "selected"):
        cluster.create(
            f"{shop}/configmaps", {**_labelled("a"), "metadata": {"name": each, **_labelled("a")["metadata"]}}
        )
    cluster.patch(f"{shop}/configmaps/selected", _labelled("b" if between[0][1] == "part=b" else "a"))
    read("full", "" if whole_before else "part in (a,b)", False)
    (known,) = query_rows(store, "SELECT exact_as_of FROM k8s_sync_targets WHERE kind = 'configmaps'")
    has_left = between[-1][1] == "part=a"
    for mode, selector, in_namespace in between:
        if (mode, selector, in_namespace) == between[-1]:
            cluster.patch(f"{shop}/configmaps/changes", _labelled("c" if has_left else "a", 1))
        read(mode, selector, in_namespace)
    cluster.patch(f"{shop}/configmaps/changes", _labelled("a", 2))
    cluster.patch(f"{shop}/configmaps/selected", {"data": {"more": "1"}})
    read("full", "" if between[-1][2] else "part in (a,b)" if not has_left else "part=a", between[-1][2])
    found = {row["name"]: row for row in changes(store, change="updated")}
    assert found["changes"]["not_before"] == known["exact_as_of"]


def test_what_selectors_select_is_known_to_have_been_right(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context, selected = context_of(cluster), {"label_selectors": {"configmaps": "part=a"}}
    cluster.create(f"{shop}/configmaps", {"metadata": {"name": "one", **_labelled("a")["metadata"]}})
    for at, mode in enumerate(("full", "full", "incremental", "full")):
        cluster.patch(f"{shop}/configmaps/one", _labelled("a", at))
        inventory(context, "configmaps", mode=mode, **selected)
    first, *later = changes(store, name="one")
    assert len(later) == 2
    for before, after in zip((first, *later), later, strict=False):
        assert before["not_before"] < before["seen_at"]
        assert before["not_before"] < after["not_before"] < before["seen_at"]


def test_secrets_are_watched_without_their_data(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str
) -> None:
    inventory(proxy.context, "secrets", mode="full")
    cluster.create(f"{shop}/secrets", {"metadata": {"name": "one"}, "stringData": {"key": "planted-in-a-secret"}})
    cluster.create(f"{shop}/secrets", {"metadata": {"name": "two"}, "type": "a/b", "stringData": {"a": "1", "b": "2"}})
    cluster.delete(f"{shop}/secrets/one")
    heard: list[bytes] = []

    def hear(path: str, real: Answer) -> None:
        if "watch=true" in path:
            heard.append(real.body)

    proxy.spoil = hear
    result = inventory(proxy.context, "secrets")["secrets"]
    assert (result.outcome, result.attempt.pages) == ("complete", 0), result
    assert b"cGxhbnRlZC" not in heard[0]
    (row,) = query_rows(store, "SELECT * FROM k8s_secrets WHERE namespace = %s", shop.split("/")[-1])
    assert (row["name"], row["type"], row["key_count"]) == ("two", "a/b", 2)
    assert_table_equals_cluster(store, cluster, "secrets", context="proxied")


def test_custom_objects_are_watched_until_their_definition_is_another(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context, namespaced = context_of(cluster), shop.split("/")[-1]
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("things", "watched.example"))
    path = f"/apis/watched.example/v1/namespaces/{namespaced}/things"
    cluster.until_served(path)
    try:
        inventory(context, custom=True, mode="full")
        thing = {"apiVersion": "watched.example/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {"size": 1}}
        cluster.create(path, thing)
        results = inventory(context, custom=True)
        assert (results["things.watched.example"].outcome, results["things.watched.example"].attempt.pages) == (
            "complete",
            0,
        )
        assert custom_objects(store, "things.watched.example").keys() == {"one"}
        column = {"name": "Size", "type": "integer", "jsonPath": ".spec.size"}
        crd_path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.watched.example"
        found = cluster.request("GET", crd_path)
        found["spec"]["versions"][0]["additionalPrinterColumns"] = [column]
        cluster.request("PUT", crd_path, found)
        cluster.create(path, {**thing, "metadata": {"name": "two"}})
        results = inventory(context, custom=True)
        assert results["things.watched.example"].attempt.pages == 1
        assert {
            row["printer_columns"].get("Size") for row in custom_objects(store, "things.watched.example").values()
        } == {1}
        cluster.delete(crd_path)
        cluster.until_gone(crd_path)
        results = inventory(context, custom=True)
        assert results["things.watched.example"].outcome in ("absent", "failed"), results
    finally:
        with suppress(Rejected):
            cluster.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.watched.example")


# -- others at work ----------------------------------------------------------------------------------


def test_what_another_run_writes_is_left_to_it_at_once(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context = context_of(cluster)
    inventory(context, "pods", "configmaps", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))
    cluster.create(f"{shop}/configmaps", {"metadata": {"name": "one"}})
    with again(store)() as other, Target.locked(other, KINDS["pods"], context.name) as target:
        target.begin(run_id="daily", attempt=1, ignored={})
        results = inventory(context, "pods", "configmaps")
        assert results["configmaps"].outcome == "complete"
        busy = results["pods"]
        assert busy.outcome == "busy"
        assert "left to another run" in str(busy.error)
        assert "run daily (attempt 1" in str(busy.error)
        assert busy.outcome.verdict(named=True) is Verdict.SKIP
        (noted,) = query_rows(store, "SELECT * FROM k8s_sync_runs WHERE outcome = 'busy'")
        assert (noted["kind"], noted["mode"], noted["error"]) == ("pods", "incremental", busy.error)
        assert status_of(store, "pods")["run_id"] == "daily", "the status is that of the run that is at it"
        (coverage,) = query_rows(store, "SELECT * FROM k8s_coverage_at(clock_timestamp()) WHERE kind = 'pods'")
        assert (coverage["known"], coverage["outcome"]) == ("complete", "complete"), "it says nothing of the rows"
        assert not query_rows(store, "SELECT * FROM k8s_not_known('{pods}')")
        target.end(Attempt(outcome=Outcome.FAILED, error="ended"))
    assert inventory(context, "pods")["pods"].attempt.pages == 0
    assert_table_equals_cluster(store, cluster, "pods")


def test_what_another_run_stored_in_the_meantime_counts_no_more(
    cluster: Cluster, store: Store, proxy: Proxy, inventory: Inventory, shop: str
) -> None:
    inventory(proxy.context, "pods", mode="full")
    cluster.create(f"{shop}/pods", pod("one"))
    heard: list[bytes] = []

    def meanwhile(path: str, real: Answer) -> None:
        if "watch=true" in path and not heard:
            heard.append(real.body)
            cluster.delete(f"{shop}/pods/one")
            assert inventory(proxy.context, "pods", mode="full")["pods"].outcome == "complete"

    proxy.spoil = meanwhile
    result = inventory(proxy.context, "pods")["pods"]
    assert result.outcome == "busy"
    assert "another run has stored it since" in str(result.error)
    assert status_of(store, "pods", context="proxied")["mode"] == "full", "the status is that of the other run"
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
    assert not changes(store, namespace=shop.split("/")[-1])


def test_a_run_that_dies_between_two_batches_is_gone_on_from(
    cluster: Cluster,
    store: Store,
    context_of: Callable[..., Context],
    inventory: Inventory,
    shop: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = context_of(cluster)
    inventory(context, "pods", mode="full")
    for number in range(6):
        cluster.create(f"{shop}/pods", pod(f"pod-{number}"))
    monkeypatch.setattr(following, "MOST_HELD", 2)
    monkeypatch.setattr(watching, "_AT_ONCE", 4096)
    stored: list[int] = []
    whole = reading.Reading.store_watched

    def dying(self: Any, target: Target, events: Any, **rest: Any) -> Any:
        if stored:
            raise MemoryError("killed")
        stored.append(len(events))
        return whole(self, target, events, **rest)

    with monkeypatch.context() as patched:
        patched.setattr(reading.Reading, "store_watched", dying)
        assert inventory(context, "pods")["pods"].outcome == "failed"
    query = "SELECT count(*) AS n FROM k8s_pods WHERE namespace = %s"
    (half,) = query_rows(store, query, shop.split("/")[-1])
    assert 0 < half["n"] < 6
    assert inventory(context, "pods")["pods"].attempt.pages == 0
    assert_table_equals_cluster(store, cluster, "pods")
    seen = [row["name"] for row in changes(store, namespace=shop.split("/")[-1])]
    assert sorted(seen) == [f"pod-{number}" for number in range(6)], "each once"


def test_who_may_list_and_not_watch_has_it_listed(
    start_cluster: Callable[..., Cluster], store: Store, context_of: Callable[..., Context], inventory: Inventory
) -> None:
    lister = User("lister")
    cluster = start_cluster(users=[lister])
    cluster.create("/api/v1/namespaces", namespace("shop"))
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
    ]
    cluster.grant(lister, rules)
    context = context_of(cluster, user=lister)
    inventory(context, "pods", mode="full")
    cluster.create("/api/v1/namespaces/shop/pods", pod("one"))
    result = inventory(context, "pods")["pods"]
    assert (result.outcome, result.attempt.pages) == ("complete", 1)


def test_an_object_that_flaps_has_one_row_and_one_change_a_batch(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context = context_of(cluster)
    cluster.create(f"{shop}/pods", pod("flaps"))
    inventory(context, "pods", mode="full")
    for number in range(60):
        cluster.patch(f"{shop}/pods/flaps", {"metadata": {"labels": {"n": str(number)}}})
    assert inventory(context, "pods")["pods"].attempt.changed == 1
    assert_table_equals_cluster(store, cluster, "pods")
    (change,) = changes(store, name="flaps", change="updated")
    assert change["columns"] == ["labels"]


def test_an_object_that_comes_and_goes_leaves_what_was_there_in_the_end(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context = context_of(cluster)
    cluster.create(f"{shop}/configmaps", {"metadata": {"name": "flaps"}})
    inventory(context, "configmaps", mode="full")
    for _ in range(60):
        cluster.delete(f"{shop}/configmaps/flaps")
        last = cluster.create(f"{shop}/configmaps", {"metadata": {"name": "flaps"}})["metadata"]
    attempt = inventory(context, "configmaps")["configmaps"].attempt
    assert (attempt.outcome, attempt.changed, attempt.deleted, attempt.pages) == ("complete", 1, 1, 0)
    assert_table_equals_cluster(store, cluster, "configmaps")
    seen = changes(store, name="flaps")
    assert sorted(each["change"] for each in seen) == ["created", "deleted"]
    assert [each["uid"] for each in seen if each["change"] == "created"] == [last["uid"]]


def test_instants_are_exact_however_rows_came(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context, namespaced = context_of(cluster), shop.split("/")[-1]
    inventory(context, "pods", mode="full")
    kept: dict[Any, Any] = {}

    def keep() -> None:
        (now,) = query_rows(store, "SELECT clock_timestamp() AS at")
        kept[now["at"]] = query_rows(
            store, "SELECT name, labels FROM k8s_pods WHERE namespace = %s ORDER BY 1", namespaced
        )

    for number in range(3):
        cluster.create(f"{shop}/pods", pod(f"pod-{number}"))
        cluster.patch(f"{shop}/pods/pod-0", {"metadata": {"labels": {"n": str(number)}}})
        inventory(context, "pods", mode="full" if number == 1 else "incremental")
        keep()
    cluster.delete(f"{shop}/pods/pod-0")
    cluster.create(f"{shop}/pods", pod("pod-0"))
    inventory(context, "pods")
    keep()
    store.connection.execute("VACUUM k8s_changes")
    for at, rows in kept.items():
        query = "SELECT name, labels FROM k8s_pods_at(%s) WHERE namespace = %s ORDER BY 1"
        assert query_rows(store, query, at, namespaced) == rows
        (coverage,) = query_rows(store, "SELECT known FROM k8s_coverage_at(%s) WHERE kind = 'pods'", at)
        assert coverage["known"] == "complete"


def test_a_user_who_empties_the_history_has_it_begin_then(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context = context_of(cluster)
    inventory(context, "pods", mode="full")
    (before,) = query_rows(store, "SELECT clock_timestamp() AS at")
    store.connection.execute("TRUNCATE k8s_changes")
    cluster.create(f"{shop}/pods", pod("one"))
    assert inventory(context, "pods")["pods"].attempt.pages == 0
    (coverage,) = query_rows(store, "SELECT known FROM k8s_coverage_at(%s) WHERE kind = 'pods'", before["at"])
    assert coverage["known"] == "unknown"
    assert [row["name"] for row in changes(store, namespace=shop.split("/")[-1])] == ["one"]


def test_events_that_a_watch_says_are_gone_are_kept(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    context = context_of(cluster)
    about = {"kind": "Pod", "name": "web", "namespace": shop.rpartition("/")[2]}
    for name in ("gone", "stays"):
        cluster.create(f"{shop}/events", {"metadata": {"name": name}, "involvedObject": about, "count": 1})
    assert inventory(context, "events", mode="full")["events"].outcome == "complete"
    cluster.patch(f"{shop}/events/gone", {"count": 5})
    assert inventory(context, "events")["events"].outcome == "complete"
    cluster.delete(f"{shop}/events/gone")
    result = inventory(context, "events")["events"]
    assert (result.outcome, result.attempt.pages, result.attempt.deleted) == ("complete", 0, 1)
    found = query_rows(
        store,
        "SELECT name, count, kept_at IS NOT NULL AS is_gone FROM k8s_event_history WHERE namespace = %s ORDER BY name",
        about["namespace"],
    )
    assert found == [{"name": "gone", "count": 5, "is_gone": True}, {"name": "stays", "count": 1, "is_gone": False}]
    cluster.delete(f"{shop}/events")


def test_how_many_objects_there_are_is_known_after_a_watch_too(
    cluster: Cluster, store: Store, context_of: Callable[..., Context], inventory: Inventory, shop: str
) -> None:
    """However it came to that: created, deleted, made anew, changed, or nothing at all."""
    context = context_of(cluster)
    for name in ("one", "two", "three"):
        cluster.create(f"{shop}/configmaps", {"metadata": {"name": name}})
    inventory(context, "configmaps", "services", mode="full")

    def counted() -> list[int]:
        kinds = ("configmaps", "services")
        results = inventory(context, *kinds)
        assert {kind: result.attempt.pages for kind, result in results.items()} == dict.fromkeys(kinds, 0)
        rows = [query_rows(store, f"SELECT count(*) FROM k8s_{kind}")[0]["count"] for kind in kinds]
        assert [results[kind].attempt.objects for kind in kinds] == rows
        assert [status_of(store, kind)["objects"] for kind in kinds] == rows
        return rows

    before = counted()
    cluster.delete(f"{shop}/configmaps/one")
    cluster.delete(f"{shop}/configmaps/two")
    cluster.create(f"{shop}/configmaps", {"metadata": {"name": "two"}})
    cluster.patch(f"{shop}/configmaps/three", {"data": {"a": "b"}})
    assert counted()[0] == before[0] - 1
    cluster.create(f"{shop}/configmaps", {"metadata": {"name": "four"}})
    assert counted()[0] == before[0]
    assert counted()[0] == before[0]


# -- connections -------------------------------------------------------------------------------------


def _connections_to(server: str) -> int:
    port = int(server.rpartition(":")[2])
    found = psutil.Process().net_connections("tcp")
    return sum(each.status == "ESTABLISHED" and bool(each.raddr) and each.raddr.port == port for each in found)


def test_the_watches_of_a_task_share_a_connection(
    cluster: Cluster, context_of: Callable[..., Context], shop: str
) -> None:
    """A hundred do, and the next has another."""
    with Session(context_of(cluster), IMPATIENT) as session, watching.Watches[str](session) as watches:
        kinds = [KINDS[name] for name in ("pods", "services", "secrets", "deployments", "jobs", "roles", "nodes")]
        named = {kind.name: kind for kind in kinds} | {
            f"configmaps {number}": KINDS["configmaps"] for number in range(94)
        }
        revision = int(cluster.request("GET", f"{shop}/configmaps")["metadata"]["resourceVersion"])
        before = _connections_to(cluster.server)
        made = {
            name: watching.Watch(session, kind, version=kind.versions[0], revision=revision, seconds=60)
            for name, kind in named.items()
        }
        watches.open(made)
        assert all(map(watches.is_open, made))
        assert _connections_to(cluster.server) - before <= 2
        cluster.create(f"{shop}/configmaps", {"metadata": {"name": "one"}})
        heard: set[str] = set()
        wanted = {name for name, kind in named.items() if kind.name == "configmaps"}
        end = time.monotonic() + 60
        while heard < wanted and time.monotonic() < end:
            events = list(watches.read(0.5))
            heard |= {name for name, event in events if isinstance(event, watching.Event) and event.name == "one"}
        assert heard >= wanted
    assert _connections_to(cluster.server) <= before
