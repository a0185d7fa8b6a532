"""Listings of less than a whole kind: some namespaces, selectors, users without cluster-wide rights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.settings import Settings, SettingsError
from k8s_inventory.store import Store
from k8s_inventory.sync import PlanError, Result, select
from tests.cluster import Cluster, wait_until
from tests.cluster.cluster import User
from tests.cluster.objects import namespace, pod
from tests.equality import status_of
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
TENANT = User("tenant")
"""May list pods in one namespace, and which namespaces there are."""
GUEST = User("guest")
"""May list pods in one namespace, and nothing else."""
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}


@pytest.fixture(scope="module")
def town(start_cluster: Callable[..., Cluster]) -> Cluster:
    cluster = start_cluster(users=[TENANT, GUEST])
    for name in ("shop", "shop-dev", "bank"):
        cluster.create("/api/v1/namespaces", namespace(name))
    cluster.grant(TENANT, [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}])
    for user in (TENANT, GUEST):
        named = {"metadata": {"name": user.name}}
        cluster.create(f"{RBAC}/namespaces/shop/roles", {**named, "rules": [PODS]})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user.name}
        subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.name}]
        cluster.create(f"{RBAC}/namespaces/shop/rolebindings", {**named, "roleRef": role, "subjects": subjects})
    return cluster


@pytest.fixture
def pods(town: Cluster) -> Iterator[Cluster]:
    """Two pods a namespace: `a`, and `b`, which has the label tier=web."""
    for name in ("shop", "shop-dev", "bank"):
        town.create(f"/api/v1/namespaces/{name}/pods", pod("a"))
        labelled = pod("b")
        labelled["metadata"]["labels"]["tier"] = "web"
        town.create(f"/api/v1/namespaces/{name}/pods", labelled)
    yield town
    for each in town.list("/api/v1/pods"):
        town.delete(_path(each))
    wait_until(lambda: not town.list("/api/v1/pods"), "pods are gone")


def _path(item: dict[str, Any]) -> str:
    return f"/api/v1/namespaces/{item['metadata']['namespace']}/pods/{item['metadata']['name']}"


def _delete(cluster: Cluster, *places: str) -> None:
    for place in places:
        where, name = place.split("/")
        cluster.delete(f"/api/v1/namespaces/{where}/pods/{name}")


def _stored(store: Store) -> set[str]:
    return {f"{row[0]}/{row[1]}" for row in store.connection.execute("SELECT namespace, name FROM k8s_pods")}


def _parts(store: Store, kind: str = "pods") -> dict[str, str]:
    return dict(
        store.connection.execute("SELECT namespace, outcome FROM k8s_sync_parts WHERE kind = %s", [kind]).fetchall()
    )


ALL = {f"{where}/{name}" for where in ("shop", "shop-dev", "bank") for name in "ab"}


@pytest.mark.parametrize(
    ("namespaces", "expected"),
    [
        (["shop"], {"shop"}),
        (["shop*"], {"shop", "shop-dev"}),
        (["shop*", "-*-dev"], {"shop"}),
        (["-bank", "-kube-*", "-default"], {"shop", "shop-dev"}),
        (["bank", "nowhere"], {"bank", "nowhere"}),
    ],
)
def test_only_these_namespaces_are_read(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf, namespaces: list[str], expected: set[str]
) -> None:
    result = sync(context_of(pods), "pods", namespaces=namespaces)
    assert result.attempt.outcome == "complete"
    assert _stored(store) == {place for place in ALL if place.split("/")[0] in expected}
    assert _parts(store) == dict.fromkeys(expected, "complete")
    status = status_of(store, "pods")
    assert (status["scope"], status["last_complete_at"]) == (f"namespaces {','.join(namespaces)}", None)
    assert status["objects"] == result.attempt.changed == len(_stored(store))


def test_a_narrowed_listing_prunes_only_what_it_covered(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(pods), "pods")
    complete_at = status_of(store, "pods")["last_complete_at"]
    _delete(pods, "shop/a", "bank/a")
    result = sync(context_of(pods), "pods", namespaces=["shop"])
    assert (result.attempt.deleted, result.attempt.changed) == (1, 0)
    assert _stored(store) == ALL - {"shop/a"}
    assert status_of(store, "pods")["last_complete_at"] == complete_at, "the whole kind was not read"
    assert sync(context_of(pods), "pods").attempt.deleted == 1
    assert _parts(store) == {}, "what was known of parts is superseded"


def test_the_rows_of_a_namespace_that_is_gone_go(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    """No namespace controller runs here, so its finalizer is taken off by hand."""
    sync(context_of(pods), "pods")
    pods.create("/api/v1/namespaces", namespace("passing"))
    pods.create("/api/v1/namespaces/passing/pods", pod("a"))
    sync(context_of(pods), "pods", namespaces=["passing", "shop*"])
    assert "passing/a" in _stored(store)
    _delete(pods, "passing/a")
    pods.delete("/api/v1/namespaces/passing")
    passing = pods.request("GET", "/api/v1/namespaces/passing")
    passing["spec"]["finalizers"] = []
    pods.request("PUT", "/api/v1/namespaces/passing/finalize", passing)
    assert sync(context_of(pods), "pods", namespaces=["bank"]).attempt.deleted == 0, "names alone prove nothing"
    assert sync(context_of(pods), "pods", namespaces=["ban*"]).attempt.deleted == 0, "it was not asked for"
    assert sync(context_of(pods), "pods", namespaces=["pas*"]).attempt.deleted == 1
    assert _stored(store) == ALL
    assert "passing" not in _parts(store)


def test_a_tenant_is_read_namespace_by_namespace(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(pods), "pods")
    _delete(pods, "shop/a", "bank/a")
    result = sync(context_of(pods, user=TENANT), "pods")
    assert (result.attempt.outcome, result.attempt.deleted, result.attempt.objects) == ("forbidden", 1, 1)
    assert _stored(store) == ALL - {"shop/a"}, "where the list is forbidden, rows stay"
    parts = _parts(store)
    assert parts.pop("shop") == "complete"
    assert set(parts.values()) == {"forbidden"}
    assert "namespaces are not complete, their rows stay: " in str(result.attempt.error)
    assert status_of(store, "pods")["scope"] == "namespaces *"


def test_a_guest_is_read_where_the_user_says(pods: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    guest = context_of(pods, user=GUEST)
    assert sync(guest, "pods").attempt.outcome == "forbidden"
    assert sync(guest, "pods", namespaces=["sho*"]).attempt.outcome == "forbidden", "patterns take a list of namespaces"
    assert _stored(store) == set()
    assert sync(guest, "pods", namespaces=["shop"]).attempt.outcome == "complete"
    assert _stored(store) == {"shop/a", "shop/b"}
    assert sync(guest, "pods", namespaces=["shop", "bank"]).attempt.outcome == "forbidden"
    assert _parts(store) == {"shop": "complete", "bank": "forbidden"}
    assert sync(guest, "services", namespaces=["shop"]).attempt.outcome == "forbidden"
    assert sync(guest, "nodes", namespaces=["shop"]).attempt.outcome == "forbidden"


def test_one_namespace_that_fails_stops_no_other(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    def broken(path: str, real: Answer) -> Answer | None:
        return Answer(200, b"<html>") if "/namespaces/bank/pods" in path else None

    with Proxy(pods) as proxy:
        sync(proxy.context, "pods")
        _delete(pods, "bank/a", "shop/a")
        proxy.spoil = broken
        result = sync(proxy.context, "pods", namespaces=["shop", "bank", "shop-dev"])
        assert (result.attempt.outcome, result.retryable) == ("failed", True)
        assert "1 of 3 namespaces are not complete, their rows stay: bank" in str(result.attempt.error)
        assert _stored(store) == ALL - {"shop/a"}
        assert _parts(store) == {"shop": "complete", "bank": "failed", "shop-dev": "complete"}


def test_nothing_is_written_again_that_did_not_change(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    def rewritten(**settings: Any) -> int:
        """How many rows had to be looked at again."""
        store.connection.execute("UPDATE k8s_pods SET phase = 'spoiled'")
        return sync(context_of(pods), "pods", **settings).attempt.changed

    sync(context_of(pods), "pods")
    assert rewritten(namespaces=["shop"]) == 0
    assert rewritten(label_selectors={"pods": "tier=web"}) == 0
    assert rewritten(namespaces=["shop"], redact_env=False) == 2
    assert rewritten(namespaces=["shop"], redact_env=False) == 0
    assert rewritten(namespaces=["bank"]) == 2, "the rules of the last run came to them, too"
    assert rewritten(namespaces=["bank"]) == 0
    assert rewritten() == 4, "those that were not listed by the rules of now, and no more"
    assert rewritten() == 0
    assert rewritten(label_selectors={"pods": "tier=web"}, redact_env=False) == 3
    assert rewritten(label_selectors={"pods": "tier=web"}, redact_env=False) == 0
    assert rewritten(label_selectors={"pods": "tier in (web)"}, redact_env=False) == 0
    assert rewritten() == 6


@pytest.mark.parametrize("namespaces", [None, ["shop", "bank"]])
def test_under_a_selector_only_what_is_confirmed_gone_goes(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf, namespaces: list[str] | None
) -> None:
    context, web = context_of(pods), {"label_selectors": {"po": "tier=web"}, "namespaces": namespaces}
    sync(context, "pods")
    _delete(pods, "shop/a", "shop/b")
    left = pods.request("GET", "/api/v1/namespaces/bank/pods/b")
    left["metadata"]["labels"]["tier"] = "none"
    pods.request("PUT", "/api/v1/namespaces/bank/pods/b", left)
    result = sync(context, "pods", **web)
    assert (result.attempt.outcome, result.attempt.deleted) == ("complete", 1)
    assert _stored(store) == ALL - {"shop/b"}, "a is out of the selection, and bank/b has only left it"
    again = pod("b")
    pods.create("/api/v1/namespaces/shop/pods", again)
    store.connection.execute("UPDATE k8s_pods SET labels = '{\"tier\": \"web\"}' WHERE name = 'a'")
    assert sync(context, "pods", **web).attempt.deleted == 1, "shop/a was asked for, and is gone"
    assert _stored(store) == ALL - {"shop/a", "shop/b"}
    assert status_of(store, "pods")["scope"].endswith("labelSelector tier=web")


def test_another_object_of_the_same_name_proves_that_the_first_is_gone(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(pods), "pods")
    _delete(pods, "shop/b")
    pods.create("/api/v1/namespaces/shop/pods", pod("b"))
    assert sync(context_of(pods), "pods", label_selectors={"pods": "tier=web"}).attempt.deleted == 1


def test_who_may_not_get_confirms_nothing(pods: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    sync(context_of(pods), "pods")
    _delete(pods, "shop/b")
    selected = {"label_selectors": {"pods": "tier=web"}, "namespaces": ["shop"]}
    result = sync(context_of(pods, user=GUEST), "pods", **selected)
    assert (result.attempt.outcome, result.attempt.deleted) == ("complete", 0)
    assert _stored(store) == ALL
    warning = str(status_of(store, "pods")["warning"])
    assert warning.startswith("context test, pods: whether 1 stored objects are gone could not be confirmed")
    assert "forbidden" in warning


_PARTIAL = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}


def _status(**details: str) -> Answer:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
    return Answer(404, json.dumps(status | {"message": "not found", "details": details}).encode())


def _found(**metadata: str) -> Answer:
    return Answer(200, json.dumps(_PARTIAL | {"metadata": metadata}).encode())


OF_SOMETHING_ELSE = {
    "a 404 of nothing": _status(),
    "a 404 of another name": _status(name="a", kind="pods"),
    "a 404 of another kind": _status(name="b", kind="services"),
    "a 404 of another group": _status(name="b", kind="pods", group="metrics.k8s.io"),
    "a 404 of a path": Answer(404, b"404 page not found\n", {"Content-Type": "text/plain"}),
    "a 404 without details": Answer(404, b'{"kind":"Status","apiVersion":"v1","code":404,"details":null}'),
    "another object": _found(name="a", namespace="shop", uid="other"),
    "an object of another namespace": _found(name="b", namespace="bank", uid="other"),
    "an object of no namespace": _found(name="b", uid="other"),
    "an object without a uid": _found(name="b", namespace="shop", uid=""),
    "an object of any kind": Answer(
        200, b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"b","namespace":"shop","uid":"other"}}'
    ),
    "a list": Answer(200, b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}'),
    "no JSON": Answer(200, b"<html>"),
}


def _answering(place: str, answer: Answer) -> Callable[[str, Answer], Answer | None]:
    return lambda path, real: answer if path.endswith(place) else None


def test_what_is_said_of_something_else_proves_nothing(pods: Cluster, store: Store, sync: Sync) -> None:
    """The object lives on and has only left the selection; whatever answers for the API server does not know it."""
    asked, web = "/namespaces/shop/pods/b", {"label_selectors": {"pods": "tier=web"}}
    with Proxy(pods) as proxy:
        sync(proxy.context, "pods")
        pods.patch(f"/api/v1{asked}", {"metadata": {"labels": {"tier": "none"}}})
        for how, answer in OF_SOMETHING_ELSE.items():
            proxy.spoil = _answering(asked, answer)
            result = sync(proxy.context, "pods", **web)
            assert (result.attempt.outcome, result.attempt.deleted) == ("complete", 0), how
            assert "1 stored objects are gone could not be confirmed, so they stay" in str(result.attempt.warning), how
        assert _stored(store) == ALL
        proxy.spoil = _answering(asked, _status(name="b", kind="pods"))
        assert sync(proxy.context, "pods", **web).attempt.deleted == 1, "said of itself"


def test_an_answer_about_another_namespace_changes_nothing(pods: Cluster, store: Store, sync: Sync) -> None:
    """Here it comes from a proxy; a namespace that leads to another path would be answered so, too."""

    def mistaken(path: str, real: Answer) -> Answer | None:
        if "/namespaces/shop/pods?" not in path:
            return None
        return real.with_json(pods.request("GET", "/api/v1/namespaces/bank/pods"))

    with Proxy(pods) as proxy:
        sync(proxy.context, "pods")
        _delete(pods, "bank/a")
        proxy.spoil = mistaken
        result = sync(proxy.context, "pods", namespaces=["shop"])
        assert result.attempt.outcome == "failed"
        assert "asked for each Pod of v1 in namespace shop, the answer holds a Pod of v1 in namespace bank" in str(
            result.attempt.error
        )
        assert _stored(store) == ALL
        proxy.spoil = lambda path, real: None
        assert sync(proxy.context, "pods", namespaces=["shop", "bank"]).attempt.outcome == "complete"
    assert _stored(store) == ALL - {"bank/a"}


def test_a_list_of_namespaces_with_something_else_in_it_proves_none_gone(
    pods: Cluster, store: Store, sync: Sync
) -> None:
    def listing(item: dict[str, Any]) -> Callable[[str, Answer], Answer | None]:
        return lambda path, real: real.with_json(real.json | {"items": [item]}) if "/namespaces?" in path else None

    with Proxy(pods) as proxy:
        sync(proxy.context, "pods")
        for wrong in (
            {"metadata": {"name": "", "uid": "u"}},
            {"metadata": {"uid": "u"}},
            {"metadata": {"name": 5, "uid": "u"}},
            {"kind": "Pod", "metadata": {"name": "shop", "uid": "u"}},
        ):
            proxy.spoil = listing(wrong)
            result = sync(proxy.context, "pods", namespaces=["shop*"])
            assert (result.attempt.outcome, result.attempt.deleted) == ("failed", 0), wrong
    assert _stored(store) == ALL


def test_no_object_waits_for_its_confirmation_for_good(
    pods: Cluster, store: Store, sync: Sync, context_of: ContextOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8s_inventory.sync.reading.MOST_CONFIRMATIONS", 1)
    sync(context_of(pods), "pods")
    for name in ("shop/b", "bank/b"):
        _delete(pods, name)
    store.connection.execute("UPDATE k8s_pods SET labels = '{\"tier\": \"web\"}' WHERE name = 'a'")  # not gone at all
    for _ in range(100):
        sync(context_of(pods), "pods", label_selectors={"pods": "tier=web"})
        assert "1 stored objects that the selection lacks were looked for" in str(status_of(store, "pods")["warning"])
        if _stored(store) == ALL - {"shop/b", "bank/b"}:
            return
    raise AssertionError(_stored(store))


def test_secrets_are_confirmed_by_their_metadata_alone(town: Cluster, store: Store, sync: Sync) -> None:
    path = "/api/v1/namespaces/shop/secrets"
    for name in ("kept", "gone"):
        labels = {"tier": "web"}
        town.create(path, {"metadata": {"name": name, "labels": labels}, "stringData": {"password": "planted"}})
    seen: list[bytes] = []

    def watch(_: str, real: Answer) -> Answer | None:
        seen.append(real.body)
        return None

    with Proxy(town) as proxy:
        proxy.spoil = watch
        sync(proxy.context, "secrets")
        town.delete(f"{path}/gone")
        kept = town.request("GET", f"{path}/kept")
        kept["metadata"]["labels"] = {}
        town.request("PUT", f"{path}/kept", kept)
        assert sync(proxy.context, "secrets", label_selectors={"secrets": "tier=web"}).attempt.deleted == 1
    assert any(b"PartialObjectMetadata" in body for body in seen)
    assert not any(b"cGxhbnRlZA" in body or b"planted" in body for body in seen)


def test_field_selectors(pods: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    assert sync(context_of(pods), "pods", field_selectors={"pods": "metadata.name=a"}).attempt.objects == 3
    assert {place.split("/")[1] for place in _stored(store)} == {"a"}
    result = sync(context_of(pods), "pods", field_selectors={"pods": "spec.nothing=a"})
    assert result.attempt.outcome == "failed"
    assert "field label not supported" in str(result.attempt.error)
    assert len(_stored(store)) == 3


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"label_selectors": "pods=x"}, "label_selectors .*must be a JSON object"),
        ({"namespaces": []}, "names nothing to read"),
    ],
)
def test_bad_scopes_are_refused(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        Settings.load(settings)


def test_selectors_of_unknown_kinds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanError, match=r"`label_selectors`.*'podz' \(did you mean 'pods'\?\)"):
        select(Settings.load({"label_selectors": {"podz": "a=b"}}), ["prod"])
    monkeypatch.setenv("K8S_FIELD_SELECTORS", '{"workloads": "a=b"}')
    with pytest.raises(PlanError, match="`field_selectors`"):
        select(Settings.load(), ["prod"])
