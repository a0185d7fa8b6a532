"""Paging: one consistent snapshot, and what happens when its continue token expires."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from k8s_inventory.collector import Decoder, Envelope
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import BadAnswer
from k8s_inventory.kube.listing import Listing
from k8s_inventory.kube.session import Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN
from tests.cluster.objects import pod
from tests.conftest import IMPATIENT
from tests.equality import assert_table_equals_cluster, rows_of
from tests.proxy import Answer, Proxy

PODS = "/api/v1/namespaces/default/pods"
Sync = Callable[..., Result]
ContextOf = Callable[..., Context]


@pytest.fixture(scope="module")
def forgetful(start_cluster: Callable[..., Cluster]) -> Cluster:
    """A cluster whose etcd forgets old revisions every few seconds: continue tokens expire for real."""
    made = start_cluster(arguments=["--etcd-compaction-interval=1s", "--feature-gates=ListFromCacheSnapshot=false"])
    for number in range(6):
        made.create(PODS, pod(f"pod-{number}"))
    return made


def age(cluster: Cluster, token: str) -> None:
    """Keeps writing until the API server refuses the token with 410."""
    deadline = time.monotonic() + 60
    number = 0
    while time.monotonic() < deadline:
        number += 1
        cluster.patch(f"{PODS}/pod-0", {"metadata": {"labels": {"beat": str(number)}}})
        response = cluster._pool().request(
            "GET", f"/api/v1/pods?limit=2&continue={token}", headers={"Authorization": f"Bearer {ADMIN.token}"}
        )
        if response.status == 410:
            return
        time.sleep(0.5)
    raise AssertionError("the continue token did not expire")


class Aging:
    """Before the `at`-th list request of a session goes out, lets its continue token expire."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cluster: Cluster, *, at: set[int]) -> None:
        self.requests = 0
        original = Session.get

        def get(session: Session, path: str, query: object = None, **rest: object) -> bytes:
            if path.endswith("/pods") and isinstance(query, dict) and "limit" in query:
                self.requests += 1
                if self.requests in at:
                    age(cluster, query["continue"])
            return original(session, path, query, **rest)  # type: ignore[arg-type]

        monkeypatch.setattr(Session, "get", get)


def test_an_expired_token_starts_the_listing_over(
    forgetful: Cluster, store: Store, sync: Sync, context_of: ContextOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 410 is the API server's own. What was read before it counts no more."""
    context = context_of(forgetful)
    Aging(monkeypatch, forgetful, at={2})
    result = sync(context, "pods", page_size=2)
    monkeypatch.undo()
    assert result.attempt.outcome == "complete"
    assert result.attempt.pages == 3
    assert_table_equals_cluster(store, forgetful, "pods")


def test_a_token_that_expires_twice_gives_the_inconsistent_rest_and_no_deletes(
    forgetful: Cluster, store: Store, sync: Sync, context_of: ContextOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(forgetful)
    forgetful.create(PODS, pod("gone"))
    sync(context, "pods")
    before = rows_of(store, "pods")
    forgetful.delete(f"{PODS}/gone")
    Aging(monkeypatch, forgetful, at={2, 4})  # page 2 of the first pass, page 2 of the second
    result = sync(context, "pods", page_size=2)
    monkeypatch.undo()
    assert result.attempt.outcome == "partial"
    assert result.attempt.objects == 6
    assert "expired twice" in str(result.attempt.error)
    assert rows_of(store, "pods") == before
    assert sync(context, "pods").attempt.deleted == 1
    assert_table_equals_cluster(store, forgetful, "pods")


def test_a_restart_leaves_nothing_of_the_first_pass(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    """An object that only the first pass saw, deleted since, must not count as seen."""
    cluster.create("/api/v1/namespaces/default/pods", pod("aaa-first"))
    sync(proxy.context, "pods")
    lists = iter(range(1, 100))
    expired = b'{"kind":"Status","code":410,"reason":"Expired","metadata":{"continue":"x"}}'

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path and next(lists) == 2:
            cluster.delete("/api/v1/namespaces/default/pods/aaa-first")
            return Answer(410, expired)
        return None

    proxy.spoil = spoil
    result = sync(proxy.context, "pods", page_size=2)
    assert result.attempt.outcome == "complete"
    assert result.attempt.deleted == 1
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


class NamedMetadata(msgspec.Struct):
    name: str


class Named(msgspec.Struct):
    metadata: NamedMetadata


def test_pages_come_from_one_snapshot(cluster: Cluster, context_of: ContextOf) -> None:
    """What is created while the listing runs is not in it."""
    with Session(context_of(cluster), IMPATIENT) as session:
        listing = Listing(session, KINDS["pods"], item=Named, page_size=2)
        pages = listing.pages()
        first = next(pages)
        cluster.create("/api/v1/namespaces/shop/pods", pod("zzz-late"))
        rest = list(pages)
    cluster.delete("/api/v1/namespaces/shop/pods/zzz-late")
    names = {item.metadata.name for page in (first, *rest) for item in page.items}
    assert "zzz-late" not in names
    assert {page.resource_version for page in rest} == {first.resource_version}


def test_a_page_of_another_revision_proves_nothing(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    """API servers behind one address that do not agree: what the pages lack together may still exist."""
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")
    lists = iter(range(1, 100))

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path or next(lists) != 2:
            return None
        value = real.json
        value["metadata"] = {"resourceVersion": "1"}
        return real.with_json(value | {"items": []})

    proxy.spoil = spoil
    result = sync(proxy.context, "pods", page_size=2)
    assert result.attempt.outcome == "partial"
    assert "page 2 is of revision 1" in str(result.attempt.error)
    assert rows_of(store, "pods", context="proxied") == before


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("wrong", ["kind", "version", "namespace"])
@pytest.mark.parametrize("item", [Envelope, Decoder(KINDS["pods"]).item, msgspec.Raw, Named])
def test_objects_of_another_kind_or_namespace_are_no_page(
    cluster: Cluster, proxy: Proxy, item: type[object], wrong: str, page: int
) -> None:
    """Whatever of them is decoded. Lists of custom resources say of each object what it is, and all of one kind do."""
    said = {"kind": "Pod", "apiVersion": "v1"}
    other = {"kind": said | {"kind": "Secret"}, "version": said | {"apiVersion": "v2"}, "namespace": said}[wrong]
    place = {"namespace": "bank"} if wrong == "namespace" else {}

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        value = real.json
        items = [each | said for each in value["items"]]
        if len(proxy.lists("pods")) == page:
            items[-1] = items[-1] | other | {"metadata": items[-1]["metadata"] | place}
        return real.with_json(value | {"items": items})

    proxy.spoil = spoil
    with Session(proxy.context, IMPATIENT) as session:
        listing = Listing(session, KINDS["pods"], item=item, page_size=2, namespace="shop")
        if page == 1:
            with pytest.raises(BadAnswer, match="asked for each Pod of v1 in namespace shop, the answer holds a "):
                list(listing.pages())
            return
        assert [len(each.items) for each in listing.pages()] == [2]
    assert "page 2 could not be read" in str(listing.incomplete)
    assert "thrown away" in str(listing.incomplete)


def test_a_listing_that_is_abandoned_ends_its_thread(cluster: Cluster, context_of: ContextOf) -> None:
    import threading

    with Session(context_of(cluster), IMPATIENT) as session:
        pages: Iterator[object] = Listing(session, KINDS["pods"], item=Envelope, page_size=1).pages()
        next(pages)
        pages.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "list-pods"]


def test_lists_whose_items_come_first_are_read(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    """Aggregated APIs send their fields in any order; the continue token then stands behind the items."""

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        value = real.json
        return real.with_json({key: value[key] for key in ("items", "metadata", "apiVersion", "kind")})

    proxy.spoil = spoil
    result = sync(proxy.context, "pods", page_size=2)
    assert result.attempt.pages > 1
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")
