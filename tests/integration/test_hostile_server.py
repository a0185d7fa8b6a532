"""A hostile or broken server costs bounded time and memory, whatever it sends; and no row."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS, ApiPath
from k8s_inventory.kube.discovery import describe, discover
from k8s_inventory.kube.errors import BadAnswer, KubeError, Stopped
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom
from tests.apart import sync_apart, sync_each_apart
from tests.cluster import Cluster
from tests.conftest import IMPATIENT, again
from tests.equality import assert_table_equals_cluster, rows_of, status_of
from tests.proxy import Answer, Proxy, dripping, packed, streamed
from tests.syncing import sync_kinds

Sync = Callable[..., Result]
HEAD = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":['
STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "said the server"}
PATIENCE = {"request_timeout": 1, "listing_timeout": 1.5}
MEGABYTES = 100
"""What a sync may take: the largest answer, some times over, and no more."""


def lists(
    plural: str, answer: Callable[[str, Answer], Answer | None], *, after: int = 0
) -> Callable[..., Answer | None]:
    """Spoils the lists of a kind that come after so many."""
    seen = itertools.count(1)

    def spoil(path: str, real: Answer) -> Answer | None:
        return answer(path, real) if f"/{plural}?" in path and next(seen) > after else None

    return spoil


def on_kinds_of_their_own(attacks: Iterable[str], *, last: str | None = None) -> dict[str, str]:
    """Attacks by kinds that are read alike, so that one inventory will do for all; `last` is the kind of the last."""
    attacks = list(attacks)
    plain = [name for name, kind in KINDS.items() if not kind.table_cells and len(kind.versions) == 1]
    kinds = plain[: len(attacks)] if last is None else [*plain[: len(attacks) - 1], last]
    return dict(zip(kinds, attacks, strict=True))


def spoil_each(
    attacked: Mapping[str, str], answer: Callable[[str, str, Answer], Answer]
) -> Callable[[str, Answer], Answer | None]:
    """Spoils each kind's lists by its own attack."""
    plurals = {f"/{KINDS[kind].plural}?": what for kind, what in attacked.items()}

    def spoil(path: str, real: Answer) -> Answer | None:
        return next((answer(what, path, real) for plural, what in plurals.items() if plural in path), None)

    return spoil


def forever(block: bytes) -> Iterator[bytes]:
    return itertools.repeat(block)


def chunked(chunks: Iterator[bytes]) -> Answer:
    return streamed(chunks, Transfer_Encoding="chunked")


def raw(blocks: Iterator[bytes]) -> Answer:
    return Answer(200, b"", stream=blocks)


# -- seconds -----------------------------------------------------------------------------------------

DRIPPING = {
    "a body": lambda real: streamed(dripping(real.body)),
    "a body of a length": lambda real: streamed(dripping(real.body), Content_Length="1000000"),
    "chunks": lambda real: chunked(b"1\r\n" + bytes([each]) + b"\r\n" for each in dripping(real.body) for each in each),
    "the size of a chunk": lambda real: chunked(dripping(b"0" * 1000)),
    "what follows the last chunk": lambda real: chunked(dripping(b"0\r\n" + b"a: b\r\n" * 1000)),
    "gzip": lambda real: streamed(dripping(b"".join(packed(real.body, b" ", 0))), Content_Encoding="gzip"),
    "headers": lambda real: raw(dripping(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000)),
    "the status line": lambda real: raw(dripping(b"HTTP/1.1 200 " + b"O" * 1000)),
    "answers that are none yet": lambda real: raw(dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    "an error": lambda real: streamed(dripping(json.dumps(STATUS).encode()), status=403),
}


def test_what_drips_in_is_waited_for_only_so_long(proxy: Proxy, store: Store, sync: Sync) -> None:
    attacked = on_kinds_of_their_own(DRIPPING)
    for kind in attacked:
        assert sync(proxy.context, kind).attempt.outcome == "complete"
    before = {kind: rows_of(store, kind, context="proxied") for kind in attacked}
    proxy.spoil = spoil_each(attacked, lambda what, path, real: DRIPPING[what](real))
    limits = replace(IMPATIENT, requests_in_flight=len(attacked), connect_timeout=10, **PATIENCE)
    settings = Settings.load({"kinds_at_once": len(attacked)})
    with Session(proxy.context, limits) as session:
        start = time.monotonic()
        kinds = [KINDS[name] for name in attacked]
        results = list(sync_kinds(session, again(store), kinds, run=Run("drips"), settings=settings))
    assert time.monotonic() - start < 25, "two turns: one kind goes first"
    for result in results:
        what = attacked[result.kind]
        assert result.attempt.outcome == "failed", what
        assert "K8S_REQUEST_TIMEOUT" in str(result.attempt.error), what
        assert rows_of(store, result.kind, context="proxied") == before[result.kind], what


def test_a_later_page_that_drips_in_makes_it_partial(proxy: Proxy, store: Store, sync: Sync) -> None:
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")
    proxy.spoil = lists("pods", lambda path, real: streamed(dripping(real.body)), after=2)
    result = sync(proxy.context, "pods", page_size=1, **PATIENCE)
    assert (result.attempt.outcome, result.attempt.objects, result.attempt.deleted) == ("partial", 2, 0)
    assert rows_of(store, "pods", context="proxied") == before


def test_a_kind_that_drips_in_does_not_make_its_context_dead(proxy: Proxy, sync: Sync) -> None:
    proxy.spoil = lists("pods", lambda path, real: streamed(dripping(real.body)))
    run = Run("dripping")
    assert sync(proxy.context, "pods", run=run, **PATIENCE).attempt.outcome == "failed"
    assert sync(proxy.context, "services", run=run, **PATIENCE).attempt.outcome == "complete"


def test_a_cluster_that_drips_in_is_unreachable_and_tried_once(proxy: Proxy, sync: Sync) -> None:
    proxy.spoil = lambda path, real: streamed(dripping(real.body))
    run, start = Run("dripping"), time.monotonic()
    assert sync(proxy.context, "pods", run=run, **PATIENCE).attempt.outcome == "unreachable"
    assert time.monotonic() - start < 20
    assert "not tried again" in str(sync(proxy.context, "services", run=run, **PATIENCE).attempt.error)


def test_slow_but_progressing_is_allowed(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    def slow(path: str, real: Answer) -> Answer | None:
        time.sleep(0.4)
        return None

    proxy.spoil = lists("pods", slow)
    start = time.monotonic()
    result = sync(proxy.context, "pods", page_size=1, listing_timeout=1.2)
    assert time.monotonic() - start > 1.5
    assert result.attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


@pytest.mark.parametrize("code", [429, 503])
def test_a_server_that_is_always_busy_is_waited_for_only_so_long(proxy: Proxy, code: int) -> None:
    busy = Answer(code, json.dumps(STATUS | {"code": code}).encode(), {"Retry-After": "999999"})
    proxy.spoil = lambda path, real: busy
    limits = replace(IMPATIENT, attempts=1000, longest_wait=1)
    start = time.monotonic()
    with Session(proxy.context, limits) as session, pytest.raises(BadAnswer, match=f"answered {code}"):
        session.get(ApiPath("api"), seconds=2.5)
    assert time.monotonic() - start < 20


def test_who_waits_can_be_ended(proxy: Proxy, store: Store) -> None:
    """By what ends the task: neither silence nor a queue for the next request nor a pause before it holds it up."""
    proxy.spoil = lambda path, real: proxy.closing.wait(30) and None if "?" in path else None
    stopped = threading.Event()
    limits = replace(IMPATIENT, read_timeout=30, requests_in_flight=1)
    with Session(proxy.context, limits, stopped=stopped) as session:
        threading.Timer(1, stopped.set).start()
        start = time.monotonic()
        kinds = [KINDS[name] for name in ("pods", "services", "nodes")]
        settings = Settings.load({"kinds_at_once": 2})
        results = list(sync_kinds(session, again(store), kinds, run=Run("r"), settings=settings))
    assert time.monotonic() - start < 20
    assert {each.attempt.outcome for each in results} == {"failed"}
    for kind in kinds:
        assert "the task that reads it was ended" in str(status_of(store, kind.name, context="proxied")["error"])
    with pytest.raises(Stopped):
        session.get(ApiPath("api"))


def test_confirming_what_is_gone_takes_only_so_long(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    sync(proxy.context, "pods")
    names = [
        row[0] for row in store.connection.execute("SELECT name FROM k8s_pods WHERE namespace = 'shop'").fetchall()
    ]

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path:
            return real.with_json(real.json | {"items": []})
        return streamed(dripping(real.body)) if "/pods/" in path else None

    proxy.spoil = spoil
    start = time.monotonic()
    result = sync(proxy.context, "pods", field_selectors={"pods": "spec.nodeName!=x"}, **PATIENCE)
    assert time.monotonic() - start < 20
    assert result.attempt.deleted == 0
    assert "could not be confirmed" in str(result.attempt.warning)
    assert len(names) > 3
    assert len([path for path in proxy.requests if "/pods/" in path]) <= 3


# -- bytes -------------------------------------------------------------------------------------------


@cache
def bomb(head: bytes) -> bytes:
    """300 MB in 300 kB."""
    return b"".join(packed(head, b" ", 300))


ENDLESS = {
    "a body": lambda: streamed(itertools.chain([HEAD], forever(b" " * 65536))),
    "a body that says how long it is": lambda: streamed(forever(b" " * 65536), Content_Length=str(1 << 40)),
    "chunks": lambda: chunked(forever(b"10000\r\n" + b" " * 65536 + b"\r\n")),
    "a chunk of no size": lambda: chunked(itertools.chain([b"-1\r\n"], forever(b" " * 65536))),
    "one chunk": lambda: chunked(itertools.chain([b"ffffffffffff\r\n"], forever(b" " * 65536))),
    "gzip": lambda: Answer(200, bomb(HEAD), {"Content-Encoding": "gzip"}),
    "gzip in gzip": lambda: Answer(200, bomb(HEAD), {"Content-Encoding": "gzip, gzip"}),
    "gzip of an error": lambda: Answer(403, bomb(b'{"kind":"Status"'), {"Content-Encoding": "gzip"}),
    "an error": lambda: streamed(forever(b" " * 65536), status=500),
    "headers": lambda: raw(itertools.chain([b"HTTP/1.1 200 OK\r\n"], forever(b"X-A: " + b"b" * 60000 + b"\r\n"))),
    "a status line": lambda: raw(forever(b"HTTP/1.1 ")),
    "what follows the last chunk": lambda: chunked(itertools.chain([b"0\r\n"], forever(b"a: b\r\n" * 1000))),
    "objects that are none": lambda: streamed(itertools.chain([HEAD], forever(b"{}," * 20000))),
    "gzip of a Table": lambda: Answer(200, bomb(b'{"kind":"Table","rows":['), {"Content-Encoding": "gzip"}),
}


def test_an_answer_without_end_is_refused_before_it_is_in_memory(proxy: Proxy, store: Store, database_url: str) -> None:
    """Secrets come as a Table."""
    attacked = on_kinds_of_their_own(ENDLESS, last="secrets")
    proxy.spoil = spoil_each(attacked, lambda what, path, real: ENDLESS[what]())
    bounds = {"max_page_bytes": 8 << 20, "page_size": 2, "request_timeout": 20}
    results = sync_each_apart(proxy.context, [*attacked], database_url, **bounds)
    for what, apart in zip(attacked.values(), results, strict=True):
        assert apart.outcome in ("failed", "unreachable"), what
        assert apart.megabytes < MEGABYTES, what
        assert apart.seconds < 30, what


def test_many_tiny_values_are_refused_too(proxy: Proxy, store: Store, database_url: str) -> None:
    """Each takes fifty times its size. By the default bounds: 60 MB of a list, and 16 of discovery."""
    tiny = HEAD + b"{}," * (20 << 20) + b"{}]}"
    proxy.spoil = lists("pods", lambda path, real: Answer(200, tiny))
    apart = sync_apart(proxy.context, "pods", database_url, page_size=1)
    assert (apart.outcome, apart.objects) == ("failed", 0)
    assert "values" in str(apart.error)
    assert apart.megabytes < 400
    sizes = b'{"kind":"APIGroupDiscoveryList","items":[' + b'{"metadata":{}},' * 3_000_000 + b"{}]}"
    proxy.spoil = lambda path, real: Answer(200, sizes) if path == "/apis" else None
    with Session(proxy.context, IMPATIENT) as session, pytest.raises(BadAnswer, match="bytes"):
        discover(session)


def test_a_large_page_is_read_in_smaller_ones(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    """From the same continue token on, and then so for the rest."""
    count = sync(proxy.context, "pods").attempt.objects
    largest = len(json.dumps(max(cluster.list("/api/v1/pods"), key=lambda each: len(json.dumps(each)))))
    proxy.requests.clear()
    result = sync(proxy.context, "pods", page_size=4, max_page_bytes=2 * largest + 500)
    assert (result.attempt.outcome, result.attempt.objects) == ("complete", count)
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
    limits = [path.partition("limit=")[2].partition("&")[0] for path in proxy.lists("pods")]
    assert limits[:2] == ["4", "2"]
    assert limits == sorted(limits, reverse=True)


def test_an_object_that_is_larger_than_a_page_may_be_is_named(proxy: Proxy, store: Store, sync: Sync) -> None:
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")
    result = sync(proxy.context, "pods", max_page_bytes=1500)
    assert result.attempt.outcome == "failed"
    assert "K8S_MAX_PAGE_BYTES" in str(result.attempt.error)
    assert [path.partition("limit=")[2] for path in proxy.lists("pods")][-1] == "1"
    assert rows_of(store, "pods", context="proxied") == before


def test_nothing_of_a_refused_answer_is_taken_for_the_next(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync
) -> None:
    """Its connection is not used again."""
    stale = Answer(200, HEAD + b"]}" + b" " * 3_000_000 + HEAD + b"]}")
    proxy.spoil = lists("pods", lambda path, real: stale if "limit=1" not in path else None)
    result = sync(proxy.context, "pods", page_size=2, max_page_bytes=1_000_000)
    assert result.attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


@pytest.mark.parametrize("wrong", ["no gzip", "half of it", "more behind it"])
def test_gzip_that_is_not_right_is_no_answer(proxy: Proxy, store: Store, sync: Sync, wrong: str) -> None:
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")

    def spoil(path: str, real: Answer) -> Answer:
        whole = b"".join(packed(real.body, b" ", 0))
        body = {"no gzip": real.body, "half of it": whole[: len(whole) // 2], "more behind it": whole + whole}[wrong]
        return Answer(200, body, {"Content-Encoding": "gzip"})

    proxy.spoil = lists("pods", spoil)
    assert sync(proxy.context, "pods").attempt.outcome in ("failed", "unreachable")
    assert rows_of(store, "pods", context="proxied") == before


# -- lists without end -------------------------------------------------------------------------------


class Endless:
    """Answers to a list of which none is the last, made of what the first really held."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.number = -1

    def __call__(self, path: str, real: Answer) -> Answer:
        self.number += 1
        if self.number == 0:
            self.first = real.json
        token = {"the same token": "same", "tokens in a circle": f"token-{self.number % 3}"}.get(
            self.kind, f"token-{self.number}"
        )
        metadata = {"resourceVersion": self.first["metadata"]["resourceVersion"], "continue": token}
        return Answer(200, json.dumps({**self.first, "metadata": metadata, "items": self.items()}).encode())

    def items(self) -> list[dict[str, Any]] | None:
        items = self.first["items"]
        if self.kind == "new objects":
            named = {"uid": f"uid-{self.number}", "name": f"pod-{self.number}"}
            return [{**items[0], "metadata": {**items[0]["metadata"], **named}}]
        if self.number == 0:
            return items
        return {"pages of nothing": [], "no items": None, "some again": items[self.number % 2 :]}.get(self.kind, items)


@pytest.mark.parametrize(
    "kind", ["the same token", "tokens in a circle", "the same page", "pages of nothing", "no items", "some again"]
)
def test_a_list_without_end_is_partial_and_prunes_nothing(proxy: Proxy, store: Store, sync: Sync, kind: str) -> None:
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")
    proxy.requests.clear()
    proxy.spoil = lists("pods", Endless(kind))
    result = sync(proxy.context, "pods", page_size=3, max_empty_pages=5)
    assert (result.attempt.outcome, result.attempt.deleted) == ("partial", 0)
    why = "came for the second time" if "token" in kind else "K8S_MAX_EMPTY_PAGES"
    assert why in str(result.attempt.error)
    assert len(proxy.lists("pods")) < 12
    assert rows_of(store, "pods", context="proxied") == before


@pytest.mark.parametrize("goes_on", ["new", "same"])
def test_a_token_that_keeps_expiring_ends(proxy: Proxy, store: Store, sync: Sync, goes_on: str) -> None:
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")
    proxy.requests.clear()
    counter = itertools.count()

    def expired(path: str, real: Answer) -> Answer | None:
        if "continue=" not in path:
            return None
        token = f"token-{next(counter)}" if goes_on == "new" else "token"
        return Answer(410, json.dumps(STATUS | {"code": 410, "metadata": {"continue": token}}).encode())

    proxy.spoil = lists("pods", expired)
    result = sync(proxy.context, "pods", page_size=2, max_empty_pages=5)
    assert result.attempt.outcome == "partial"
    assert len(proxy.lists("pods")) < 12
    assert rows_of(store, "pods", context="proxied") == before


def test_new_objects_without_end_are_partial(proxy: Proxy, store: Store, sync: Sync) -> None:
    proxy.spoil = lists("pods", Endless("new objects"))
    result = sync(proxy.context, "pods", max_listing_bytes=20_000)
    assert result.attempt.outcome == "partial"
    assert "K8S_MAX_LISTING_BYTES" in str(result.attempt.error)
    assert 2 < result.attempt.objects < 50
    assert rows_of(store, "pods", context="proxied") == result.attempt.objects


def test_many_honest_pages_are_no_list_without_end(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    result = sync(proxy.context, "pods", page_size=1, max_empty_pages=1)
    assert result.attempt.outcome == "complete"
    assert result.attempt.pages > 4
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


def test_namespaces_without_end_are_no_namespaces(proxy: Proxy, sync: Sync) -> None:
    proxy.spoil = lists("namespaces", Endless("the same page"))
    result = sync(proxy.context, "pods", namespaces=["shop*"], max_empty_pages=5)
    assert result.attempt.outcome == "failed"
    assert "K8S_MAX_EMPTY_PAGES" in str(result.attempt.error)


# -- discovery ---------------------------------------------------------------------------------------


def test_crds_without_end_are_no_crds(proxy: Proxy) -> None:
    """Printer columns are read from them."""
    proxy.spoil = lists("customresourcedefinitions", Endless("the same page"))
    with Session(proxy.context, replace(IMPATIENT, max_empty_pages=5)) as session:
        kinds = list(discover(session).kinds.values())
        with pytest.raises(BadAnswer, match="K8S_MAX_EMPTY_PAGES"):
            describe(session, kinds, page_size=500, most_columns=100)
    assert len(proxy.lists("customresourcedefinitions")) < 12


def _many_kinds(count: int) -> Answer:
    resources = [
        {
            "resource": f"things{number}",
            "responseKind": {"kind": f"Thing{number}"},
            "scope": "Cluster",
            "verbs": ["list"],
        }
        for number in range(count)
    ]
    versions = [{"version": "v1", "resources": resources}]
    value = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "many.example"}, "versions": versions}]}
    return Answer(200, json.dumps(value).encode())


def test_more_kinds_than_there_may_be_are_none(proxy: Proxy, store: Store) -> None:
    proxy.spoil = lambda path, real: _many_kinds(30) if path == "/apis" else None
    with Session(proxy.context, replace(IMPATIENT, max_custom_kinds=20)) as session:
        result, kinds = find_custom(session, store, Custom(("*",)), run=Run("r"), settings=Settings.load())
    assert (result.attempt.outcome, kinds) == ("failed", [])
    assert "K8S_MAX_CUSTOM_KINDS" in str(result.attempt.error)


def test_a_group_that_drips_in_fails_alone(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Discovery of old clusters asks for each group."""
    monkeypatch.setattr("k8s_inventory.kube.discovery._AGGREGATED", "application/json")
    proxy.spoil = lambda path, real: streamed(dripping(real.body)) if path == "/apis/batch/v1" else None
    start = time.monotonic()
    with Session(proxy.context, replace(IMPATIENT, request_timeout=1)) as session:
        found = discover(session)
    assert time.monotonic() - start < 20
    assert set(found.failed) == {"batch"}
    assert "tests.shop.example" in found.kinds


# -- redirects and texts -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_takes_nothing_elsewhere(cluster: Cluster, proxy: Proxy, sync: Sync, code: int) -> None:
    with Proxy(cluster) as elsewhere:
        proxy.spoil = lambda path, real: Answer(code, b"", {"Location": elsewhere.url + path})
        assert sync(proxy.context, "pods").attempt.outcome == "failed"
        assert elsewhere.requests == []


LONG = "x" * 3_000_000


def _with(metadata: dict[str, object], *, of_item: bool = False) -> Callable[[str, Answer], Answer]:
    def answer(path: str, real: Answer) -> Answer:
        value = real.json
        (value["items"][0] if of_item else value)["metadata"] |= metadata
        return real.with_json(value)

    return answer


LONG_TEXTS: dict[str, Callable[[str, Answer], Answer]] = {
    "a message": lambda path, real: Answer(403, json.dumps(STATUS | {"message": LONG[:200_000]}).encode()),
    "a message of a failure": lambda path, real: Answer(500, json.dumps(STATUS | {"message": LONG[:200_000]}).encode()),
    "a kind": lambda path, real: real.with_json(real.json | {"kind": LONG}),
    "an apiVersion": lambda path, real: real.with_json(real.json | {"apiVersion": LONG}),
    "a revision": _with({"resourceVersion": LONG}),
    "a token": _with({"continue": LONG}),
    "a uid": _with({"uid": LONG}, of_item=True),
    "a version": _with({"resourceVersion": LONG}, of_item=True),
    "a status line": lambda path, real: Answer(
        200, b"", stream=iter([b"HTTP/1.1 " + LONG[:60_000].encode() + b"\r\n\r\n"])
    ),
    "a location": lambda path, real: Answer(302, b"", {"Location": LONG[:60_000]}),
}


def test_long_texts_of_a_server_are_neither_stored_nor_logged(
    proxy: Proxy, store: Store, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    attacked = on_kinds_of_their_own(LONG_TEXTS)
    for kind in attacked:
        assert sync(proxy.context, kind).attempt.objects > 0, kind
    caplog.set_level(logging.DEBUG)
    proxy.spoil = spoil_each(attacked, lambda what, path, real: LONG_TEXTS[what](path, real))
    for kind, what in attacked.items():
        before = rows_of(store, kind, context="proxied")
        assert sync(proxy.context, kind).attempt.outcome in ("failed", "forbidden", "unreachable"), what
        assert rows_of(store, kind, context="proxied") == before, what
        sizes = "SELECT max(length(r::text)) FROM k8s_sync_runs r"
        assert store.connection.execute(sizes).fetchone() < (5000,), what
        assert all(len(record.getMessage()) < 5000 for record in caplog.records if record.name.startswith("k8s")), what


def test_an_object_of_a_long_name_is_stored_by_its_beginning(
    proxy: Proxy, store: Store, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    metadata: dict[str, object] = {"name": LONG, "resourceVersion": "0", "creationTimestamp": "never"}
    caplog.set_level(logging.DEBUG)
    proxy.spoil = lambda path, real: _with(metadata, of_item=True)(path, real) if "/pods?" in path else None
    attempt = sync(proxy.context, "pods").attempt
    assert attempt.outcome == "complete"
    assert f"/{LONG[:100]}" in str(attempt.warning)
    assert len(str(attempt.warning)) < 3000
    named = "SELECT created_at IS NULL FROM k8s_pods WHERE name = %s"
    assert store.connection.execute(named, [f"{LONG[:500]}\ufffd"]).fetchall() == [(True,)]
    assert all(len(record.getMessage()) < 5000 for record in caplog.records if record.name.startswith("k8s"))


@pytest.mark.parametrize("number", [b"1e999", b"1" + b"0" * 5000])
def test_an_object_that_can_not_be_stored_keeps_no_other_from_it(
    proxy: Proxy, store: Store, sync: Sync, number: bytes
) -> None:
    """Beside environments to redact, which its JSON must be taken apart for."""
    metadata = b'{"name":"odd","namespace":"shop","uid":"odd","resourceVersion":"1"}'
    data = b'{"env":[{"name":"A","value":"pl4nted"}],"n":' + number + b"}"
    odd = b'{"metadata":' + metadata + b',"revision":1,"data":' + data + b"},"
    kind = "controllerrevisions"
    stored = "SELECT name, data::text FROM k8s_controllerrevisions"
    assert sync(proxy.context, kind).attempt.outcome == "complete"
    usual = set(store.connection.execute(stored).fetchall())
    assert usual

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/controllerrevisions?" not in path:
            return None
        return Answer(200, real.body.replace(b'"items":[', b'"items":[' + odd), real.headers)

    proxy.spoil = spoil
    for _ in range(2):  # it never counts as unchanged
        attempt = sync(proxy.context, kind).attempt
        assert attempt.outcome == "partial"
        assert f"{kind} shop/odd" in str(attempt.error)
        ((name, kept),) = set(store.connection.execute(stored)) - usual
        assert (name, kept) in (("odd", None), ("odd", "{}"))
    proxy.spoil = lambda path, real: None
    attempt = sync(proxy.context, kind).attempt
    assert (attempt.outcome, attempt.deleted) == ("complete", 1)


def test_a_cluster_of_a_long_name_is_refused(proxy: Proxy, store: Store, sync: Sync) -> None:
    def spoil(asked: str, real: Answer) -> Answer | None:
        return real.with_json(real.json | {"metadata": {"uid": LONG}}) if "kube-system" in asked else None

    proxy.spoil = spoil
    result = sync(proxy.context, "pods")
    assert result.attempt.outcome == "failed"
    assert len(str(result.attempt.error)) < 3000


def _text(place: bytes, text: bytes) -> Callable[[str, Answer], Answer]:
    """Puts raw JSON in the place of the first text of this field."""

    def answer(path: str, real: Answer) -> Answer:
        before, _, after = real.body.partition(b'"' + place + b'":"')
        return Answer(200, before + b'"' + place + b'":' + text + b"," + b'"' + place + b'_":"' + after, real.headers)

    return answer


NO_TEXTS: dict[str, Callable[[str, Answer], Answer]] = {
    "U+0000 in a revision": _with({"resourceVersion": "1\0"}),
    "U+0000 in a uid": _with({"uid": "a\0"}, of_item=True),
    "U+0000 in a version": _with({"resourceVersion": "1\0"}, of_item=True),
    "a name of no UTF-8": _text(b"name", b'"\xff"'),
    "a field of no UTF-8": _text(b"dnsPolicy", b'"\xed\xa0\x80"'),
}


@pytest.mark.parametrize("text", NO_TEXTS)
def test_what_is_no_text_of_postgresql_is_a_bad_answer(proxy: Proxy, store: Store, sync: Sync, text: str) -> None:
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")
    proxy.spoil = lists("pods", NO_TEXTS[text])
    result = sync(proxy.context, "pods", verify=True)
    assert result.attempt.outcome == "failed"
    assert "page 1" in str(result.attempt.error)
    assert rows_of(store, "pods", context="proxied") == before


def test_a_cluster_of_no_text_is_a_bad_answer(proxy: Proxy, sync: Sync) -> None:
    path, spoilt = "/api/v1/namespaces/kube-system", {"metadata": {"uid": "u\0", "name": "kube-system"}}
    proxy.spoil = lambda asked, real: real.with_json(real.json | spoilt) if asked == path else None
    attempt = sync(proxy.context, "pods").attempt
    assert (attempt.outcome, path in str(attempt.error)) == ("failed", True)


def test_a_version_loses_its_userinfo(proxy: Proxy, store: Store, sync: Sync) -> None:
    version = {"gitVersion": "https://u:s3cret@host"}
    proxy.spoil = lambda asked, real: real.with_json(real.json | version) if asked == "/version" else None
    assert sync(proxy.context, "pods").attempt.outcome == "complete"
    assert "s3cret" not in str(store.connection.execute("SELECT c::text FROM k8s_sync_contexts c").fetchall())


@pytest.mark.parametrize("name", ["resource", "version", "kind", "group"])
def test_discovery_of_long_names_is_refused(proxy: Proxy, name: str) -> None:
    value = _many_kinds(1).json
    group = value["items"][0]
    if name == "group":
        group["metadata"]["name"] = LONG
    elif name == "version":
        group["versions"][0]["version"] = LONG
    elif name == "kind":
        group["versions"][0]["resources"][0]["responseKind"]["kind"] = LONG
    else:
        group["versions"][0]["resources"][0]["resource"] = LONG
    proxy.spoil = lambda path, real: real.with_json(value) if path == "/apis" else None
    with Session(proxy.context, IMPATIENT) as session, pytest.raises(KubeError) as refused:
        discover(session)
    assert len(str(refused.value)) < 3000


@pytest.mark.parametrize("nested", [b"[" * 2_000_000, b'{"a":' * 2_000_000, b"[" * 900 + b"]" * 900])
@pytest.mark.parametrize("path", ["/api/v1/namespaces/kube-system", "/api/v1/pods", "/api/v1/secrets"])
def test_nesting_without_end_is_no_answer(proxy: Proxy, sync: Sync, path: str, nested: bytes) -> None:
    proxy.spoil = lambda asked, real: Answer(200, nested) if asked.partition("?")[0] == path else None
    result = sync(proxy.context, "secrets" if "secrets" in path else "pods")
    assert result.attempt.outcome == "failed"


def test_a_kind_that_raises_what_nobody_foresaw_fails_alone_and_says_so(
    proxy: Proxy, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("of s3cret")

    monkeypatch.setattr("k8s_inventory.sync.reading._versions", broken)
    with Session(proxy.context, IMPATIENT) as session:
        kinds = [KINDS["pods"], KINDS["services"]]
        results = list(sync_kinds(session, again(store), kinds, run=Run("r"), settings=Settings.load()))
    assert [each.attempt.outcome for each in results] == ["failed", "failed"]
    for kind in kinds:
        status = status_of(store, kind.name, context="proxied")
        assert status["outcome"] == "failed"
        assert "ZeroDivisionError" in str(status["error"])
        assert "s3cret" not in str(status["error"])
