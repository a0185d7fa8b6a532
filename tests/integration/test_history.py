"""Former states of objects: what changed, and tables as of an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.objects import deployment, namespace

Row = dict[str, Any]


def query(store: Store, statement: str, *values: object) -> list[Row]:
    from psycopg.rows import dict_row

    with store.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()


def now(store: Store) -> datetime:
    instant: datetime = query(store, "SELECT clock_timestamp() AS now")[0]["now"]
    return instant


@pytest.fixture
def home(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of a namespace of the test's own."""
    name = request.node.name.replace("_", "-").replace("[", "-").rstrip("]")[:60].rstrip("-").lower()
    cluster.create("/api/v1/namespaces", namespace(name))
    yield f"/apis/apps/v1/namespaces/{name}/replicasets"
    cluster.delete(f"/api/v1/namespaces/{name}")


def replica_set(name: str, *, replicas: int = 1) -> Row:
    return {**deployment(name, replicas=replicas), "kind": "ReplicaSet"}


class Kept:
    """Copies of a table, each with the instant at which it was taken."""

    def __init__(self, store: Store, table: str) -> None:
        self._store, self._table = store, table
        self._copies: list[tuple[str, datetime]] = []

    def take(self) -> None:
        name = f"kept_{len(self._copies)}"
        query_nothing(self._store, f"CREATE TEMP TABLE {name} AS SELECT * FROM {self._table}")
        self._copies.append((name, now(self._store)))

    def differences(self) -> list[Row]:
        found = []
        for name, instant in self._copies:
            for one, other in (("SELECT * FROM {copy}", "{at}"), ("{at}", "SELECT * FROM {copy}")):
                at = f"SELECT * FROM {self._table}_at(%(instant)s)"
                statement = f"({one} EXCEPT {other})".format(copy=name, at=at)
                with self._store.connection.cursor() as cursor:
                    found += cursor.execute(statement.encode(), {"instant": instant}).fetchall()
        return found


def query_nothing(store: Store, statement: str) -> None:
    store.connection.execute(statement.encode())


def test_what_changes_is_noted_and_instants_are_exact(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context], home: str
) -> None:
    context = context_of(cluster)
    kept = Kept(store, "k8s_replicasets")

    def run() -> None:
        result = sync(context, "replicasets")
        assert result.outcome == "complete", result
        kept.take()

    cluster.create(home, replica_set("web", replicas=1))
    before = now(store)
    run()
    assert query(store, "SELECT * FROM k8s_changes") == []
    run()
    assert query(store, "SELECT * FROM k8s_changes") == []
    for replicas in range(2, 30):
        cluster.patch(f"{home}/web", {"spec": {"replicas": replicas}})
        run()
    cluster.create(home, replica_set("api"))
    run()
    cluster.delete(f"{home}/web")
    run()
    cluster.create(home, replica_set("web", replicas=7))
    run()
    assert kept.differences() == []
    assert query(store, "SELECT * FROM k8s_replicasets_at(%s)", before) == []
    changes = query(store, "SELECT change, columns, old FROM k8s_changes ORDER BY id")
    assert [each["change"] for each in changes] == ["updated"] * 28 + ["created", "deleted", "created"]
    assert {"replicas", "spec"} <= set(changes[0]["columns"])
    assert changes[0]["old"]["replicas"] == 1 and set(changes[0]["old"]) == set(changes[0]["columns"])
    assert changes[29]["old"]["replicas"] == 29 and changes[29]["old"]["name"] == "web"
    (gone,) = query(store, "SELECT * FROM k8s_deleted")
    assert (gone["name"], gone["last_row"]["replicas"]) == ("web", 29)
    objects = query(store, "SELECT name FROM k8s_objects_at(clock_timestamp()) WHERE plural = 'replicasets' AND namespace = %s", home.split('/')[5])
    assert sorted(each["name"] for each in objects) == ["api", "web"]
