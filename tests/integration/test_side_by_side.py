"""Several kinds of a context at a time: they overlap, and what goes wrong with one stays with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, Target
from k8s_inventory.sync import Result, Run, sync_kinds
from tests.cluster import Cluster
from tests.conftest import IMPATIENT
from tests.equality import assert_table_equals_cluster, status_of
from tests.proxy import Answer, Proxy

NAMES = ("pods", "services", "deployments", "configmaps", "namespaces")


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    made = [Store.connect(database_url) for _ in range(3)]
    made[0].migrate()
    yield made
    for each in made:
        each.close()


def _sync(context: Context, stores: list[Store], **settings: object) -> dict[str, Result]:
    with Session(context, IMPATIENT) as session:
        kinds = [KINDS[name] for name in NAMES]
        chosen = Settings.load(settings)
        return {each.kind: each for each in sync_kinds(session, stores, kinds, run=Run("r"), settings=chosen)}


def test_kinds_overlap_and_each_is_exact(cluster: Cluster, stores: list[Store]) -> None:
    """Pods are answered only once Services were asked for, and the other way round."""
    asked = {name: threading.Event() for name in ("pods", "services")}

    def wait_for_each_other(path: str, real: Answer) -> Answer | None:
        for mine, other in (("pods", "services"), ("services", "pods")):
            if f"/{mine}?" in path:
                asked[mine].set()
                assert asked[other].wait(20), "one kind waits for the other to end"
        return None

    with Proxy(cluster) as proxy:
        proxy.spoil = wait_for_each_other
        results = _sync(proxy.context, stores)
    assert {each.attempt.outcome for each in results.values()} == {"complete"}
    assert results.keys() == set(NAMES)
    for name in NAMES:
        assert_table_equals_cluster(stores[0], cluster, name, context="proxied")


def test_what_the_database_refuses_fails_one_kind_alone(
    cluster: Cluster, stores: list[Store], context_of: Callable[..., Context], database_url: str
) -> None:
    with Store.connect(database_url) as other, Target.locked(other, KINDS["services"], "test"):
        results = _sync(context_of(cluster), stores, lock_wait=0)
    busy = results.pop("services")
    assert (busy.attempt.outcome, busy.retryable) == ("failed", True)
    assert "still being written by" in str(busy.attempt.error)
    assert {each.attempt.outcome for each in results.values()} == {"complete"}


def test_a_dead_context_is_tried_once(stores: list[Store]) -> None:
    content = {
        "clusters": [{"name": "dead", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "dead", "context": {"cluster": "dead", "user": "u"}}],
    }
    results = _sync(Context(name="dead", kubeconfig=content, context="dead"), stores)
    assert {each.attempt.outcome for each in results.values()} == {"unreachable"}
    errors = [str(status_of(stores[0], name, context="dead")["error"]) for name in NAMES]
    assert sum("not tried again" not in error for error in errors) == 1
