"""What users put on our tables stays there, and no sync, no object that is made again and no upgrade fails of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kinds.declaration import Column
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, StoreError, forget_context
from k8s_inventory.store.statements import FOLDER
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.objects import pod
from tests.conftest import sync_custom_objects
from tests.equality import assert_table_equals_cluster, query_rows, rows_of

PODS = "/api/v1/namespaces/shop/pods"
CUSTOM = "/apis/shop.example/v1/namespaces/shop/tests"
Sync = Callable[..., Result]
ContextOf = Callable[..., Context]

ADDED = [
    "ALTER TABLE {table} ADD COLUMN team text NOT NULL DEFAULT 'none'",
    "ALTER TABLE {table} ADD COLUMN ticket serial",
    "ALTER TABLE {table} ADD COLUMN identity bigint GENERATED ALWAYS AS IDENTITY UNIQUE",
    "ALTER TABLE {table} ADD COLUMN loud text GENERATED ALWAYS AS (upper(name)) STORED",
    "ALTER TABLE {table} ADD COLUMN plain text, ADD COLUMN dropped text",
    "ALTER TABLE {table} DROP COLUMN dropped",
    "CREATE UNIQUE INDEX {table}_by_name ON {table} ({key})",
    "CREATE UNIQUE INDEX {table}_of_shop ON {table} ({key}) WHERE namespace = 'shop'",
    "ALTER TABLE {table} ADD CONSTRAINT {table}_alone UNIQUE ({key})",
    "ALTER TABLE {table} ADD CONSTRAINT {table}_named CHECK (name <> '')",
    "CREATE TABLE {table}_notes (context_name text, uid text, note text DEFAULT 'theirs')",
    "CREATE STATISTICS {table}_statistics ON namespace, name FROM {table}",
    "CREATE VIEW {table}_view AS SELECT * FROM {table}",
    "CREATE TABLE {table}_child () INHERITS ({table})",
    "CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION touched()",
    "CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audited()",
    "ALTER TABLE {table} ALTER COLUMN labels SET COMPRESSION pglz",
    "COMMENT ON TABLE {table} IS 'theirs'",
]
FUNCTIONS = [
    "CREATE TABLE audit (name text)",
    "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.plain := 'touched'; RETURN NEW; END $$",
    "CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO audit VALUES (tg_op); RETURN NULL; END $$",
]


def _add(store: Store, table: str, *statements: str) -> None:
    """`key` names an object: there is one at a time."""
    key = (
        'context_name, namespace, name, plural, "group"'
        if table == "k8s_custom_objects"
        else "context_name, namespace, name"
    )
    for each in statements:
        store.connection.execute(each.format(table=table, key=key).encode())


def _upgrade(store: Store) -> None:
    store.connection.execute("UPDATE k8s_schema_tables SET declaration = 'of an older version'")
    assert len(store.migrate()) > 60
    assert store.migrate() == []


def _additions(store: Store) -> list[Any]:
    """What the catalogue has on tables beside their rows."""
    query = """SELECT 'column', attrelid::regclass::text, attname, attnotnull, attidentity, attgenerated, attacl::text
            FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT attisdropped
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, TRUE, '', '', pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, TRUE, '', '',
            pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text LIKE 'k8s%'
        UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, TRUE, '', '', pg_get_triggerdef(oid)
            FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'statistics', stxrelid::regclass::text, stxname, TRUE, '', '', pg_get_statisticsobjdef(oid)
            FROM pg_statistic_ext ORDER BY 1, 2, 3, 7"""
    return store.connection.execute(query.encode()).fetchall()


@pytest.fixture
def again(cluster: Cluster) -> Iterator[Callable[[], None]]:
    """Deletes a pod and makes another one of its name."""
    cluster.create(PODS, pod("again"))

    def make() -> None:
        cluster.delete(f"{PODS}/again")
        cluster.create(PODS, pod("again"))

    yield make
    cluster.delete(f"{PODS}/again")


def test_additions_to_the_table_of_a_kind(
    any_store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync, again: Callable[[], None]
) -> None:
    store, context = any_store, context_of(cluster)
    sync(context, "pods", into=store)
    notes = "ALTER TABLE {table}_notes ADD FOREIGN KEY (context_name, uid) REFERENCES {table} ON DELETE CASCADE"
    _add(store, "k8s_pods", *FUNCTIONS, *ADDED, notes)
    store.connection.execute("INSERT INTO k8s_pods_notes SELECT context_name, uid FROM k8s_pods")
    before, number = _additions(store), query_rows(store, "SELECT uid, ticket, team FROM k8s_pods ORDER BY 1")
    _upgrade(store)
    assert _additions(store) == before
    assert query_rows(store, "SELECT uid, ticket, team FROM k8s_pods ORDER BY 1") == number
    verified = sync(context, "pods", into=store, verify=True).attempt
    assert (verified.outcome, verified.changed) == ("complete", 0), verified.error
    again()
    cluster.patch(f"{PODS}/web-0", {"metadata": {"labels": {"of": str(id(store))}}})
    for selectors in ({}, {"label_selectors": {"pods": "app"}}, {"namespaces": "shop"}):
        again()
        synced = sync(context, "pods", into=store, **selectors).attempt
        assert synced.outcome == "complete", synced.error
        if not selectors:
            assert (synced.changed, synced.deleted) == (2, 1)
    sync(context, "pods", into=store)
    assert_table_equals_cluster(store, cluster, "pods")
    assert rows_of(store, "pods") - 1 == query_rows(store, "SELECT count(*) AS n FROM k8s_pods_notes")[0]["n"]
    assert query_rows(store, "SELECT DISTINCT plain FROM k8s_pods WHERE name IN ('web-0', 'again')")[0] == {
        "plain": "touched"
    }
    assert query_rows(store, "SELECT count(*) AS n FROM k8s_pods_at(now())")[0]["n"] == rows_of(store, "pods")


def test_additions_to_the_table_of_custom_objects(
    store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync
) -> None:
    context = context_of(cluster)
    sync_custom_objects(store, context, "first")
    _add(store, "k8s_custom_objects", *FUNCTIONS, *ADDED)
    before = _additions(store)
    _upgrade(store)
    assert _additions(store) == before
    made = {"apiVersion": "shop.example/v1", "kind": "Test", "metadata": {"name": "custom"}}
    cluster.delete(f"{CUSTOM}/custom")
    uid = cluster.create(CUSTOM, made)["metadata"]["uid"]
    sync_custom_objects(store, context, "second")
    found = query_rows(store, "SELECT uid, team FROM k8s_custom_objects WHERE name = 'custom'")
    assert found == [{"uid": uid, "team": "none"}]


SYSTEM = ("runs", "targets", "contexts", "parts", "locks", "discoveries", "sources")


def test_additions_to_the_other_tables(store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync) -> None:
    context = context_of(cluster)
    sync(context, "pods")
    _add(store, "", *FUNCTIONS)
    for table in (*(f"k8s_sync_{each}" for each in SYSTEM), "k8s_changes", "k8s_schema_migrations"):
        _add(store, table, *ADDED[:2], "ALTER TABLE {table} ADD COLUMN plain text, ADD COLUMN dropped text", ADDED[5])
        _add(store, table, *ADDED[-4:-2], "CREATE VIEW {table}_view AS SELECT * FROM {table}")
    _add(store, "k8s_changes", "ALTER TABLE {table} ADD CONSTRAINT {table}_named CHECK (name <> '')")
    _add(store, "k8s_changes", "CREATE UNIQUE INDEX {table}_alone ON {table} (id, seen_at)")
    week = query_rows(store, "SELECT max(inhrelid::regclass::text) AS name FROM pg_inherits WHERE inhparent = "
                      "'k8s_changes'::regclass")[0]["name"]  # fmt: skip
    store.connection.execute(f"DROP TABLE {week}")
    before = {each for each in _additions(store) if week not in str(each)}
    _upgrade(store)
    assert before <= set(_additions(store))
    assert query_rows(store, "SELECT to_regclass(%s) IS NOT NULL AS is_there", week) == [{"is_there": True}]
    cluster.patch(f"{PODS}/web-1", {"metadata": {"labels": {"of": str(id(store))}}})
    for selectors in ({}, {"namespaces": "shop"}):
        synced = sync(context, "pods", **selectors).attempt
        assert synced.outcome == "complete", synced.error
    assert query_rows(store, "SELECT name, team FROM k8s_changes") == [{"name": "web-1", "team": "none"}]
    assert store.mark_configured(["test", "other"], source="a") == []
    assert store.mark_configured(["other"], source="a") == ["test"]


def test_what_is_unique_may_go_from_one_object_to_another(
    store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync
) -> None:
    context = context_of(cluster)
    numbers = list(range(5))
    for number in numbers:
        cluster.patch(f"{PODS}/web-{number}", {"metadata": {"labels": {"slot": str(number)}}})
    sync(context, "pods")
    _add(store, "k8s_pods", "CREATE UNIQUE INDEX slots ON {table} ((labels ->> 'slot'))")
    for step in (1, -1):
        for number in numbers:
            cluster.patch(f"{PODS}/web-{number}", {"metadata": {"labels": {"slot": str(number + 10 + step)}}})
        synced = sync(context, "pods").attempt
        assert (synced.outcome, synced.changed) == ("complete", 5), synced.error
        assert_table_equals_cluster(store, cluster, "pods")
    assert query_rows(store, "SELECT count(*) AS n FROM k8s_changes WHERE plural = 'pods'") == [{"n": 10}]


@pytest.mark.parametrize("what", ["EXCLUDE USING btree ({slot} WITH =)", "UNIQUE (slot) DEFERRABLE INITIALLY DEFERRED"])
def test_constraints_of_other_sorts(
    what: str, store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync
) -> None:
    context = context_of(cluster)
    for number in range(2):
        cluster.patch(f"{PODS}/web-{number}", {"metadata": {"labels": {"slot": str(number)}}})
    sync(context, "pods")
    slot = "(labels ->> 'slot')"
    _add(store, "k8s_pods", f"ALTER TABLE {{table}} ADD COLUMN slot text GENERATED ALWAYS AS ({slot}) STORED")
    _add(store, "k8s_pods", f"ALTER TABLE {{table}} ADD CONSTRAINT one_each {what.format(slot=slot)}")
    for number in range(2):
        cluster.patch(f"{PODS}/web-{number}", {"metadata": {"labels": {"slot": str(number + 1)}}})
    synced = sync(context, "pods").attempt
    assert (synced.outcome, synced.changed) == ("complete", 2), synced.error
    if what.startswith("UNIQUE"):
        for number in range(2):
            cluster.patch(f"{PODS}/web-{number}", {"metadata": {"labels": {"slot": str(2 - number)}}})
        assert sync(context, "pods").attempt.outcome == "complete", "each has what the other had"
    assert_table_equals_cluster(store, cluster, "pods")


_NAMED = re.compile(r"(?:\bAS|^|,) ?(\w+)|^(\w+) AS|[(,] ?(\w+) (?:text|jsonb|timestamptz)")
CALLED = sorted(
    {
        name
        for path in (FOLDER / "store").iterdir()
        for found in _NAMED.findall(path.read_text())
        for name in found
        if re.fullmatch("[a-z_]+", name)
    }
)
"""By which names statements call tables, columns and parameters; and more."""


def test_columns_may_have_the_names_by_which_statements_call_tables(
    store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync
) -> None:
    """`to_jsonb(gone)` is a column of the name, where there is one, and the row only where there is none."""
    context = context_of(cluster)
    assert {"gone", "stored", "staged", "former", "of_uid", "instant"} <= set(CALLED)
    for table in ("k8s_pods", "k8s_events", "k8s_custom_objects", "k8s_changes", "k8s_past_events", "k8s_sync_targets"):
        added = ", ".join(f"ADD COLUMN IF NOT EXISTS \"{name}\" text DEFAULT 'theirs'" for name in CALLED)
        _add(store, table, f"ALTER TABLE {{table}} {added}")
    _upgrade(store)
    sync_custom_objects(store, context, "first")
    cluster.create(PODS, pod("gone"))
    event = cluster.create("/api/v1/namespaces/shop/events", {
        "metadata": {"name": "gone", "namespace": "shop"}, "type": "Normal", "reason": "Test",
        "involvedObject": {"kind": "Pod", "name": "gone", "namespace": "shop"},
    })  # fmt: skip
    for labels in ({"of": "one"}, {"of": "two"}):
        for kind in ("pods", "events"):
            synced = sync(context, kind).attempt
            assert synced.outcome == "complete", synced.error
        cluster.patch(f"{PODS}/web-1", {"metadata": {"labels": labels}})
    cluster.delete(f"{PODS}/gone")
    cluster.delete(f"/api/v1/namespaces/shop/events/{event['metadata']['name']}")
    for kind in ("pods", "events"):
        assert sync(context, kind).attempt.deleted == 1
    old = "SELECT old ->> 'name' AS name, old ->> 'uid' = uid AS is_row FROM k8s_changes WHERE change = 'deleted'"
    assert query_rows(store, old) == [{"name": "gone", "is_row": True}]
    before = "SELECT min(seen_at) - interval '1 microsecond' FROM k8s_changes WHERE change = 'deleted'"
    assert query_rows(
        store, f"SELECT spec IS NOT NULL AS is_whole FROM k8s_pods_at(({before})) WHERE name = 'gone'"
    ) == [{"is_whole": True}]
    assert query_rows(store, "SELECT name FROM k8s_past_events") == [{"name": "gone"}]
    assert_table_equals_cluster(store, cluster, "pods")


def test_indexes_may_have_the_names_of_ours_that_are_gone(store: Store) -> None:
    theirs = ["CREATE INDEX k8s_pods_owner ON {table} ((labels ->> 'owner'))"]
    theirs += ["ALTER TABLE k8s_roles ADD CONSTRAINT k8s_roles_name UNIQUE (context_name, namespace, name)"]
    theirs += ["CREATE INDEX k8s_clusterroles_name ON k8s_clusterroles (name)"]
    ours = "CREATE INDEX {0}_owner ON {0} (context_name, (k8s_owner(owner_references) ->> 'uid')) "
    ours += "WHERE owner_references <> '[]'"
    _add(store, "k8s_pods", *theirs, ours.format("k8s_jobs"))
    _add(store, "k8s_pods", "CREATE INDEX k8s_rolebindings_name ON k8s_rolebindings (context_name, namespace, name)")
    before = {each[2] for each in _additions(store) if each[0] == "index"}
    _upgrade(store)
    after = {each[2] for each in _additions(store) if each[0] == "index"}
    assert (before - after, after - before) == ({"k8s_jobs_owner", "k8s_rolebindings_name"}, set())


def test_a_publication_of_all_tables(any_store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync) -> None:
    """PostgreSQL refuses to change rows of a table that it could not name to who subscribes."""
    store, context = any_store, context_of(cluster)
    week = query_rows(store, "SELECT min(inhrelid::regclass::text) AS name FROM pg_inherits")[0]["name"]
    _add(
        store,
        week,
        "ALTER TABLE {table} REPLICA IDENTITY DEFAULT",
        "DELETE FROM k8s_schema_migrations WHERE version = 21",
    )
    store.migrate()  # as of an older version
    _add(store, "", "CREATE PUBLICATION everything FOR ALL TABLES")
    sync(context, "pods", into=store)
    cluster.patch(f"{PODS}/web-1", {"metadata": {"labels": {"of": str(id(store))}}})
    assert sync(context, "pods", into=store).attempt.changed == 1
    assert sync(context, "pods", into=store, redact_env=False).attempt.outcome == "complete", "history is restated"
    store.connection.execute("UPDATE k8s_past_events SET kept_at = kept_at; DELETE FROM k8s_changes")
    assert forget_context(store, "test", wait=5)["k8s_pods"] > 0


RAISING = {
    "refused": "RAISE 'not today'",
    "failing": "PERFORM 1 / (length(NEW.name) * 0)",
    "elsewhere": "INSERT INTO not_here VALUES (NEW.name)",
    "forbidden": "RAISE insufficient_privilege",
}
REFUSING = {
    "k8s_pods_few": "CREATE UNIQUE INDEX k8s_pods_few ON {table} ((labels ->> 'few'))",
    "k8s_pods_small": "ALTER TABLE {table} ADD CONSTRAINT k8s_pods_small CHECK (labels ->> 'few' IS NULL)",
    "column needed": "ALTER TABLE {table} ADD COLUMN needed text NOT NULL DEFAULT '';"
    "ALTER TABLE {table} ALTER COLUMN needed DROP DEFAULT",
    **{
        f"a trigger that calls {name}": "CREATE TRIGGER called BEFORE UPDATE ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION {name}()"
        for name in RAISING
    },
    "a publication.* replica identity": "CREATE PUBLICATION of_shop FOR TABLE {table} WHERE (namespace = 'shop')",
    "a rule": "CREATE RULE also AS ON INSERT TO {table} DO ALSO INSERT INTO audit VALUES (NEW.name)",
}


@pytest.mark.parametrize("what", REFUSING)
def test_what_refuses_a_row_is_named(
    what: str, store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync
) -> None:
    context = context_of(cluster)
    sync(context, "pods")
    raising = "CREATE FUNCTION {} RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NEW; END $$"
    _add(store, "k8s_pods", *FUNCTIONS, *(raising.format(f"{name}()", body) for name, body in RAISING.items()))
    _add(store, "k8s_pods", REFUSING[what])
    for number in range(2):
        cluster.patch(f"{PODS}/web-{number}", {"metadata": {"labels": {"few": "one"}}})
    new = pod("new")
    cluster.create(PODS, new)
    before = query_rows(store, "SELECT uid, resource_version FROM k8s_pods ORDER BY 1")
    try:
        with pytest.raises(StoreError, match=f"context test, pods: .*If {what}.* is an addition of yours"):
            sync(context, "pods")
    finally:
        cluster.delete(f"{PODS}/new")
        for number in range(2):
            cluster.patch(f"{PODS}/web-{number}", {"metadata": {"labels": {"few": None}}})
    assert query_rows(store, "SELECT uid, resource_version FROM k8s_pods ORDER BY 1") == before
    error = query_rows(store, "SELECT error FROM k8s_sync_status")[0]["error"]
    assert "addition of yours" in error
    assert ("the search path is this schema alone" in error) == ("elsewhere" in what)


SKIPPING = {
    "INSERT": ("NULL", "2 rows from being written"),
    "UPDATE": ("NULL", "1 rows from being written"),
    "UPDATE ": ("OLD", "1 rows from being written"),
    "DELETE": ("NULL", "1 from being deleted"),
    "INSERT OR UPDATE OR DELETE": ("NULL", "2 rows from being written and 1 from being deleted"),
}


@pytest.mark.parametrize("event", SKIPPING)
def test_a_trigger_that_skips_rows_does_not_leave_the_kind_complete(
    event: str, store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync, again: Callable[[], None]
) -> None:
    context, (returned, said) = context_of(cluster), SKIPPING[event]
    sync(context, "pods")
    skipping = f"CREATE FUNCTION skipping() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN {returned}; END $$"
    trigger = f"CREATE TRIGGER skipped BEFORE {event} ON {{table}} FOR EACH ROW EXECUTE FUNCTION skipping()"
    _add(store, "k8s_pods", skipping, trigger)
    again()
    cluster.patch(f"{PODS}/web-0", {"metadata": {"labels": {"of": str(id(store))}}})
    before = query_rows(store, "SELECT uid, resource_version FROM k8s_pods ORDER BY 1")
    with pytest.raises(
        StoreError, match=f"context test, pods: a trigger of yours on k8s_pods keeps {said} .*Change or"
    ):
        sync(context, "pods")
    assert query_rows(store, "SELECT uid, resource_version FROM k8s_pods ORDER BY 1") == before
    assert query_rows(store, "SELECT * FROM k8s_changes") == []
    _add(store, "k8s_pods", "ALTER TABLE {table} DISABLE TRIGGER skipped")
    assert sync(context, "pods").attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "pods")


@pytest.mark.parametrize(("table", "how"), [("k8s_pods", "TRIGGER"), ("k8s_pods", "RULE"), ("k8s_changes", "RULE")])
def test_what_keeps_rows_of_a_context_that_is_forgotten_is_named(
    table: str, how: str, store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync, again: Callable[[], None]
) -> None:
    sync(context_of(cluster), "pods")
    again()
    sync(context_of(cluster), "pods")
    skipping = "CREATE FUNCTION skipping() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
    kept = {
        "TRIGGER": "CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION skipping()",
        "RULE": "CREATE RULE kept AS ON DELETE TO {table} DO INSTEAD NOTHING",
    }
    _add(store, table, skipping, kept[how])
    everything = "SELECT (SELECT count(*) FROM k8s_pods), (SELECT count(*) FROM k8s_sync_runs)"
    before = store.connection.execute(everything.encode()).fetchall()
    with pytest.raises(
        StoreError, match=f"forgetting test: .* of yours on {table} keeps rows of it.*nothing was deleted"
    ):
        forget_context(store, "test", wait=5)
    assert store.connection.execute(everything.encode()).fetchall() == before
    _add(store, table, f"DROP {how} kept ON {{table}}")
    assert forget_context(store, "test", wait=5)["k8s_pods"] > 0


def test_a_trigger_that_skips_what_would_not_change_is_fine(
    store: Store, cluster: Cluster, context_of: ContextOf, sync: Sync, again: Callable[[], None]
) -> None:
    _add(
        store,
        "k8s_pods",
        "CREATE TRIGGER z BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    )
    for settings in ({}, {"verify": True}, {"redact_env": False}, {"verify": True, "namespaces": "shop"}):
        again()
        assert sync(context_of(cluster), "pods", **settings).attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "pods")


@pytest.mark.parametrize(("theirs", "ours"), [("text", "integer"), ("json", "jsonb"), ("integer[]", "text[]")])
def test_a_column_of_theirs_that_has_the_name_of_a_new_one_of_ours(store: Store, theirs: str, ours: Any) -> None:
    store.connection.execute(f"ALTER TABLE k8s_pods ADD COLUMN tier {theirs}".encode())
    pods = KINDS["pods"]
    grown = replace(
        pods, typed_columns=(*pods.typed_columns, Column(name="tier", type=ours, path="spec.tier", description="New."))
    )
    with pytest.raises(
        StoreError, match=rf"k8s_pods.tier \({theirs}.* instead of {ours}.*Rename it".replace("[]", r"\[\]")
    ):
        store.migrate([grown])
    store.connection.execute("ALTER TABLE k8s_pods RENAME COLUMN tier TO our_tier")
    assert "k8s_pods" in store.migrate([grown])
