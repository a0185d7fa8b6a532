"""Label selectors in SQL, against what the API server selects by the same ones."""

from __future__ import annotations

import random
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
    "largest": {"weight": "9223372036854775807", "exists": "007", "a.b/c": "a_b-c"},
    "beyond": {"weight": "9223372036854775808", "n": "10"},
    "padded": {"weight": "0" * 44 + "9223372036854775806"},
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
    "weight>9223372036854775806",
    "weight<9223372036854775807",
    "weight>1000000000000000000",
    "weight>" + "0" * 50 + "5",
    "exists>6",
    "app\tin\r\n(in)",
    "a.b/c=a_b-c",
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
    "weight>9223372036854775808",
    "weight<99999999999999999999",
    "weight>",
    "app in (a b)",
    "app in (-a)",
    "app in (" + "x" * 64 + ")",
    "app=" + "x" * 64,
    "a" * 64,
    "a" * 254 + "/b",
    "a..b/c",
    "-a.b/c",
    "a-/c",
    "app\v=web",
    "app\u00a0=web",
    "app=\u00e9",
    "app in",
    "!",
    "! !app",
    "app===web",
    "app>=5",
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


KEYS = ["app", "tier", "in", "notin", "exists", "a.b/c", "weight", "n", "example.com/owner", "Q"]
ODD_KEYS = [
    "bad key",
    "\u00e9",
    "a/b/c",
    "/x",
    "x/",
    "-a",
    "a-",
    "a" * 63,
    "a" * 64,
    "kubernetes.io/metadata.name",
    "A.b/c",
    "",
]
VALUES = [
    "",
    "a",
    "b",
    "web",
    "in",
    "notin",
    "1",
    "007",
    "10",
    "12",
    "9223372036854775807",
    "9223372036854775808",
    "a_b-c",
]
ODD_VALUES = ["5", "-5", "+5", "abc", "x" * 63, "x" * 64, " ", "\u00e9", "a b", "1e3", ".", "_"]
SPACES = ["", "", "", " ", "  ", "\t", "\n", "\r"]
OPERATORS = ["=", "==", "!=", " in ", " notin ", "", "!", ">", "<", "in", "=", " in", "\tnotin"]


def _requirement(chosen: random.Random) -> str:
    def space() -> str:
        return chosen.choice(SPACES)

    key = chosen.choice(KEYS * 3 + ODD_KEYS)
    sign = chosen.choice(OPERATORS)
    if sign == "":
        return space() + key + space()
    if sign == "!":
        return space() + "!" + space() + key
    if sign.strip() in ("in", "notin"):
        between = space() + chosen.choice([",", ",", ",", ", ", " ,"]) + space()
        values = between.join(chosen.choice(VALUES * 4 + ODD_VALUES) for _ in range(chosen.randint(0, 3)))
        return f"{key}{sign}{space()}({space()}{values}){space()}"
    return space() + key + space() + sign + space() + chosen.choice(VALUES + ODD_VALUES)


def test_random_selectors_select_and_are_refused_as_by_the_api_server(cluster: Cluster, pods: Store) -> None:
    chosen = random.Random(3)
    query = "SELECT name FROM k8s_pods WHERE namespace = 'selectors' AND k8s_matches(labels, %s)"
    refused = 0
    for _ in range(700):
        by = ",," if chosen.random() < 0.02 else ","
        selector = by.join(_requirement(chosen) for _ in range(chosen.choice([1, 1, 1, 2, 2, 3])))
        try:
            found = cluster.list(f"{NAMESPACE}/pods?labelSelector={quote(selector)}")
            selected = {pod["metadata"]["name"] for pod in found}
        except Rejected:
            refused += 1
            with pytest.raises(psycopg.errors.InvalidParameterValue, match="has no requirement at"):
                pods.connection.execute(query, [selector])
        else:
            assert {row[0] for row in pods.connection.execute(query, [selector])} == selected, repr(selector)
    assert 100 < refused < 600


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
