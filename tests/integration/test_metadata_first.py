"""Listings that ask for metadata first, and then for the objects that changed: of one snapshot, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from k8s_inventory.kube import metadata
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.listing import Listing
from k8s_inventory.kube.session import Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, reading
from tests.cluster import Cluster
from tests.cluster.cluster import Object
from tests.cluster.objects import crd, namespace, pod
from tests.conftest import sync_with_custom_objects
from tests.equality import assert_custom_objects_equal_cluster, assert_table_equals_cluster, query_rows
from tests.metadata_pages import put_together, taken_apart
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]
PODS = "/api/v1/namespaces/{}/pods"
THINGS = "/apis/town.example/v1/namespaces/{}/things"
COUNT = 12


@dataclass
class Asked:
    """The list requests for a kind, by what they asked for."""

    metadata: int = 0
    pages: int = 0
    singles: int = 0
    exact: int = 0


@pytest.fixture(autouse=True)
def _small_targets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LEAST_BYTES", 0)


@pytest.fixture(scope="module")
def town(start_cluster: Callable[..., Cluster]) -> Cluster:
    made = start_cluster()
    for name in ("bank", "shop"):
        made.create("/api/v1/namespaces", namespace(name))
        for number in range(COUNT // 2):
            made.create(PODS.format(name), pod(f"{name}-{number}"))
    made.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("things", "town.example"))
    made.until_served("/apis/town.example/v1/things")
    for number in range(6):
        made.create(THINGS.format("shop"), _thing(f"thing-{number}"))
    return made


@pytest.fixture
def proxied(town: Cluster) -> Iterator[Proxy]:
    with Proxy(town) as made:
        yield made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Asked]:
    """What was asked for a kind since the last call."""
    requests: list[tuple[str, dict[str, Any], str]] = []
    original = Session.get

    def get(session: Session, path: str, query: Any = None, *, accept: str = "", **rest: Any) -> bytes:
        requests.append((path, dict(query or {}), accept))
        return original(session, path, query, **rest, **({"accept": accept} if accept else {}))  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "get", get)

    def since(plural: str) -> Asked:
        found = Asked()
        for path, query, accept in requests:
            if path.endswith(f"/{plural}"):
                is_single = "metadata.name=" in query.get("fieldSelector", "")
                found.metadata += accept == metadata.ACCEPT
                found.singles += is_single
                found.pages += not is_single and accept != metadata.ACCEPT
                found.exact += query.get("resourceVersionMatch") == "Exact"
        requests.clear()
        return found

    return since


def _thing(name: str) -> Object:
    return {
        "apiVersion": "town.example/v1",
        "kind": "Thing",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"text": "<a> & b"},
    }


def _touch(cluster: Cluster, path: str, text: str) -> None:
    cluster.patch(path, {"metadata": {"annotations": {"note": text}}})


def _how(store: Store, kind: str = "pods") -> str:
    return str(
        query_rows(store, "SELECT metadata_first FROM k8s_sync_targets WHERE kind = %s", kind)[0]["metadata_first"]
    )


def _query(path: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(path).query)


# -- what is asked for -----------------------------------------------------------------------------


def test_what_did_not_change_is_not_read(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    context = context_of(town)
    first = sync(context, "pods", page_size=5).attempt
    assert asked("pods") == Asked(pages=3)
    second = sync(context, "pods", page_size=5).attempt
    assert asked("pods") == Asked(metadata=3)
    assert (second.outcome, second.changed, second.objects, second.pages) == ("complete", 0, COUNT, 3)
    assert second.bytes < first.bytes
    assert second.resource_version
    assert_table_equals_cluster(store, town, "pods")


def test_single_objects_that_changed_are_read_by_their_names(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    context = context_of(town)
    sync(context, "pods", page_size=5)
    town.delete(f"{PODS.format('bank')}/bank-1")
    town.create(PODS.format("bank"), pod("bank-1"))
    _touch(town, f"{PODS.format('shop')}/shop-4", "single")
    asked("pods")
    result = sync(context, "pods", page_size=5).attempt
    assert asked("pods") == Asked(metadata=3, singles=2, exact=2)
    assert (result.outcome, result.changed, result.deleted) == ("complete", 2, 1)
    assert_table_equals_cluster(store, town, "pods")


def test_pages_with_many_changes_are_read_whole(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    """The first page by its revision, later ones by their token; then it is as if nobody had asked for metadata."""
    context = context_of(town)
    sync(context, "pods", page_size=3)
    for number in range(6):
        _touch(town, f"{PODS.format('bank')}/bank-{number}", "many")
    asked("pods")
    result = sync(context, "pods", page_size=3).attempt
    found = asked("pods")
    assert (found.exact, found.singles, found.metadata >= 1) == (1, 0, True)
    assert (result.outcome, result.changed) == ("complete", 6)
    assert_table_equals_cluster(store, town, "pods")
    for name in ("bank-3", "bank-4", "bank-5"):
        _touch(town, f"{PODS.format('bank')}/{name}", "of the second page")
    asked("pods")
    assert sync(context, "pods", page_size=3).attempt.changed == 3
    found = asked("pods")
    assert (found.exact, found.singles, found.pages >= 1) == (0, 0, True)
    assert_table_equals_cluster(store, town, "pods")


def test_a_target_that_mostly_changes_is_read_whole_from_the_start(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    context = context_of(town)

    def change_all() -> None:
        for path, name in ((PODS.format(each), each) for each in ("bank", "shop")):
            for number in range(COUNT // 2):
                _touch(town, f"{path}/{name}-{number}", f"all {query_rows(store, 'SELECT now()')}")

    sync(context, "pods", page_size=4)
    assert _how(store) == "yes"
    change_all()
    assert sync(context, "pods", page_size=4).attempt.changed == COUNT
    assert _how(store) == "no"
    change_all()
    asked("pods")
    assert sync(context, "pods", page_size=4).attempt.changed == COUNT
    assert asked("pods") == Asked(pages=3)
    assert sync(context, "pods", page_size=4).attempt.changed == 0
    assert _how(store) == "yes"
    asked("pods")
    sync(context, "pods", page_size=4)
    assert asked("pods") == Asked(metadata=3)


def test_whoever_needs_every_object_reads_every_object(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    context = context_of(town)
    for kind in ("pods", "secrets"):
        sync(context, kind)
    asked("pods"), asked("secrets")
    sync(context, "pods", verify=True)
    assert asked("pods").metadata == 0
    sync(context, "secrets")
    assert asked("secrets").metadata == 0
    store.connection.execute("UPDATE k8s_sync_targets SET last_verified_at = now() - interval '8 days'")
    sync(context, "pods")
    assert asked("pods").metadata == 0
    assert _how(store) == "yes"


def test_small_targets_are_read_whole(proxied: Proxy, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for _ in range(2):
        sync(proxied.context, "pods")
    assert not any("PartialObjectMetadataList" in each["Accept"] for each in proxied.headers)


@pytest.mark.parametrize(
    "settings",
    [
        {"namespaces": ["shop"]},
        {"namespaces": ["*"]},
        {"label_selectors": {"pods": "app"}},
        {"field_selectors": {"pods": "metadata.name!=shop-3"}},
    ],
)
def test_namespaces_and_selectors(
    town: Cluster,
    store: Store,
    sync: Sync,
    context_of: ContextOf,
    asked: Callable[[str], Asked],
    settings: dict[str, Any],
) -> None:
    context = context_of(town)
    for _ in range(2):  # where nothing is, the metadata of nothing would have to be confirmed
        sync(context, "pods", page_size=3, **settings)
    _touch(town, f"{PODS.format('shop')}/shop-2", f"scope {settings}")
    asked("pods")
    result = sync(context, "pods", page_size=3, **settings).attempt
    found = asked("pods")
    empty = 4 if settings.get("namespaces") == ["*"] else 0
    assert (found.singles, found.pages, found.metadata > 1) == (1, empty, True)
    assert (result.outcome, result.changed, result.deleted) == ("complete", 1, 0)
    (row,) = query_rows(store, "SELECT annotations FROM k8s_pods WHERE name = 'shop-2'")
    assert row["annotations"]["note"] == f"scope {settings}"


def test_custom_objects(town: Cluster, store: Store, context_of: ContextOf, asked: Callable[[str], Asked]) -> None:
    """Their metadata has its keys in another order, which is no change."""
    context = context_of(town)
    town.patch(f"{THINGS.format('shop')}/thing-5", {"metadata": {"finalizers": ["town.example/a"]}})
    sync_with_custom_objects(store, context, "first", [])
    asked("things")
    found = sync_with_custom_objects(store, context, "second", [])["things.town.example"].attempt
    assert (found.outcome, found.changed) == ("complete", 0)
    assert asked("things") == Asked(metadata=1)
    town.patch(f"{THINGS.format('shop')}/thing-3", {"spec": {"text": "other"}})
    found = sync_with_custom_objects(store, context, "third", [])["things.town.example"].attempt
    assert (found.outcome, found.changed) == ("complete", 1)
    assert asked("things") == Asked(metadata=1, singles=1, exact=1)
    assert assert_custom_objects_equal_cluster(store, town, "things.town.example") == 6


def test_both_forms_say_the_same_of_every_kind(
    cluster: Cluster, store: Store, context_of: ContextOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No object counts as changed because its metadata came in another form, and no server answers otherwise."""
    fetched: list[str] = []
    original = Listing.fetched

    def fetch(listing: Listing[Any], page: Any, wanted: Any, item: Any) -> Any:
        fetched.append(listing.kind.name)
        return original(listing, page, wanted, item)

    monkeypatch.setattr(Listing, "fetched", fetch)
    context = context_of(cluster)
    for run in ("first", "second"):
        fetched.clear()
        found = sync_with_custom_objects(store, context, run)
        assert {result.attempt.outcome for result in found.values()} <= {"complete", "absent"}
    moving = {"leases", "events", "apiservices"}
    assert [each for each in fetched if each not in moving] == []
    how = dict(store.connection.execute("SELECT kind, metadata_first FROM k8s_sync_targets").fetchall())
    assert "never" not in how.values(), how
    asked = [kind for kind, word in how.items() if word == "yes"]
    assert len(asked) > 50, asked
    assert {"pods", "roles", "tests.shop.example"} <= set(asked)


def test_names_that_a_selector_must_escape(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles"
    context = context_of(town)
    for name in ("a=b,c", "back\\slash", "plain"):
        town.create(roles, {"metadata": {"name": name}})
    sync(context, "roles")
    town.patch(f"{roles}/a=b,c", {"metadata": {"labels": {"x": "1"}}})
    asked("roles")
    assert sync(context, "roles").attempt.changed == 1
    assert asked("roles").singles == 1
    town.patch(f"{roles}/back%5Cslash", {"metadata": {"labels": {"x": "1"}}})
    asked("roles")
    assert sync(context, "roles").attempt.changed == 1
    assert asked("roles").singles == 1
    assert _how(store, "roles") == "yes"
    assert_table_equals_cluster(store, town, "roles")


def test_what_owners_are_called_is_read_as_in_json(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    """Managers and the values of sets may hold what JSON of Go escapes; an object that is being deleted says when."""
    context = context_of(town)
    path = f"{PODS.format('shop')}/shop-1"
    for manager in ('a<b>&"c\\', "ü€", "..."):
        body = json.dumps({"metadata": {"labels": {f"l{len(manager)}": "1"}}}).encode()
        query = quote(manager)
        town.request("PATCH", f"{path}?fieldManager={query}", body, content_type="application/merge-patch+json")
    town.patch(path, {"metadata": {"finalizers": ["shop.example/keeps"]}})
    town.delete(path)
    try:
        sync(context, "pods")
        asked("pods")
        assert sync(context, "pods").attempt.changed == 0
        assert asked("pods") == Asked(metadata=1)
    finally:
        town.patch(path, {"metadata": {"finalizers": None}})
        town.create(PODS.format("shop"), pod("shop-1"))


# -- servers that answer otherwise -----------------------------------------------------------------


def _is_metadata(answer: Answer) -> bool:
    return answer.body.startswith(b"k8s\0")


def _plain(path: str, real: Answer) -> Answer | None:
    return None


def _as_status(code: int) -> Callable[[Proxy], Callable[[str, Answer], Answer | None]]:
    def make(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not so", "code": code}
        return lambda path, real: Answer(code, json.dumps(status).encode()) if _is_metadata(real) else None

    return make


def _other_bytes(body: bytes) -> Callable[[Proxy], Callable[[str, Answer], Answer | None]]:
    return lambda proxy: lambda path, real: Answer(200, body) if _is_metadata(real) else None


def _objects(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
    """It looks at no Accept header."""

    def spoil(path: str, real: Answer) -> Answer | None:
        return Answer(200, proxy.real(path)) if _is_metadata(real) else None

    return spoil


def _no_exact(code: int) -> Callable[[Proxy], Callable[[str, Answer], Answer | None]]:
    def make(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not so", "code": code}
        return lambda path, real: Answer(code, json.dumps(status).encode()) if "Exact" in path else None

    return make


def _now_instead(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
    """It knows no old revisions, and gives what is there now."""

    def spoil(path: str, real: Answer) -> Answer | None:
        if "Exact" not in path:
            return None
        answer = real.json
        answer["metadata"]["resourceVersion"] = "999999999"
        return real.with_json(answer)

    return spoil


def _another_object(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
    def spoil(path: str, real: Answer) -> Answer | None:
        if "Exact" not in path:
            return None
        answer = real.json
        answer["items"][0]["metadata"]["uid"] = "another"
        return real.with_json(answer)

    return spoil


def _another_version(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
    def spoil(path: str, real: Answer) -> Answer | None:
        if "Exact" not in path:
            return None
        answer = real.json
        answer["items"][-1]["metadata"]["resourceVersion"] += "9"
        return real.with_json(answer)

    return spoil


def _nothing(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
    def spoil(path: str, real: Answer) -> Answer | None:
        return real.with_json({**real.json, "items": []}) if "Exact" in path else None

    return spoil


def _everything(proxy: Proxy) -> Callable[[str, Answer], Answer | None]:
    """It knows no field selectors."""

    def spoil(path: str, real: Answer) -> Answer | None:
        if "fieldSelector" not in path or "Exact" not in path:
            return None
        page = json.loads(proxy.real("/api/v1/pods"))
        page["metadata"] = real.json["metadata"]
        return real.with_json(page)

    return spoil


OTHERWISE = {
    "objects": _objects,
    "406": _as_status(406),
    "400": _as_status(400),
    "415": _as_status(415),
    "broken": _other_bytes(b"k8s\0" + b"\xff" * 40),
    "cut": _other_bytes(b"k8s\0\x0a\x02"),
    "empty message": _other_bytes(b"k8s\0"),
    "no exact": _no_exact(400),
    "now instead": _now_instead,
    "another object": _another_object,
    "another version": _another_version,
    "nothing": _nothing,
    "everything": _everything,
}


@pytest.mark.parametrize(
    ("how", "changes"),
    [(how, changes) for how in OTHERWISE for changes in (1, 5) if (how, changes) != ("everything", 5)],
)
def test_a_server_that_answers_otherwise_is_never_asked_so_again(
    town: Cluster, proxied: Proxy, store: Store, sync: Sync, how: str, changes: int
) -> None:
    """And its objects are read as ever, all of one snapshot."""
    sync(proxied.context, "pods", page_size=6)
    for number in range(changes):
        _touch(town, f"{PODS.format('bank')}/bank-{number}", f"{how} {changes}")
    proxied.spoil = OTHERWISE[how](proxied)
    result = sync(proxied.context, "pods", page_size=6).attempt
    assert (result.outcome, result.changed, result.deleted) == ("complete", changes, 0), result
    assert (result.objects, result.pages) == (COUNT, 2)
    assert_table_equals_cluster(store, town, "pods", context="proxied")
    assert _how(store) == "never"
    proxied.spoil = _plain
    for verify in (True, False):
        proxied.headers.clear()
        assert sync(proxied.context, "pods", verify=verify).attempt.outcome == "complete"
        assert not any("PartialObjectMetadataList" in each["Accept"] for each in proxied.headers)
    assert _how(store) == "never"


def test_a_fault_that_passes_is_no_answer(town: Cluster, proxied: Proxy, store: Store, sync: Sync) -> None:
    sync(proxied.context, "pods", page_size=6)
    proxied.spoil = lambda path, real: Answer(503, b"down") if _is_metadata(real) else None
    assert sync(proxied.context, "pods", page_size=6).attempt.outcome == "complete"
    assert _how(store) == "yes"
    assert_table_equals_cluster(store, town, "pods", context="proxied")


@pytest.mark.parametrize("changes", [1, 5])
def test_a_snapshot_that_expires_between_is_read_anew(
    town: Cluster, proxied: Proxy, store: Store, sync: Sync, changes: int
) -> None:
    """As everywhere, 410 begins anew; what the first pass saw counts no more."""
    town.create(PODS.format("bank"), pod("aaa"))
    sync(proxied.context, "pods", page_size=6)
    for number in range(changes):
        _touch(town, f"{PODS.format('bank')}/bank-{number}", f"expires {changes}")
    gone = threading.Event()

    def spoil(path: str, real: Answer) -> Answer | None:
        if "Exact" not in path:
            return None
        if not gone.is_set():
            gone.set()
            town.delete(f"{PODS.format('bank')}/aaa")
        return Answer(410, b'{"kind":"Status","code":410,"reason":"Expired"}')

    proxied.spoil = spoil
    result = sync(proxied.context, "pods", page_size=6).attempt
    assert (result.outcome, result.changed, result.deleted) == ("complete", changes, 1)
    assert result.objects == COUNT
    assert _how(store) == "yes"
    assert_table_equals_cluster(store, town, "pods", context="proxied")


@pytest.mark.parametrize("change", ["touch", "delete", "replace"])
def test_an_object_that_changes_between_is_read_as_it_was(
    town: Cluster, proxied: Proxy, store: Store, sync: Sync, change: str
) -> None:
    """The row is of the revision that the listing claims, and the next listing brings the rest."""
    sync(proxied.context, "pods", page_size=6)
    path = f"{PODS.format('shop')}/shop-0"
    _touch(town, path, f"before {change}")
    done = threading.Event()

    def spoil(asked: str, real: Answer) -> Answer | None:
        if _is_metadata(real) and "continue" in asked and not done.is_set():
            done.set()
            if change == "touch":
                _touch(town, path, "after")
            else:
                town.delete(path)
            if change == "replace":
                town.create(PODS.format("shop"), pod("shop-0"))
        return None

    proxied.spoil = spoil
    result = sync(proxied.context, "pods", page_size=6).attempt
    assert done.is_set()
    assert (result.outcome, result.changed, result.deleted) == ("complete", 1, 0)
    (row,) = query_rows(store, "SELECT annotations, resource_version FROM k8s_pods WHERE name = 'shop-0'")
    assert row["annotations"]["note"] == f"before {change}"
    assert int(row["resource_version"]) <= int(result.resource_version or 0)
    proxied.spoil = _plain
    if change == "delete":
        town.create(PODS.format("shop"), pod("shop-0"))
    result = sync(proxied.context, "pods", page_size=6).attempt
    assert (result.outcome, result.changed) == ("complete", 1)
    assert_table_equals_cluster(store, town, "pods", context="proxied")


def test_an_empty_page_of_metadata_proves_nothing(town: Cluster, proxied: Proxy, store: Store, sync: Sync) -> None:
    """It could be of any kind: the list itself must say that it is empty."""
    sync(proxied.context, "pods")

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path and _is_metadata(real):
            return Answer(200, proxied.real("/api/v1/namespaces/shop/endpoints?limit=1", metadata.ACCEPT))
        return None

    proxied.spoil = spoil
    result = sync(proxied.context, "pods").attempt
    assert (result.outcome, result.deleted, result.objects) == ("complete", 0, COUNT)
    assert_table_equals_cluster(store, town, "pods", context="proxied")


def test_all_objects_gone_is_seen(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    made = start_cluster()
    made.create(PODS.format("default"), pod("only"))
    sync(context_of(made), "pods")
    made.delete(f"{PODS.format('default')}/only")
    result = sync(context_of(made), "pods").attempt
    assert (result.outcome, result.deleted, result.objects) == ("complete", 1, 0)
    assert _how(store) == "no"


def test_pages_that_are_too_large_are_read_in_parts(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf, asked: Callable[[str], Asked]
) -> None:
    """Also where only the objects are, and not their metadata."""
    context = context_of(town)
    for number in range(4):
        town.create(
            "/api/v1/namespaces/shop/configmaps", {"metadata": {"name": f"big-{number}"}, "data": {"x": "y" * 50_000}}
        )
    sync(context, "configmaps")
    for number in range(4):
        _touch(town, f"/api/v1/namespaces/shop/configmaps/big-{number}", "parts")
    asked("configmaps")
    result = sync(context, "configmaps", max_page_bytes=120_000).attempt
    found = asked("configmaps")
    assert (result.outcome, result.changed) == ("complete", 4)
    assert found.exact > 1
    assert_table_equals_cluster(store, town, "configmaps")


def test_an_object_on_two_pages_makes_it_partial(town: Cluster, proxied: Proxy, store: Store, sync: Sync) -> None:
    sync(proxied.context, "pods", page_size=6)

    def spoil(path: str, real: Answer) -> Answer | None:
        if "continue" in _query(path) and _is_metadata(real):
            return Answer(200, again(proxied.real(path.split("continue")[0].rstrip("&"), metadata.ACCEPT), real.body))
        return None

    def again(first: bytes, second: bytes) -> bytes:
        header, items = taken_apart(second)
        return put_together(header, [*items, taken_apart(first)[1][0]])

    proxied.spoil = spoil
    result = sync(proxied.context, "pods", page_size=7).attempt
    assert result.outcome == "partial", result
    assert "came on two pages" in str(result.error)
