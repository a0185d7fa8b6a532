"""What others set on the inventory stays, and nobody in the database, or by a CRD's names, gets more than he has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, StoreError
from k8s_inventory.sync import Result, refresh_crd_views
from k8s_inventory.sync import view_refresh as refreshing
from tests.cluster import Cluster
from tests.cluster.objects import namespace
from tests.equality import assert_table_equals_cluster, query_rows, rows_of

TENANT = "k8s_hostile_tenant"
OTHER = "k8s_hostile_other"
GUARDED = "crd_widgets_x_example"


@pytest.fixture
def as_role(store: Store) -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    """Connections of roles that have nothing but what they are granted."""
    opened: list[psycopg.Connection[Any]] = []

    def connect(role: str) -> psycopg.Connection[Any]:
        parameters = conninfo_to_dict(store.connection.info.dsn)
        opened.append(psycopg.connect(**parameters, autocommit=True))
        opened[-1].execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        return opened[-1]

    for role in (TENANT, OTHER):
        store.connection.execute(
            f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$"
        )
        store.connection.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    yield connect
    for each in opened:
        each.close()


def insert(store: Store, table: str, **columns: object) -> None:
    """A row with these columns; what else may not be null is empty."""
    empty = {"text": "", "jsonb": "{}", "ARRAY": "{}", "integer": 0, "bigint": 0, "boolean": False}
    needed = store.connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND table_name = %s AND is_nullable = 'NO'",
        [table],
    ).fetchall()
    row = {name: empty.get(kind, "2026-01-01") for name, kind in needed} | columns
    values = [json.dumps(each) if isinstance(each, dict) else each for each in row.values()]
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    marks = sql.SQL(", ").join(sql.Placeholder() * len(row))
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, marks)
    store.connection.execute(statement, values)


def define(store: Store, plural: str, group: str, properties: Mapping[str, object], *, uid: str = "") -> None:
    """A CRD as some cluster has it; again, to change it."""
    schema = {"openAPIV3Schema": {"properties": {"spec": {"properties": dict(properties)}}}}
    spec = {"versions": [{"name": "v1", "served": True, "schema": schema}]}
    name = f"{plural}.{group}"
    uid = uid or name
    store.connection.execute("DELETE FROM k8s_custom_resources WHERE uid = %s", [uid])
    names = {"name": name, "api_group": group, "plural": plural, "spec": spec, "generation": time.monotonic_ns()}
    insert(store, "k8s_custom_resources", context_name="test", uid=uid, **names)


def add_object(store: Store, plural: str, group: str, name: str, spec: Mapping[str, object], **more: object) -> None:
    which = {"group": group, "plural": plural, "kind": plural, "name": name, "uid": name}
    insert(store, "k8s_custom_objects", context_name="test", **which, spec=dict(spec), **more)


def names_in(store: Store, view: str) -> list[str]:
    return [row["name"] for row in query_rows(store, f'SELECT name FROM "{view}" ORDER BY name')]


# -- names of a cluster's --------------------------------------------------------------------------


def test_a_view_keeps_its_meaning_when_another_crd_wants_its_name(
    store: Store, as_role: Callable[[str], psycopg.Connection[Any]]
) -> None:
    text = {"size": {"type": "string"}}
    define(store, "widgets", "a.b.example", text)
    add_object(store, "widgets", "a.b.example", "theirs", {"size": "1"})
    refresh_crd_views(store)
    view = "crd_widgets_a_b_example"
    store.connection.execute(f"GRANT SELECT ON {view} TO {TENANT}")
    define(store, "widgets", "a-b.example", text)
    define(store, "widgets", "A_B.example", text)
    add_object(store, "widgets", "a-b.example", "strangers", {"size": "2"})
    changes = refresh_crd_views(store)
    assert len(changes.made) == 2
    assert view not in changes.made
    assert names_in(store, view) == ["theirs"]
    assert as_role(TENANT).execute(f"SELECT name FROM {view}").fetchall() == [("theirs",)]
    assert [names_in(store, each) for each in sorted(changes.made)].count(["strangers"]) == 1
    store.connection.execute("DELETE FROM k8s_custom_resources WHERE api_group = 'a.b.example'")
    kept = refresh_crd_views(store)
    assert view in kept.kept, "with a grant on it, it stays, and shows no stranger's objects"
    assert names_in(store, view) == ["theirs"]


@pytest.mark.parametrize("setting", ["off", "on"])
def test_no_name_of_a_schema_runs_as_sql(store: Store, database_url: str, setting: str) -> None:
    evil = ["\\'; DROP TABLE k8s_pods; --", "'; DROP TABLE k8s_pods; --", 'a" FROM k8s_pods; --', "$$;", "%s", "{{x}}"]
    evil += ["\\", "'", '"', "line\nbreak", "ünï", "x" * 300, "Size", "size", "E'\\'", "-- ", "/*"]
    store.connection.execute(f"ALTER ROLE CURRENT_USER SET standard_conforming_strings = {setting}")
    try:
        with Store.connect(database_url) as again:
            for group in ("x.example", "x'\\; DROP TABLE k8s_pods; --.example"):
                define(again, "widgets", group, {name: {"type": "string"} for name in evil})
                add_object(again, "widgets", group, f"one of {group}", dict.fromkeys(evil, "value"))
            changes = refresh_crd_views(again)
            assert len(changes.made) == 2, changes
            for view in changes.made:
                (row,) = query_rows(again, f'SELECT * FROM "{view}"')
                columns = [name for name, value in row.items() if value == "value"]
                assert len(columns) == len(evil), view
            assert rows_of(again, "pods") == 0
            assert refresh_crd_views(again).made == []
    finally:
        store.connection.execute("ALTER ROLE CURRENT_USER RESET standard_conforming_strings")


def test_a_schema_of_more_fields_than_a_view_can_have(store: Store) -> None:
    define(store, "widgets", "x.example", {f"field{number}": {"type": "string"} for number in range(2000)})
    changes = refresh_crd_views(store)
    assert changes.made == [GUARDED]
    assert 400 < changes.left_out[GUARDED] < 500
    assert names_in(store, GUARDED) == []


# -- what others set -------------------------------------------------------------------------------

ATTACHED = [
    "ALTER VIEW {view} SET (security_invoker = true, security_barrier = true)",
    f"GRANT SELECT ON {{view}} TO {TENANT} WITH GRANT OPTION",
    f"GRANT UPDATE (name) ON {{view}} TO {OTHER}",
    "COMMENT ON VIEW {view} IS 'theirs'",
    "COMMENT ON COLUMN {view}.name IS 'theirs, too'",
]


def attachments(store: Store, view: str) -> list[dict[str, Any]]:
    """What the catalogue has on a view beside its definition."""
    return query_rows(
        store,
        "SELECT relowner::regrole::text, reloptions, relacl::text[], obj_description(c.oid, 'pg_class') AS of_view, "
        "array(SELECT concat(attname, ' ', attacl, ' ', col_description(attrelid, attnum)) FROM pg_attribute "
        "WHERE attrelid = c.oid AND attname = 'name') AS of_column "
        f"FROM pg_class AS c WHERE relname = '{view}'",
    )


@pytest.mark.parametrize(
    "schemas",
    [
        [{"size": {"type": "string"}}, {"size": {"type": "string"}, "zone": {"type": "string"}}],
        [{"size": {"type": "string"}, "zone": {"type": "string"}}, {"size": {"type": "string"}}],
        [{"size": {"type": "string"}}, {"size": {"type": "integer"}}],
    ],
    ids=["a column more", "a column less", "another type"],
)
def test_what_others_set_on_a_view_survives_its_schema(
    store: Store, as_role: Callable[[str], psycopg.Connection[Any]], schemas: list[dict[str, object]]
) -> None:
    store.connection.execute("ALTER TABLE k8s_custom_objects ENABLE ROW LEVEL SECURITY")
    store.connection.execute(f"CREATE POLICY own ON k8s_custom_objects TO {TENANT} USING (namespace = 'mine')")
    store.connection.execute(f"GRANT SELECT ON k8s_custom_objects TO {TENANT}")
    define(store, "widgets", "x.example", schemas[0])
    add_object(store, "widgets", "x.example", "mine", {"size": "1"}, namespace="mine")
    add_object(store, "widgets", "x.example", "of others", {"size": "2"}, namespace="of-others")
    refresh_crd_views(store)
    for statement in ATTACHED:
        store.connection.execute(statement.format(view=GUARDED).encode())
    as_role(TENANT).execute(f"GRANT SELECT ON {GUARDED} TO {OTHER}")
    before = attachments(store, GUARDED)
    seen = as_role(TENANT).execute(f"SELECT name FROM {GUARDED}").fetchall()
    assert seen == [("mine",)]
    define(store, "widgets", "x.example", schemas[1])
    changes = refresh_crd_views(store)
    assert changes.made == [GUARDED], changes
    assert attachments(store, GUARDED) == before
    assert as_role(TENANT).execute(f"SELECT name FROM {GUARDED}").fetchall() == [("mine",)]


def test_a_view_of_a_guarded_table_is_guarded_from_the_start(
    store: Store, as_role: Callable[[str], psycopg.Connection[Any]]
) -> None:
    store.connection.execute("ALTER TABLE k8s_custom_objects ENABLE ROW LEVEL SECURITY")
    define(store, "widgets", "x.example", {"size": {"type": "string"}})
    add_object(store, "widgets", "x.example", "of others", {"size": "2"})
    refresh_crd_views(store)
    store.connection.execute(f"GRANT SELECT ON {GUARDED}, k8s_custom_objects TO {TENANT}")
    assert as_role(TENANT).execute(f"SELECT name FROM {GUARDED}").fetchall() == []


def test_what_others_set_on_all_that_is_ours_survives_an_upgrade(store: Store) -> None:
    views = ["k8s_objects", "k8s_edges", "k8s_owner_chain"]
    for view in views:
        for statement in ATTACHED:
            if "{view}.name" not in statement and "(name)" not in statement:
                store.connection.execute(statement.format(view=view).encode())
    also = [
        f"GRANT EXECUTE ON FUNCTION k8s_matches(jsonb, text) TO {OTHER}",
        "COMMENT ON FUNCTION k8s_to_bigint(jsonb) IS 'theirs'",
        "COMMENT ON TABLE k8s_pods IS 'theirs'",
        "COMMENT ON COLUMN k8s_pods.name IS 'theirs'",
        f"GRANT SELECT (name) ON k8s_pods TO {TENANT}",
        "CREATE INDEX theirs ON k8s_pods (pod_ip)",
        "ALTER TABLE k8s_pods ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY theirs ON k8s_pods TO {TENANT} USING (namespace = 'mine')",
        "ALTER TABLE k8s_pods SET (fillfactor = 80)",
        "CREATE VIEW over_ours AS SELECT name, kind FROM k8s_objects",
    ]
    for role in (TENANT, OTHER):
        store.connection.execute(
            f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$"
        )
    for statement in also:
        store.connection.execute(statement.encode())

    def everything() -> list[dict[str, Any]]:
        return query_rows(
            store,
            "SELECT c.relname, reloptions, relacl::text[], relrowsecurity, obj_description(c.oid, 'pg_class'), "
            "array(SELECT concat(attname, attacl, col_description(attrelid, attnum)) FROM pg_attribute "
            "WHERE attrelid = c.oid ORDER BY attnum), array(SELECT polname FROM pg_policy WHERE polrelid = c.oid) "
            "FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'i') ORDER BY 1",
        ) + query_rows(
            store,
            "SELECT oid::regprocedure::text AS name, proacl::text[], obj_description(oid, 'pg_proc') FROM pg_proc "
            "WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        )

    before = everything()
    store.connection.execute("UPDATE k8s_schema_tables SET declaration = 'of an older version'")
    assert len(store.migrate()) > 60
    assert everything() == before


# -- other roles of the database -------------------------------------------------------------------


def test_a_writer_can_not_have_the_owner_drop_a_view_of_the_users(store: Store) -> None:
    store.connection.execute("CREATE VIEW crd_reports AS SELECT 1 AS one")
    store.connection.execute("CREATE VIEW crd_mine_x_example AS SELECT context_name, name FROM k8s_custom_objects")
    store.connection.execute("CREATE TABLE crd_things (a text)")
    for name, of in (("crd_reports", "reports."), ("crd_mine_x_example", "mine.x.example"), ("crd_things", "things.")):
        store.connection.execute("INSERT INTO k8s_schema_tables VALUES (%s, %s)", [name, f"2/{of}/x"])
    for _ in range(2):
        changes = refresh_crd_views(store)
        assert changes.dropped == []
        assert {"crd_reports", "crd_mine_x_example", "crd_things"} <= changes.kept.keys()
    define(store, "mine", "x.example", {"size": {"type": "string"}})
    refresh_crd_views(store)
    assert query_rows(store, "SELECT one FROM crd_reports") == [{"one": 1}]
    names = query_rows(
        store, "SELECT column_name FROM information_schema.columns WHERE table_name = 'crd_mine_x_example'"
    )
    assert [row["column_name"] for row in names] == ["context_name", "name"]


def test_a_reader_holds_nobody_up(
    store: Store,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    cluster: Cluster,
    context_of: Callable[..., Context],
    sync: Callable[..., Result],
) -> None:
    monkeypatch.setattr(refreshing, "_LOCK_SECONDS", 0.5)
    define(store, "widgets", "x.example", {"size": {"type": "string"}})
    refresh_crd_views(store)
    define(store, "widgets", "x.example", {"zone": {"type": "string"}})
    context = context_of(cluster)
    keys = ["k8s-inventory schema", "k8s-inventory/public/test/pods", "k8s-inventory//test/pods"]
    with psycopg.connect(database_url) as reader:
        for key in keys:
            reader.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        reader.execute("SELECT * FROM k8s_sync_locks, k8s_schema_tables")
        assert sync(context, "pods", lock_wait=1).attempt.outcome == "complete"
        assert refresh_crd_views(store).made == [GUARDED], "nobody uses the view"
        define(store, "widgets", "x.example", {"size": {"type": "integer"}})
        reader.execute(f"SELECT * FROM {GUARDED}")
        start = time.monotonic()
        changes = refresh_crd_views(store)
        assert time.monotonic() - start < 20
        assert GUARDED in changes.kept, "one that is in use is left for the next time"
    assert refresh_crd_views(store).made == [GUARDED]


# -- settings of roles, databases and environments -------------------------------------------------

SETTINGS = {
    "client_encoding": "latin1",
    "standard_conforming_strings": "off",
    "default_transaction_isolation": "serializable",
    "idle_session_timeout": "'1s'",
    "datestyle": "'SQL, DMY'",
    "timezone": "'Asia/Kathmandu'",
    "intervalstyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "'-15'",
    "quote_all_identifiers": "on",
    "search_path": "'$user', public",
}


def test_no_setting_of_a_role_changes_a_result(
    store: Store,
    database_url: str,
    cluster: Cluster,
    context_of: Callable[..., Context],
    sync: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "kafé-über-日本"
    cluster.create("/api/v1/namespaces", {**namespace("odd"), "metadata": {"name": "odd", "annotations": {"of": name}}})
    monkeypatch.setenv("PGCLIENTENCODING", "latin1")
    try:
        for setting, value in SETTINGS.items():
            store.connection.execute(f"ALTER ROLE CURRENT_USER SET {setting} = {value}".encode())
        for url in (database_url, make_conninfo(database_url, client_encoding="win1252")):
            with Store.connect(url) as again:
                assert again.connection.info.encoding == "utf-8"
                time.sleep(1.5 if url == database_url else 0)  # the session is idle for longer than it may
                for kind in ("namespaces", "clusterroles", "events"):
                    assert sync(context_of(cluster), kind, into=again, verify=True).attempt.outcome == "complete"
                    assert_table_equals_cluster(again, cluster, kind)
                found = query_rows(again, "SELECT annotations ->> 'of' AS of FROM k8s_namespaces WHERE name = 'odd'")
                assert found == [{"of": name}]
                assert again.connection.execute("SHOW lock_timeout").fetchone() == ("5min",)
        store.connection.execute("ALTER ROLE CURRENT_USER SET lock_timeout = '7s'")
        store.connection.execute("ALTER ROLE CURRENT_USER SET statement_timeout = '9min'")
        with Store.connect(database_url) as again:
            sync(context_of(cluster), "namespaces", into=again)
            refresh_crd_views(again)
            shown = [
                again.connection.execute(f"SHOW {each}_timeout".encode()).fetchone() for each in ("lock", "statement")
            ]
            assert shown == [("7s",), ("9min",)], "limits that somebody set on purpose stay"
    finally:
        store.connection.execute("ALTER ROLE CURRENT_USER RESET ALL")
        cluster.delete("/api/v1/namespaces/odd")


def test_rows_that_a_policy_hides_are_never_taken_for_gone(
    store: Store, as_role: Callable[[str], psycopg.Connection[Any]]
) -> None:
    store.connection.execute("ALTER TABLE k8s_pods ENABLE ROW LEVEL SECURITY")
    store.connection.execute(f"GRANT SELECT ON k8s_pods TO {TENANT}")
    session = Store(as_role(TENANT))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        session.connection.execute("SELECT count(*) FROM k8s_pods")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_can_not_hold_all_text_is_refused(store: Store, database_url: str, encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    store.connection.execute(f"DROP DATABASE IF EXISTS {name}")
    store.connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0".encode())
    with pytest.raises(StoreError, match=f"encoding is {encoding}.*ENCODING 'UTF8'"):
        Store.connect(make_conninfo(database_url, dbname=name))
    store.connection.execute(f"DROP DATABASE {name}")


# -- functions -------------------------------------------------------------------------------------


def test_functions_mean_the_same_in_parallel_workers_and_for_every_caller(any_store: Store) -> None:
    """What is marked parallel safe must be: a block that catches exceptions is not."""
    connection = any_store.connection
    for statement in (
        "CREATE TABLE facts AS SELECT to_jsonb(text) AS value FROM generate_series(1, 20000), (VALUES "
        "('2026-01-01T00:00:00Z'), ('2026-02-30T00:00:00Z'), ('x'), ('2026-01-01T00:00:00')) AS given (text)",
        "CREATE FUNCTION public.make_date(integer, integer, integer) RETURNS date LANGUAGE sql "
        "AS $$ SELECT '1900-01-01'::date $$",
        "SET parallel_setup_cost = 0",
        "SET parallel_tuple_cost = 0",
        "SET min_parallel_table_scan_size = 0",
        "SET timezone = 'Asia/Tokyo'",
    ):
        connection.execute(statement.encode())
    query = "SELECT k8s_to_timestamptz(value) AS at, count(*) FROM facts GROUP BY 1 ORDER BY 1"
    plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {query}"))
    assert "Workers Planned" in plan
    found = connection.execute(query).fetchall()
    assert [count for _, count in found] == [40_000, 40_000]
    assert [at and at.timestamp() for at, _ in found] == [1767225600.0, None]
    unsafe = connection.execute(
        "SELECT proname FROM pg_proc JOIN pg_language AS l ON l.oid = prolang WHERE proname LIKE 'k8s%' "
        "AND lanname = 'plpgsql' AND proparallel = 's' AND prosrc ~* 'EXCEPTION\\s+WHEN'"
    ).fetchall()
    assert unsafe == []
