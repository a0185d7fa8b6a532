"""What each answer of a cluster makes of a target; and that no answer but proof deletes a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, Run
from tests.cluster import Cluster
from tests.cluster.cluster import NOBODY, User
from tests.cluster.objects import namespace, pod
from tests.equality import assert_table_equals_cluster, query_rows, rows_of, status_of
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]
HTML = {"Content-Type": "text/html"}
STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "said the server"}


def on_list(
    plural: str, answer: Callable[[Answer], Answer], *, page: int | None = None
) -> Callable[..., Answer | None]:
    """Spoils the answers to list requests of a kind: every one, or the page of that number."""
    seen = iter(range(1, 10_000))

    def spoil(path: str, real: Answer) -> Answer | None:
        if f"/{plural}?" not in path:
            return None
        return answer(real) if page is None or next(seen) == page else None

    return spoil


def test_forbidden_keeps_rows_and_says_so(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    sync(context_of(cluster), "services")
    result = sync(context_of(cluster, user=NOBODY), "services")
    assert result.attempt.outcome == "forbidden"
    assert not result.retryable
    assert "nobody" in str(result.attempt.error)
    assert "docs/rbac.md" in str(result.attempt.error)
    assert rows_of(store, "services") > 0
    assert status_of(store, "services")["last_complete_at"] is not None


def test_forbidden_is_per_kind(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    reader = context_of(cluster, user=User("reader"))
    assert sync(reader, "pods").attempt.outcome == "complete"
    assert sync(reader, "services").attempt.outcome == "forbidden"
    assert_table_equals_cluster(store, cluster, "pods")


def test_wrong_token_is_unauthorized(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    sync(context_of(cluster), "pods")
    result = sync(context_of(cluster, user=User("stranger")), "pods")
    assert result.attempt.outcome == "unauthorized"
    assert "stranger-token" not in str(result.attempt.error)
    assert rows_of(store, "pods") > 0


def test_no_credentials_at_all_is_unauthorized(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    context = context_of(cluster)
    sync(context, "pods")
    content = {
        "clusters": [
            {"name": "c", "cluster": {"server": cluster.server, "certificate-authority": str(cluster.ca_file)}}
        ],
        "contexts": [{"name": "test", "context": {"cluster": "c"}}],
    }
    result = sync(replace(context, kubeconfig=content, context="test"), "pods")
    assert result.attempt.outcome == "unauthorized"
    assert rows_of(store, "pods") > 0


def test_stopped_server_is_unreachable_and_tried_once_a_run(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    dead = start_cluster()
    context = context_of(dead)
    sync(context, "namespaces")
    dead.stop()
    run = Run("the run")
    first = sync(context, "namespaces", run=run)
    assert first.attempt.outcome == "unreachable"
    assert first.retryable
    second = sync(context, "pods", run=run)
    assert second.attempt.outcome == "unreachable"
    assert "not tried again" in str(second.attempt.error)
    again = sync(context, "pods", run=Run("the run", attempt=2))
    assert "not tried again" not in str(again.attempt.error)
    for invocation in ("cleared", "used again"):
        again = sync(context, "pods", run=replace(run, invocation=invocation))
        assert "not tried again" not in str(again.attempt.error)
    assert rows_of(store, "namespaces") > 0


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("https://127.0.0.1:1", "refused"),
        ("https://does-not-exist.invalid:6443", "resolve"),
        ("http://127.0.0.1:1", "refused"),
    ],
)
def test_unreachable_names_the_reason(store: Store, sync: Sync, server: str, said: str) -> None:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
    }
    result = sync(Context(name="test", kubeconfig=content, context="c"), "pods")
    assert result.attempt.outcome == "unreachable"
    assert said in str(result.attempt.error)
    assert server in str(result.attempt.error)


def test_wrong_certificate_authority_is_unreachable(
    cluster: Cluster, start_cluster: Callable[..., Cluster], sync: Sync, context_of: ContextOf
) -> None:
    other = start_cluster()
    content = {
        "clusters": [{"name": "c", "cluster": {"server": cluster.server, "certificate-authority": str(other.ca_file)}}],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
    }
    result = sync(Context(name="test", kubeconfig=content, context="c"), "pods")
    assert result.attempt.outcome == "unreachable"
    assert "certificate" in str(result.attempt.error).lower()


def test_a_kind_that_is_not_served_is_absent_and_its_rows_go_by_proof(
    start_cluster: Callable[..., Cluster], cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    without = start_cluster(arguments=["--runtime-config=apps/v1=false"])
    sync(context_of(cluster), "deployments")
    assert rows_of(store, "deployments") > 0
    # The same context, now on a cluster that serves no apps/v1: its user says that this is meant.
    result = sync(context_of(without), "deployments", accept_repointed="test")
    assert result.attempt.outcome == "absent"
    assert "discovery lacks deployments.apps" in str(result.attempt.error)
    assert result.attempt.deleted > 0
    assert rows_of(store, "deployments") == 0


@pytest.mark.parametrize("hidden", ["/apis", "/apis/apps/v1", "/apis/apiregistration.k8s.io/v1/apiservices"])
def test_without_whole_discovery_absence_deletes_nothing(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, hidden: str
) -> None:
    sync(proxy.context, "deployments")

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/deployments?" in path:
            return Answer(404, b"404 page not found\n", {"Content-Type": "text/plain"})
        return Answer(503, b"", {}) if path == hidden else _without(path, real, "deployments")

    proxy.spoil = spoil
    result = sync(proxy.context, "deployments")
    assert result.attempt.outcome == "failed"
    assert rows_of(store, "deployments", context="proxied") > 0


def _without(path: str, real: Answer, plural: str) -> Answer:
    """Discovery that lacks a kind of apps, in both of its forms."""
    value = real.json if path.startswith("/apis") and "?" not in path else {}
    if path == "/apis/apps/v1":
        value["resources"] = [each for each in value["resources"] if not each["name"].startswith(plural)]
    elif value.get("kind") == "APIGroupDiscoveryList":
        for version in next(each["versions"] for each in value["items"] if each["metadata"]["name"] == "apps"):
            version["resources"] = [each for each in version["resources"] if each["resource"] != plural]
    else:
        return real
    return real.with_json(value)


SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
DISCOVERY: dict[str, dict[str, dict[str, object]]] = {
    "/apis": {"another kind": {"kind": "APIGroup"}, "no kind": {"kind": None}},
    "/apis/apps/v1": {
        "another group": {"groupVersion": "batch/v1"},
        "no group": {"groupVersion": ""},
        "another kind": {"kind": "APIGroupList"},
    },
    SERVICES: {
        "not all": {"metadata": {"continue": "more"}},
        "another kind": {"kind": "PodList"},
        "no kind": {"kind": None},
    },
}


def test_only_discovery_that_answers_what_was_asked_proves_absence(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync
) -> None:
    sync(proxy.context, "deployments")

    def is_gone(**spoilt: dict[str, object]) -> bool:
        """Whether the rows went, with these fields of the answer to a path replaced."""

        def spoil(path: str, real: Answer) -> Answer | None:
            if "/deployments?" in path:
                return Answer(404, json.dumps(STATUS | {"code": 404}).encode())
            real = _without(path, real, "deployments")
            return real.with_json(real.json | spoilt[path]) if path in spoilt else real

        proxy.spoil = spoil
        assert sync(proxy.context, "deployments").attempt.outcome == "absent"
        return rows_of(store, "deployments", context="proxied") == 0

    for path, answers in DISCOVERY.items():
        for how, fields in answers.items():
            assert not is_gone(**{path: fields}), (path, how)
    assert is_gone()


def test_a_404_of_a_proxy_is_no_absence(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    sync(proxy.context, "pods")
    proxy.spoil = on_list("pods", lambda real: Answer(404, b"<html>nothing here</html>", HTML))
    result = sync(proxy.context, "pods")
    assert result.attempt.outcome == "failed"
    assert "HTML" in str(result.attempt.error)
    assert rows_of(store, "pods", context="proxied") > 0


def with_item(real: Answer, **fields: object) -> Answer:
    """The list with one more object."""
    item = {"metadata": {"uid": "u", "name": "odd", "namespace": "shop", "resourceVersion": "1"}, **fields}
    return real.with_json(real.json | {"items": [*real.json["items"], item]})


WRONG_ANSWERS = {
    "empty object": lambda real: Answer(200, b"{}"),
    "no items": lambda real: Answer(200, b'{"kind":"PodList","metadata":{"resourceVersion":"1"}}'),
    "no kind": lambda real: Answer(200, b'{"items":[],"metadata":{"resourceVersion":"1"}}'),
    "another kind": lambda real: Answer(200, b'{"kind":"NodeList","items":[],"metadata":{"resourceVersion":"1"}}'),
    "another version": lambda real: real.with_json(real.json | {"apiVersion": "v2"}),
    "another group": lambda real: real.with_json(real.json | {"apiVersion": "copy.example/v1"}),
    "no version": lambda real: real.with_json({**real.json, "apiVersion": ""}),
    "an object of another kind": lambda real: with_item(real, apiVersion="v1", kind="Secret"),
    "an object of another version": lambda real: with_item(real, apiVersion="copy.example/v1", kind="Pod"),
    "an object of an odd kind": lambda real: with_item(real, kind=5),
    "an object without metadata": lambda real: with_item(real, metadata=None),
    "no resourceVersion": lambda real: Answer(200, b'{"kind":"PodList","metadata":{},"items":[]}'),
    "no JSON": lambda real: Answer(200, b"pods: none"),
    "nothing": lambda real: Answer(200, b""),
    "half an answer": lambda real: Answer(200, real.body[: len(real.body) // 2]),
    "a body cut short": lambda real: Answer(200, real.body[:100], real.headers, cut=len(real.body) - 100),
    "HTML with 200": lambda real: Answer(200, b"<html>Please log in</html>", HTML),
    "HTML with 403": lambda real: Answer(403, b"<html>Blocked</html>", HTML),
    "a redirect": lambda real: Answer(302, b"", {"Location": "/login"}),
    "no content": lambda real: Answer(204, b"", {}),
    "500": lambda real: Answer(500, json.dumps(STATUS | {"code": 500}).encode()),
    "503": lambda real: Answer(503, b"upstream connect error", {}),
    "429": lambda real: Answer(429, json.dumps(STATUS | {"code": 429}).encode(), {"Retry-After": "1"}),
    "an object without uid": lambda real: real.with_json(
        real.json | {"items": [{"metadata": {"name": "ghost", "resourceVersion": "1"}}]}
    ),
    "an object twice": lambda real: real.with_json(real.json | {"items": [real.json["items"][0]] * 2}),
}


BROKEN: dict[str, Callable[[Answer], Answer]] = {
    "a body cut short": lambda real: Answer(200, real.body, real.headers, cut=10),
    "no body": lambda real: Answer(200, b"", real.headers, cut=100),
    "the connection ends": lambda real: Answer(200, b"", stream=[]),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_kind_whose_answer_breaks_off_fails_alone(proxy: Proxy, sync: Sync, how: str) -> None:
    """Its context is not dead: the other kinds of the run are read."""
    run = Run("broken")
    proxy.spoil = on_list("pods", BROKEN[how])
    failed = sync(proxy.context, "pods", run=run)
    assert (failed.outcome, failed.retryable) == ("failed", True)
    assert "broke off" in str(failed.error)
    assert "does not answer" not in str(failed.error)
    assert sync(proxy.context, "services", run=run).outcome == "complete"


@pytest.mark.parametrize("how", BROKEN)
def test_a_cluster_that_does_not_say_which_it_is_is_dead(proxy: Proxy, sync: Sync, how: str) -> None:
    run = Run("broken")
    proxy.spoil = lambda path, real: BROKEN[how](real)
    assert sync(proxy.context, "pods", run=run).outcome == "unreachable"
    assert "not tried again" in str(sync(proxy.context, "services", run=run).error)


@pytest.mark.parametrize("wrong", WRONG_ANSWERS)
def test_an_answer_that_is_no_list_changes_no_row(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, wrong: str
) -> None:
    sync(proxy.context, "pods")
    before = store.connection.execute("SELECT uid, resource_version FROM k8s_pods ORDER BY uid").fetchall()
    proxy.spoil = on_list("pods", WRONG_ANSWERS[wrong])
    result = sync(proxy.context, "pods")
    assert result.attempt.outcome in ("failed", "unreachable")
    assert "proxied" in str(result.attempt.error)
    after = store.connection.execute("SELECT uid, resource_version FROM k8s_pods ORDER BY uid").fetchall()
    assert after == before
    assert len(after) > 0


@pytest.mark.parametrize("spec", [[1], "text", 1])
def test_an_object_that_no_api_server_takes_is_named_and_nothing_is_deleted(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, spec: object
) -> None:
    """What answered may be none, so what it leaves out may be there."""
    sync(proxy.context, "pods")
    odd = {"metadata": {"uid": "u", "name": "odd", "resourceVersion": "1"}, "spec": spec}
    proxy.spoil = on_list("pods", lambda real: real.with_json(real.json | {"items": [odd]}))
    before = {row["uid"] for row in query_rows(store, "SELECT uid FROM k8s_pods")}
    result = sync(proxy.context, "pods")
    assert result.attempt.outcome == "partial"
    assert "pods odd: its spec is of another form" in str(result.attempt.error)
    assert {row["uid"] for row in query_rows(store, "SELECT uid FROM k8s_pods")} == before | {"u"}


def test_null_items_are_an_empty_list(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    sync(proxy.context, "pods")
    empty = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"999999999"},"items":null}'
    proxy.spoil = on_list("pods", lambda real: Answer(200, empty))
    result = sync(proxy.context, "pods")
    assert result.attempt.outcome == "complete"
    assert rows_of(store, "pods", context="proxied") == 0


@pytest.mark.parametrize("wrong", ["500", "no JSON", "empty object", "a body cut short"])
def test_a_later_page_that_is_lost_makes_it_partial(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, wrong: str
) -> None:
    cluster.create("/api/v1/namespaces/shop/pods", pod("gone-soon"))
    sync(proxy.context, "pods")
    cluster.delete("/api/v1/namespaces/shop/pods/gone-soon")
    cluster.patch("/api/v1/namespaces/shop/pods/web-0", {"metadata": {"labels": {"seen": wrong.replace(" ", "-")}}})
    pages = iter(range(100))

    def spoil(path: str, real: Answer) -> Answer | None:
        return WRONG_ANSWERS[wrong](real) if "/pods?" in path and next(pages) >= 3 else None

    proxy.spoil = spoil
    before = rows_of(store, "pods", context="proxied")
    result = sync(proxy.context, "pods", page_size=1)
    assert result.attempt.outcome == "partial"
    assert "page 4" in str(result.attempt.error)
    assert result.attempt.deleted == 0
    assert rows_of(store, "pods", context="proxied") == before
    stored = store.connection.execute("SELECT labels ->> 'seen' FROM k8s_pods WHERE name = 'web-0'").fetchone()
    assert stored == (wrong.replace(" ", "-"),)


def test_rights_lost_in_the_middle_keep_the_rows(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    sync(proxy.context, "pods")
    before = rows_of(store, "pods", context="proxied")
    forbidden = json.dumps(STATUS | {"code": 403, "reason": "Forbidden"}).encode()
    proxy.spoil = on_list("pods", lambda real: Answer(403, forbidden), page=3)
    result = sync(proxy.context, "pods", page_size=1)
    assert result.attempt.outcome == "forbidden"
    assert rows_of(store, "pods", context="proxied") == before


def test_one_bad_moment_is_retried_on_the_page(cluster: Cluster, proxy: Proxy, store: Store, sync: Sync) -> None:
    proxy.spoil = on_list("pods", WRONG_ANSWERS["429"], page=2)
    result = sync(proxy.context, "pods", page_size=2)
    assert result.attempt.outcome == "complete"
    assert len(proxy.lists("pods")) == result.attempt.pages + 1
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


def test_the_first_error_after_a_partial_write_under_other_rules_rewrites_all(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync
) -> None:
    """Rows of a partial listing were written with redaction off; a complete one with it on must not pass them over."""
    containers = [{"name": "main", "image": "a", "env": [{"name": "TOKEN", "value": "hunter2"}]}]
    cluster.create("/api/v1/namespaces", namespace("aaa"))
    cluster.create("/api/v1/namespaces/aaa/pods", pod("secretive", containers=containers))
    sync(proxy.context, "pods")
    proxy.spoil = on_list("pods", lambda real: Answer(410, b"{}"), page=2)
    assert sync(proxy.context, "pods", page_size=1, redact_env=False).attempt.outcome == "partial"
    proxy.spoil = lambda path, answer: None
    sync(proxy.context, "pods")
    query = "SELECT spec #>> '{containers,0,env,0,value}' FROM k8s_pods WHERE name = 'secretive'"
    assert store.connection.execute(query).fetchone() == ("<redacted>",)
    cluster.delete("/api/v1/namespaces/aaa/pods/secretive")
