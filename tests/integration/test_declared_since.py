"""Kinds that are declared now, and were custom ones to an older version: an upgrade moves their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS, TABLES
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, StoreError, Target, forget_context
from k8s_inventory.sync import Result, Run, sync_target
from tests.cluster import Cluster
from tests.conftest import IMPATIENT
from tests.equality import assert_table_equals_cluster, query_rows, rows_of, status_of

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]
SERVICES = custom_kind(group="", version="v1", kind="Service", plural="services", namespaced=True)
DEPLOYMENTS = custom_kind(group="apps", version="v1", kind="Deployment", plural="deployments", namespaced=True)


def _sync_as_before(store: Store, context: Context) -> None:
    """As a version does to which both kinds are custom ones."""
    with Session(context, IMPATIENT) as session:
        for kind in (SERVICES, DEPLOYMENTS):
            result = sync_target(session, store, kind, run=Run("before"), settings=Settings.load())
            assert result.attempt.outcome == "complete"
            assert result.attempt.objects > 0


def _left(store: Store) -> list[dict[str, Any]]:
    """What still speaks of the two as custom kinds."""
    return query_rows(
        store,
        """
        SELECT plural AS name FROM k8s_custom_objects WHERE plural IN ('services', 'deployments')
        UNION ALL SELECT kind FROM k8s_sync_targets WHERE kind IN ('services.core', 'deployments.apps')
        UNION ALL SELECT kind FROM k8s_sync_parts WHERE kind IN ('services.core', 'deployments.apps')
        UNION ALL SELECT kind FROM k8s_sync_locks WHERE kind IN ('services.core', 'deployments.apps')
        """,
    )


def _doubled(store: Store) -> list[dict[str, Any]]:
    return query_rows(store, "SELECT uid FROM k8s_objects GROUP BY context_name, uid HAVING count(*) > 1")


def test_rows_move_with_the_table_and_the_next_listing_completes_them(
    cluster: Cluster, new_database: Callable[[], str], sync: Sync, context_of: ContextOf
) -> None:
    with Store.connect(new_database()) as store:
        store.migrate([kind for kind in TABLES if kind.name not in ("services", "deployments")])
        _sync_as_before(store, context_of(cluster))
        columns = "uid, name, namespace, resource_version, labels, annotations, spec, status"
        stored = query_rows(store, f"SELECT {columns} FROM k8s_custom_objects WHERE plural = 'services' ORDER BY uid")
        assert {"k8s_services", "k8s_deployments"} <= set(store.migrate())
        assert store.migrate() == []

        assert _left(store) == []
        assert query_rows(store, f"SELECT {columns} FROM k8s_services ORDER BY uid") == stored
        assert status_of(store, "services")["outcome"] == "complete"
        assert status_of(store, "services")["last_complete_at"] is not None
        for kind in ("services", "deployments"):
            moved = rows_of(store, kind)
            result = sync(context_of(cluster), kind, into=store)
            assert (result.attempt.outcome, result.attempt.changed) == ("complete", moved)
            assert_table_equals_cluster(store, cluster, kind)
        assert query_rows(store, "SELECT name FROM k8s_services WHERE type IS NULL") == []


def test_what_the_declaration_keeps_out_does_not_come_in_by_the_move(
    cluster: Cluster, database_url: str, context_of: ContextOf
) -> None:
    """The custom kind's rows were written without the declaration's paths of environment variables."""
    with Store.connect(database_url) as store:
        store.migrate([kind for kind in TABLES if kind.name not in ("services", "deployments")])
        _sync_as_before(store, context_of(cluster))
        store.migrate()
        assert query_rows(store, "SELECT DISTINCT spec, status FROM k8s_deployments") == [
            {"spec": None, "status": None}
        ]


def test_rows_that_are_doubled_already_are_mended_though_no_table_changes(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    context = context_of(cluster)
    for kind in ("services", "deployments"):
        sync(context, kind)
    _sync_as_before(store, context)
    with Target.locked(store, SERVICES, "test"):
        pass
    assert _doubled(store)
    before = query_rows(store, "SELECT * FROM k8s_services ORDER BY uid")
    with pytest.raises(
        StoreError, match=r"rows of deployments\.apps, rows of services\.core: run the DAG's task `plan`"
    ):
        store.check_schema()
    assert store.migrate() == ["rows of deployments.apps", "rows of services.core"]
    assert store.migrate() == []
    store.check_schema()
    assert _doubled(store) == _left(store) == []
    assert query_rows(store, "SELECT * FROM k8s_services ORDER BY uid") == before
    assert status_of(store, "services")["run_id"] != "before"


def test_an_object_that_was_deleted_since_goes_with_the_next_listing(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    path = "/api/v1/namespaces/shop/services"
    cluster.create(
        path, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "old"}, "spec": {"ports": [{"port": 1}]}}
    )
    _sync_as_before(store, context_of(cluster))
    cluster.delete(f"{path}/old")
    sync(context_of(cluster), "services")
    store.migrate()
    sync(context_of(cluster), "services", namespaces="shop")
    assert query_rows(store, "SELECT name FROM k8s_objects WHERE name = 'old' AND kind = 'Service'") == []
    assert sync(context_of(cluster), "services").attempt.changed == 0
    assert_table_equals_cluster(store, cluster, "services")


def test_columns_and_grants_of_users_stay(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    store.connection.execute("ALTER TABLE k8s_services ADD COLUMN team text NOT NULL DEFAULT 'ours'")
    store.connection.execute("GRANT SELECT ON k8s_services TO PUBLIC")
    _sync_as_before(store, context_of(cluster))
    assert store.migrate() == ["k8s_services_at", "rows of deployments.apps", "rows of services.core"]
    assert query_rows(store, "SELECT DISTINCT team FROM k8s_services") == [{"team": "ours"}]
    granted = "SELECT has_table_privilege('public', 'k8s_services', 'SELECT') AS may"
    assert query_rows(store, granted) == [{"may": True}]
    assert forget_context(store, "test")["k8s_services"] > 0


def test_every_declared_kind_can_be_moved(store: Store) -> None:
    """Its required columns have a value, whatever their types."""
    for kind in KINDS.values():
        store.connection.execute(
            """
            INSERT INTO k8s_custom_objects (
                context_name, uid, name, resource_version, api_version, labels, annotations, owner_references,
                finalizers, "group", plural, kind, version, printer_columns
            )
            VALUES ('old', %s, 'x', '1', 'v1', '{}', '{}', '[]', '{}', %s, %s, %s, 'v1', '{}')
            """,
            [kind.plural, kind.group, kind.plural, kind.kind],
        )
        store.connection.execute(
            "INSERT INTO k8s_sync_targets (context_name, kind) VALUES ('old', %s)",
            [f"{kind.plural}.{kind.group or 'core'}"],
        )
    store.migrate()
    assert query_rows(store, "SELECT * FROM k8s_custom_objects") == []
    for kind in KINDS.values():
        assert rows_of(store, kind.name, context="old") == 1
