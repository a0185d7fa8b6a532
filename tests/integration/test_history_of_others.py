"""The history beside what others do to it, and what is left of it under new rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg
import pytest

from k8s_inventory.kinds import TABLES
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, StoreError, partitions, statements
from k8s_inventory.sync import Result, Run, sync_target
from tests.cluster import Cluster
from tests.cluster.cluster import Rejected, User
from tests.cluster.objects import crd, namespace
from tests.cluster.planted import CRDS, PLANTS, make_planted
from tests.conftest import IMPATIENT, sync_with_custom_objects
from tests.integration.test_history import now, query, replica_set, text_of

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]


@pytest.fixture
def home(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of a namespace of the test's own."""
    name = request.node.name.replace("_", "-").replace("[", "-").rstrip("]")[:60].rstrip("-").lower()
    cluster.create("/api/v1/namespaces", namespace(name))
    yield f"/apis/apps/v1/namespaces/{name}/replicasets"
    cluster.delete(f"/api/v1/namespaces/{name}")


def weeks(store: Store) -> list[str]:
    statement = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'k8s_changes'::regclass"
    return sorted(row["name"] for row in query(store, statement))


@pytest.mark.parametrize("of_week", [False, True])
def test_whoever_deletes_changes_may_have_any_search_path(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, home: str, of_week: bool
) -> None:
    context = context_of(cluster)
    cluster.create(home, replica_set("web"))
    sync(context, "replicasets")
    cluster.patch(f"{home}/web", {"spec": {"replicas": 2}})
    sync(context, "replicasets")
    (last,) = query(store, "SELECT seen_at, tableoid::regclass::text AS week FROM k8s_changes")
    table = last["week"] if of_week else "k8s_changes"
    with psycopg.connect(store.connection.info.dsn, autocommit=True) as other:
        other.execute("SET search_path TO pg_temp, pg_catalog")
        other.execute("CREATE TEMP TABLE k8s_sync_targets (context_name text, history_since timestamptz)")
        assert other.execute(f"DELETE FROM public.{table}".encode()).rowcount == 1
    (target,) = query(store, "SELECT history_since FROM k8s_sync_targets WHERE kind = 'replicasets'")
    assert target["history_since"] == last["seen_at"]


def test_weeks_have_what_others_added_to_the_history(store: Store) -> None:
    store.connection.execute("ALTER TABLE k8s_changes ADD COLUMN day text GENERATED ALWAYS AS (lower(kind)) STORED")
    store.connection.execute("ALTER TABLE k8s_changes ADD COLUMN ticket text NOT NULL DEFAULT 'none'")
    store.connection.execute("CREATE UNIQUE INDEX mine ON k8s_changes (id, seen_at)")
    made = weeks(store)
    store.connection.execute(f"DROP TABLE {made[-1]}".encode())
    assert store.migrate() == [made[-1]]
    assert weeks(store) == made


def test_only_weeks_of_ours_are_dropped(store: Store) -> None:
    week = {"since": "2026-01-05 00:00:00+00", "until": "2026-01-12 00:00:00+00", "name": "k8s_changes_20260105"}
    earlier = {"since": "2025-12-29 00:00:00+00", "until": "2026-01-05 00:00:00+00", "name": "k8s_changes_20251229"}
    with store.schema_change():
        for each in (earlier, week):
            store.connection.execute(partitions.partition(partitions.CHANGES, each))
    store.connection.execute("ALTER TABLE k8s_changes DETACH PARTITION k8s_changes_20251229")
    store.connection.execute("CREATE TABLE k8s_changes_20260101 AS SELECT * FROM k8s_changes")
    store.connection.execute("CREATE TABLE k8s_changes_20259999 AS SELECT * FROM k8s_changes")
    query_name = "SELECT to_regclass(%s) AS name"
    # What a session leaves that ends after it took the week off, and before it drops it.
    store.connection.execute("ALTER TABLE k8s_changes DETACH PARTITION k8s_changes_20260105")
    store.connection.execute(f"COMMENT ON TABLE k8s_changes_20260105 IS '{partitions.EXPIRED}'".encode())
    assert store.drop_expired_history(30, 30) == ["k8s_changes_20260105"]
    assert store.drop_expired_history(30, 30) == []
    for name in ("k8s_changes_20251229", "k8s_changes_20260101", "k8s_changes_20259999"):
        assert query(store, query_name, name) == [{"name": name}], name


def test_rows_made_of_stored_ones_are_no_changes_of_objects(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, home: str
) -> None:
    made = replica_set("web")
    made["metadata"]["annotations"] = {"note": "here"}
    cluster.create(home, made)
    assert sync(context_of(cluster), "replicasets").outcome == "complete"
    rules = ["replicasets:.metadata.annotations.note"]
    assert sync(context_of(cluster, user=User("reader")), "replicasets", redact=rules).outcome == "forbidden"
    assert "<redacted>" in text_of(store, "k8s_replicasets")
    result = sync(context_of(cluster), "replicasets")
    assert (result.outcome, result.attempt.changed > 0) == ("complete", True)
    assert query(store, "SELECT * FROM k8s_changes") == []


def test_a_new_rule_reaches_columns_that_are_not_there_any_more_and_those_of_others(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, home: str
) -> None:
    store.connection.execute(
        "ALTER TABLE k8s_replicasets ADD COLUMN cost numeric, ADD COLUMN former text DEFAULT 'planted-former', "
        "ADD COLUMN note text GENERATED ALWAYS AS (annotations ->> 'note') STORED"
    )
    store.migrate()
    made = replica_set("web")
    made["metadata"]["annotations"] = {"note": "planted-1"}
    cluster.create(home, made)
    context = context_of(cluster)
    sync(context, "replicasets")
    store.connection.execute("UPDATE k8s_replicasets SET cost = 3")
    cluster.delete(f"{home}/web")
    assert sync(context, "replicasets").attempt.deleted == 1
    instant = now(store)
    store.connection.execute("ALTER TABLE k8s_replicasets DROP COLUMN former")
    store.migrate()
    store.connection.execute("UPDATE k8s_changes SET keyframe = old")
    assert sync(context, "replicasets", redact=["replicasets:.metadata.annotations.note"]).outcome == "complete"
    assert "planted" not in text_of(store, "k8s_changes")
    assert [row["last_row"]["cost"] for row in query(store, "SELECT last_row FROM k8s_deleted")] == [3]
    assert (
        query(store, "SELECT name FROM k8s_replicasets_at(%s) WHERE namespace = %s", instant, home.split("/")[5]) == []
    )


def test_what_is_moved_to_a_table_of_its_own_keeps_its_history(
    cluster: Cluster, database_url: str, sync: Sync, context_of: ContextOf, home: str
) -> None:
    context = context_of(cluster)
    made: dict[str, Any] = replica_set("web")
    made["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "KEY", "value": "planted-1"}]
    cluster.create(home, made)
    custom = custom_kind(group="apps", version="v1", kind="ReplicaSet", plural="replicasets", namespaced=True)

    def sync_as_before(store: Store) -> datetime:
        with Session(context, IMPATIENT) as session:
            run = Run("before")
            settings = Settings.load({"redact_env": False})
            assert sync_target(session, store, custom, run=run, settings=settings).outcome == "complete"
        return now(store)

    with Store.connect(database_url) as store:
        store.migrate([kind for kind in TABLES if kind.name != "replicasets"])
        first = sync_as_before(store)
        made["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "planted-2"
        cluster.patch(f"{home}/web", {"metadata": {"annotations": {"note": "1"}}, "spec": {"replicas": 2}})
        second = sync_as_before(store)
        assert len(query(store, "SELECT * FROM k8s_changes")) == 1
        store.migrate()
        assert sync(context, "replicasets", into=store, redact_env=True).outcome == "complete"
        assert [row["change"] for row in query(store, "SELECT * FROM k8s_changes")] == ["updated"]
        assert "planted" not in text_of(store, "k8s_changes")
        where = "WHERE namespace = %s"
        for instant, replicas in ((first, 1), (second, 2)):
            found = query(store, f"SELECT spec FROM k8s_replicasets_at(%s) {where}", instant, home.split("/")[5])
            assert [row["spec"]["replicas"] for row in found] == [replicas]


@pytest.mark.parametrize("word", ["passings", "passing"])
def test_a_new_rule_reaches_custom_kinds_that_are_gone(
    start_cluster: Callable[..., Cluster], store: Store, context_of: ContextOf, word: str
) -> None:
    cluster = start_cluster()
    context = context_of(cluster)
    crds, group = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", f"{word}.example"
    cluster.create(crds, crd("passings", group))
    path = f"/apis/{group}/v1/namespaces/default/passings"
    cluster.until_served(path)
    made = {
        "apiVersion": f"{group}/v1",
        "kind": "Passing",
        "metadata": {"name": "p", "annotations": {"n": "planted-1"}},
    }
    cluster.create(path, made)
    run = iter(range(100))

    def outcome(**settings: object) -> str | None:
        results = sync_with_custom_objects(store, context, f"run-{next(run)}", [], **settings)
        found = results.get(f"passings.{group}")
        return found and str(found.outcome)

    assert outcome() == "complete"
    cluster.patch(f"{path}/p", {"metadata": {"annotations": {"n": "planted-2"}}})
    assert outcome() == "complete"
    cluster.delete(f"{crds}/passings.{group}")
    for _ in range(100):
        if outcome() == "absent":
            break
    assert outcome() is None
    assert "planted-1" in text_of(store, "k8s_changes")
    rules = {"redact": [f"{word}:.metadata.annotations.n"]}
    assert outcome(**rules) == "absent"
    assert "planted" not in text_of(store, "k8s_changes")
    assert outcome(**rules) is None


def test_partitions_of_others_have_their_weeks(store: Store) -> None:
    made = weeks(store)
    for week in made[-2:]:
        store.connection.execute(f"DROP TABLE {week}".encode())
    since, until = made[-2][-8:], "2200-01-01"
    store.connection.execute(
        f"CREATE TABLE mine PARTITION OF k8s_changes FOR VALUES FROM ('{since} 00:00Z') TO ('{until} 00:00Z')".encode()
    )
    assert store.migrate() == []
    store.connection.execute(f"ALTER TABLE k8s_changes DETACH PARTITION {made[1]}".encode())
    with pytest.raises(StoreError, match=rf"{made[1]} is in the way .* attach it"):
        store.migrate()
    store.connection.execute(f"ALTER TABLE {made[1]} RENAME TO archive".encode())
    assert store.migrate() == [made[1]]


def test_an_instant_between_the_parts_of_a_listing_is_not_complete(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, home: str
) -> None:
    context, space = context_of(cluster), home.split("/")[5]
    cluster.create(home, replica_set("web"))
    sync(context, "replicasets")
    cluster.patch(f"{home}/web", {"spec": {"replicas": 2}})
    assert sync(context, "replicasets", namespaces=[space, "default"]).outcome == "complete"
    (change,) = query(store, "SELECT seen_at, clock_timestamp() AS now FROM k8s_changes")
    for instant in change.values():
        (known,) = query(store, "SELECT known FROM k8s_coverage_at(%s) WHERE kind = 'replicasets'", instant)
        assert known["known"] == "incomplete"
    sync(context, "replicasets")
    (known,) = query(store, "SELECT known FROM k8s_coverage_at(%s) WHERE kind = 'replicasets'", now(store))
    assert known["known"] == "complete"


def test_nothing_of_what_is_gone_shows_once_strict_was_switched_on(
    start_cluster: Callable[..., Cluster], store: Store, context_of: ContextOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "KEYFRAMES", 1)
    cluster = start_cluster()
    make_planted(cluster)
    paths = sorted({plant.path for plant in PLANTS if plant.path != CRDS})
    named = {
        path: each["metadata"]["name"] for path in paths for each in cluster.list(path) if "pl4nted" in json.dumps(each)
    }
    context = context_of(cluster)
    loose = {"redact_env": False, "config_map_values": True}

    def run(run_id: str, **settings: object) -> set[str]:
        results = sync_with_custom_objects(store, context, run_id, **settings)
        assert {each.attempt.outcome for each in results.values()} == {"complete"}
        return {plant.secret for plant in PLANTS if plant.secret in text_of(store, "k8s_changes")}

    assert run("first", **loose) == set()
    for path, name in named.items():
        with suppress(Rejected):  # of a kind that does not change
            cluster.patch(f"{path}/{name}", {"metadata": {"annotations": {"touched": "1"}}})
    shown = run("touched", **loose)
    assert len(shown) > len([plant for plant in PLANTS if plant.shows]) / 2
    for path, name in named.items():
        cluster.delete(f"{path}/{name}")
    gone = run("deleted", **loose)
    assert gone >= shown
    default = run("default")
    assert default < gone
    assert sorted(default - {plant.secret for plant in PLANTS if plant.shows}) == []
    assert sorted(run("strict", privacy="strict")) == []
