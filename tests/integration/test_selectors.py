"""Label selectors in SQL, against what the API server selects by the same ones."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import psycopg
import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster, Rejected

LABELS: dict[str, dict[str, str]] = {
    "none": {},
    "web": {"app": "web", "tier": "a"},
    "canary": {"app": "web", "tier": "b", "canary": ""},
    "job": {"app": "job", "tier": "c", "weight": "12"},
    "heavy": {"weight": "100", "example.com/owner": "team-a.x_y"},
    "odd": {"weight": "1e3", "in": "notin", "app": "in"},
}
SELECTORS = [
    "",
    "app=web",
    "app == web",
    "app=web,app=job",
    "app!=web",
    "app=web,tier in (a,b),!canary",
    "tier in (a, c)",
    "tier in(b)",
    "tier notin (a)",
    "canary",
    "! canary",
    "canary=",
    "canary in ()",
    "canary in (,x)",
    "canary notin ()",
    "example.com/owner=team-a.x_y",
    "example.com/owner, weight",
    "weight>12",
    "weight<100",
    "in=notin",
    "in in (notin)",
    "app in (in, job),weight",
]
REFUSED = [
    "app=web,",
    ",app",
    "app=web,,tier=a",
    "app in (a",
    "app in a",
    "appin (a)",
    "tier in (a)(b)",
    "!app=web",
    "app=-5",
    "weight>many",
    "weight>-1",
    "a//b=c",
    "-app",
    "app=web'; DROP TABLE k8s_pods; --",
    "app web",
]
NAMESPACE = "/api/v1/namespaces/selectors"


@pytest.fixture(scope="module")
def labelled(cluster: Cluster) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "selectors"}})
    spec = {"containers": [{"name": "main", "image": "registry.example/app:1"}]}
    for name, labels in LABELS.items():
        cluster.create(f"{NAMESPACE}/pods", {"metadata": {"name": name, "labels": labels}, "spec": spec})


@pytest.fixture
def pods(
    cluster: Cluster, labelled: None, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context]
) -> Store:
    assert sync(context_of(cluster), "pods").attempt.outcome == "complete"
    return store


def test_a_selector_selects_what_the_api_server_selects(cluster: Cluster, pods: Store) -> None:
    query = "SELECT name FROM k8s_pods WHERE namespace = 'selectors' AND k8s_matches(labels, %s)"
    for selector in SELECTORS:
        found = {row[0] for row in pods.connection.execute(query, [selector])}
        selected = cluster.list(f"{NAMESPACE}/pods?labelSelector={quote(selector)}")
        assert found == {pod["metadata"]["name"] for pod in selected}, selector


def test_what_the_api_server_refuses_is_refused(cluster: Cluster, pods: Store) -> None:
    for selector in REFUSED:
        with pytest.raises(Rejected) as rejected:
            cluster.list(f"{NAMESPACE}/pods?labelSelector={quote(selector)}")
        assert rejected.value.status == 400, selector
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="has no requirement at"):
            pods.connection.execute("SELECT count(*) FROM k8s_pods WHERE k8s_matches(labels, %s)", [selector])


def test_selectors_of_objects_select_as_kubernetes_documents(pods: Store) -> None:
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/"""
    names = set(LABELS)
    for selector, selected in [
        ("{}", names),
        (None, set()),
        ('{"matchLabels": {"app": "web"}}', {"web", "canary"}),
        ('{"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]}', names - {"web"}),
        ('{"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "canary", "operator": "Exists"}]}', {"canary"}),
        ('{"app": "web"}', {"web", "canary"}),
    ]:
        query = "SELECT name FROM k8s_pods WHERE namespace = 'selectors' AND k8s_selects(%s::jsonb, labels)"
        assert {row[0] for row in pods.connection.execute(query, [selector])} == selected, selector
