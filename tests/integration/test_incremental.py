"""Runs that go on from where the rows are, on a real API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, Sync, Targets
from tests.cluster import Cluster
from tests.cluster.objects import namespace, pod
from tests.conftest import IMPATIENT, again
from tests.equality import assert_table_equals_cluster, query_rows, status_of

Inventory = Callable[..., dict[str, Result]]


@pytest.fixture
def inventory(store: Store) -> Inventory:
    """Runs kinds of a context in a mode; the results by kind."""
    counter = iter(range(1, 1000))

    def run(context: Context, *kinds: str, mode: str = "incremental", custom: bool = False, **settings: Any) -> Any:
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
    assert (status["objects"], status["changed"], status["deleted"]) == (3, 2, 1)
    seen = {(row["name"], row["change"]): row["evidence"] for row in changes(store, run_id="incremental-2")}
    assert seen.keys() == {("one", "updated"), ("two", "deleted"), ("four", "created")}
    assert seen["one", "updated"] == "watch event"
    assert seen["two", "deleted"].startswith("watch event at resourceVersion ")
