"""A context that leads to another cluster, and a cluster that went back in time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from k8s_inventory.kube.cluster_info import ClusterInfo, read_cluster
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from k8s_inventory.sync.identity import region, repointed
from tests.cluster import Cluster
from tests.cluster.cluster import User
from tests.cluster.objects import pod
from tests.equality import assert_table_equals_cluster, rows_of, status_of
from tests.proxy import Answer, Proxy

PODS = "/api/v1/namespaces/default/pods"
Sync = Callable[..., Result]
ContextOf = Callable[..., Context]

NOW = ClusterInfo(uid="u1", server="https://a", ca_fingerprint="ca1", version="v1.36.0", provider=None)
STORED = {"cluster_uid": "u1", "server": "https://a", "ca_fingerprint": "ca1"}


@pytest.mark.parametrize(
    ("stored", "now", "same"),
    [
        (None, NOW, True),
        (STORED, NOW, True),
        (STORED, replace(NOW, server="https://b", ca_fingerprint="ca2"), True),
        (STORED, replace(NOW, uid="u2"), False),
        (STORED, replace(NOW, uid=None), True),
        (STORED, replace(NOW, uid=""), False),
        (STORED | {"cluster_uid": None}, replace(NOW, uid=""), True),
        (STORED, replace(NOW, uid=None, server="https://b"), False),
        (STORED, replace(NOW, uid=None, ca_fingerprint="ca2"), False),
        (STORED | {"cluster_uid": None}, NOW, True),
        (STORED | {"cluster_uid": None}, replace(NOW, server="https://b"), False),
    ],
)
def test_what_counts_as_the_same_cluster(stored: dict[str, object] | None, now: ClusterInfo, same: bool) -> None:
    assert (repointed(stored, now) is None) is same


def test_a_session_asks_for_the_version_once_and_for_the_identity_each_time(cluster: Cluster) -> None:
    with Proxy(cluster) as proxy, Session(proxy.context) as session:
        first, second = read_cluster(session), read_cluster(session)
    assert first == second
    assert first.version
    assert proxy.requests == ["/api/v1/namespaces/kube-system", "/version", "/api/v1/namespaces/kube-system"]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("https://ABC.gr7.eu-west-1.eks.amazonaws.com", "eu-west-1"),
        ("https://shop-1234.hcp.westeurope.azmk8s.io:443", "westeurope"),
        ("https://127.0.0.1:6443", None),
    ],
)
def test_the_region_is_read_off_the_servers_name(server: str, expected: str | None) -> None:
    assert region(server) == expected


def test_a_repointed_context_is_refused_until_the_user_says_so(
    cluster: Cluster, start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    other = start_cluster()
    sync(context_of(cluster), "services")
    sync(context_of(cluster), "pods")
    before = rows_of(store, "pods")

    refused = sync(context_of(other), "pods")
    assert refused.attempt.outcome == "failed"
    assert not refused.retryable
    assert "accept_repointed=test" in str(refused.attempt.error)
    assert rows_of(store, "pods") == before > 0

    other.create(PODS, pod("new-here"))
    accepted = sync(context_of(other), "pods", accept_repointed="test")
    assert accepted.attempt.outcome == "complete"
    assert_table_equals_cluster(store, other, "pods")
    other.delete(f"{PODS}/new-here")
    sync(context_of(other), "pods")
    gone = store.connection.execute("SELECT DISTINCT name = 'new-here', split_part(evidence, ' ', 1) FROM k8s_deleted")
    assert sorted(gone) == [(False, "its"), (True, "listing")], "those of another cluster were not seen to be deleted"
    services = status_of(store, "services")
    assert (services["last_complete_at"], services["exact_as_of"]) == (None, None), "that was another cluster"
    assert sync(context_of(other), "services").attempt.outcome == "complete"


def test_without_a_look_at_kube_system_server_and_ca_must_be_the_same(
    cluster: Cluster, start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    reader = User("reader")
    sync(context_of(cluster, user=reader), "pods")
    assert store.connection.execute("SELECT cluster_uid FROM k8s_clusters").fetchall() == [(None,)]
    assert sync(context_of(cluster, user=reader), "pods").attempt.outcome == "complete"
    refused = sync(context_of(start_cluster()), "pods")
    assert refused.attempt.outcome == "failed"
    assert rows_of(store, "pods") > 0
    sync(context_of(cluster), "pods")
    uid = cluster.request("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert store.connection.execute("SELECT cluster_uid FROM k8s_clusters").fetchall() == [(uid,)]


NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
OF_ANOTHER = {
    "a 404 of nothing": Answer(404, json.dumps(NOT_FOUND | {"details": {}}).encode()),
    "a 404 of another name": Answer(
        404, json.dumps(NOT_FOUND | {"details": {"name": "a", "kind": "namespaces"}}).encode()
    ),
    "a 404 of another kind": Answer(
        404, json.dumps(NOT_FOUND | {"details": {"name": "kube-system", "kind": "pods"}}).encode()
    ),
    "a 404 of a path": Answer(404, b"404 page not found", {"Content-Type": "text/plain"}),
    "another namespace": Answer(200, b'{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"default","uid":"u"}}'),
    "another kind": Answer(200, b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"kube-system","uid":"u"}}'),
}


def test_a_cluster_that_does_not_say_which_it_is_changes_nothing(cluster: Cluster, store: Store, sync: Sync) -> None:
    """Not even what is proven of it: it may be another cluster, one that serves no deployments at all."""

    def answering(answer: Answer) -> Callable[[str, Answer], Answer | None]:
        def spoil(path: str, real: Answer) -> Answer | None:
            if path == "/api/v1/namespaces/kube-system":
                return answer
            if path == "/apis/apps/v1":
                return real.with_json(real.json | {"resources": []})
            return Answer(404, json.dumps(NOT_FOUND).encode()) if "/deployments?" in path else None

        return spoil

    with Proxy(cluster) as proxy:
        sync(proxy.context, "deployments")
        before = rows_of(store, "deployments", context="proxied")
        for how, answer in OF_ANOTHER.items():
            proxy.spoil = answering(answer)
            assert sync(proxy.context, "deployments").attempt.outcome == "failed", how
            assert rows_of(store, "deployments", context="proxied") == before > 0, how


def test_a_cluster_without_kube_system_says_so(cluster: Cluster) -> None:
    named = NOT_FOUND | {"details": {"name": "kube-system", "kind": "namespaces"}}
    with Proxy(cluster) as proxy, Session(proxy.context) as session:
        proxy.spoil = lambda path, _: Answer(404, json.dumps(named).encode()) if "kube-system" in path else None
        assert read_cluster(session).uid == ""


def test_a_cluster_restored_from_an_older_backup_is_read_anew(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf, tmp_path: Path
) -> None:
    """etcd is put back to an older state: revisions are used again, for other content of the same objects."""
    live = start_cluster()
    for name in ("first", "second"):
        live.create(PODS, pod(name))
    live.stop()
    backup = tmp_path / "backup"
    shutil.copytree(live.directory / "etcd", backup)
    live = Cluster.start(live.directory)
    live.patch(f"{PODS}/first", {"metadata": {"labels": {"history": "lost"}}})
    for number in range(40):  # so that the restored cluster stays behind
        live.patch(f"{PODS}/second", {"metadata": {"labels": {"beat": str(number)}}})
    sync(context_of(live), "pods")
    before = status_of(store, "pods")["resource_version"]

    live.stop()
    shutil.rmtree(live.directory / "etcd")
    shutil.copytree(backup, live.directory / "etcd")
    live = Cluster.start(live.directory)
    live.patch(f"{PODS}/first", {"metadata": {"labels": {"history": "other"}}})
    # The hardest case: the very version that is stored already, for other content.
    version = next(each for each in live.list("/api/v1/pods") if each["metadata"]["name"] == "first")
    store.connection.execute(
        "UPDATE k8s_pods SET resource_version = %s WHERE name = 'first'", [version["metadata"]["resourceVersion"]]
    )
    result = sync(context_of(live), "pods")
    assert int(str(result.attempt.resource_version)) < int(str(before))
    assert_table_equals_cluster(store, live, "pods")
    live.stop()
