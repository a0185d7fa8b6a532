"""Thirty kinds of custom objects: SQL equals the API server for each, and each has a typed view that stays valid."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime

import pytest

from k8s_inventory.collector.crd_columns import LONGEST_NAME, _priority, schema_columns, snake_case
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.store.crd_views import OWN_COLUMNS
from k8s_inventory.sync import Custom, MayNotMakeViews, Result, Run, find_custom, refresh_crd_views
from quickstart.embedded import PROGRAMS
from tests.cluster import Cluster
from tests.cluster.cluster import Object
from tests.cluster.custom_kinds import (
    CRDS,
    custom_kinds,
    definition,
    make_custom_kinds,
    make_object,
    object_path,
    plural_of,
)
from tests.cluster.objects import crd
from tests.conftest import IMPATIENT, again, context_to, sync_custom_objects
from tests.databases import VERSIONS
from tests.equality import (
    assert_custom_objects_equal_cluster,
    assert_printer_columns_equal_table,
    assert_view_equals_objects,
    custom_objects,
    query_rows,
    view_of,
)
from tests.syncing import sync_kinds

GIVEN = {f"{plural_of(each)}.{each['kind'].split('/')[0]}": each for each in custom_kinds()}
PLANTED = "planted-in-a-template"


@pytest.fixture(scope="module")
def operators(start_cluster: Callable[..., Cluster]) -> Cluster:
    cluster = start_cluster()
    make_custom_kinds(cluster)
    return cluster


@pytest.fixture(scope="module")
def stored(
    operators: Cluster, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    with Store.connect(new_database()) as store:
        store.migrate()
        sync_custom_objects(store, context_to(operators, folder=tmp_path_factory.mktemp("operators")), "first")
        changes = refresh_crd_views(store)
        assert (len(changes.made), changes.dropped, changes.kept) == (len(GIVEN), [], {})
        yield store


def test_there_are_thirty() -> None:
    assert len(GIVEN) == 30


@pytest.mark.parametrize("name", GIVEN)
def test_every_object_is_stored_as_it_is(operators: Cluster, stored: Store, name: str) -> None:
    count = assert_custom_objects_equal_cluster(stored, operators, name, redacted=PLANTED)
    assert count == len(GIVEN[name]["objects"])


@pytest.mark.parametrize("name", GIVEN)
def test_printer_columns_are_those_of_the_server(operators: Cluster, stored: Store, name: str) -> None:
    assert_printer_columns_equal_table(stored, operators, name)
    declared = {column[0] for column in GIVEN[name].get("columns", [["Ready"], ["Since"], ["Age"]])}
    assert all(row["printer_columns"].keys() == declared for row in custom_objects(stored, name).values())


@pytest.mark.parametrize("name", GIVEN)
def test_the_view_has_every_field_of_the_schema(stored: Store, name: str) -> None:
    assert_view_equals_objects(stored, name, definition(GIVEN[name])["spec"])


def test_names_and_types_of_columns(stored: Store) -> None:
    assert view_of(stored, "certificates.certs.example.com") == "crd_certificates_certs_example_com"
    types = {
        row["column_name"]: row["data_type"]
        for row in query_rows(
            stored,
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s",
            view_of(stored, "selects.words.example.com"),
        )
    }
    assert types["spec_select"] == types["spec_from"] == "text"
    assert types["spec_order"] == "bigint"
    assert all(len(column.encode()) <= LONGEST_NAME for column in types)
    assert len([column for column in types if column.startswith("spec_a_field_name")]) == 2
    assert len([column for column in types if column.startswith("spec_foo_bar")]) == 3
    (zone,) = [name for name in GIVEN if name.startswith("zones")]
    assert len(view_of(stored, zone)) <= LONGEST_NAME
    (row,) = query_rows(stored, "SELECT spec_last_run, spec_retain FROM crd_backups_sql_example_com")
    assert row == {"spec_last_run": datetime.fromisoformat("2026-02-03T04:05:06.789+00:00"), "spec_retain": 7}


def test_nothing_planted_is_in_the_table(stored: Store) -> None:
    text = str(query_rows(stored, "SELECT k8s_custom_objects::text FROM k8s_custom_objects"))
    assert PLANTED not in text
    assert "<redacted>" in text


def test_a_second_refresh_does_nothing(stored: Store) -> None:
    changes = refresh_crd_views(stored)
    assert (changes.made, changes.dropped, changes.kept) == ([], [], {})


# -- definitions that change -------------------------------------------------------------------------

SIZES: Object = {"kind": "sizes.example.com/Cube", "spec": {"size": "integer", "color": "string"}}
VIEW = "crd_cubes_sizes_example_com"
CRD = f"{CRDS}/cubes.sizes.example.com"


@pytest.fixture
def cubes(operators: Cluster) -> Iterator[Cluster]:
    operators.create(CRDS, definition(SIZES))
    operators.until_served(object_path(SIZES))
    make_object(operators, SIZES, "b", {"spec": {"size": 1}})
    yield operators
    operators.delete(CRD)
    operators.until_gone(CRD)


def _redefine(cluster: Cluster, **properties: Object) -> None:
    live = cluster.request("GET", CRD)
    schema = live["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"] = properties
    cluster.request("PUT", CRD, live)


def _columns(store: Store) -> dict[str, str]:
    query = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
    )
    found = {row["column_name"]: row["data_type"] for row in query_rows(store, query, VIEW)}
    return {name: sort for name, sort in found.items() if name not in OWN_COLUMNS and name != "status_conditions"}


def test_a_view_follows_its_schema(cubes: Cluster, store: Store, context_of: Callable[..., Context]) -> None:
    sync_custom_objects(store, context_of(cubes), "1")
    refresh_crd_views(store)
    assert _columns(store) == {"spec_color": "text", "spec_size": "bigint"}
    store.connection.execute(f"COMMENT ON VIEW {VIEW} IS 'mine'")
    _redefine(cubes, size={"type": "integer"}, color={"type": "string"}, added={"type": "boolean"})
    sync_custom_objects(store, context_of(cubes), "2")
    assert refresh_crd_views(store).made == [VIEW]
    assert list(_columns(store).items())[-1] == ("spec_added", "boolean"), "in place, so that grants stay"
    _redefine(cubes, size={"type": "string"})
    sync_custom_objects(store, context_of(cubes), "3")
    assert refresh_crd_views(store).made == [VIEW]
    assert _columns(store) == {"spec_size": "text"}


def test_views_of_the_users_own_stay_valid(cubes: Cluster, store: Store, context_of: Callable[..., Context]) -> None:
    sync_custom_objects(store, context_of(cubes), "1")
    refresh_crd_views(store)
    store.connection.execute(f"CREATE VIEW mine AS SELECT name, spec_size, spec_color FROM {VIEW}")
    _redefine(cubes, size={"type": "string"}, weight={"type": "number"})
    sync_custom_objects(store, context_of(cubes), "2")
    changes = refresh_crd_views(store)
    assert (changes.made, changes.kept) == ([VIEW], {})
    assert _columns(store) == {"spec_color": "text", "spec_size": "bigint", "spec_weight": "numeric"}
    assert query_rows(store, "SELECT * FROM mine") == [{"name": "b", "spec_size": 1, "spec_color": None}]
    store.connection.execute("DELETE FROM k8s_custom_resources WHERE name = 'cubes.sizes.example.com'")
    changes = refresh_crd_views(store)
    assert (changes.dropped, list(changes.kept)) == ([], [VIEW])
    assert query_rows(store, "SELECT name FROM mine") == [{"name": "b"}]
    store.connection.execute("DROP VIEW mine")
    assert refresh_crd_views(store).dropped == [VIEW]
    assert _columns(store) == {}


def test_clusters_with_different_versions_of_a_crd_share_its_view(
    cubes: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    sync_custom_objects(store, context_of(cubes, name="new"), "1")
    _redefine(cubes, size={"type": "string"}, old={"type": "boolean"}, color={"type": "string"})
    sync_custom_objects(store, context_of(cubes, name="old"), "2")
    refresh_crd_views(store)
    assert _columns(store) == {"spec_color": "text", "spec_old": "boolean", "spec_size": "jsonb"}
    assert query_rows(store, f"SELECT spec_size FROM {VIEW}") == [{"spec_size": 1}, {"spec_size": 1}]


def test_a_name_once_given_stays_with_its_crd(
    operators: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    """`a.b.x.example` and `a-b.x.example` would have one name; there are two clusters, and each CRD comes and goes."""

    def names(view: str) -> list[str]:
        return [row["name"] for row in query_rows(store, f"SELECT DISTINCT name FROM {view}")]

    def refreshed(*contexts: str) -> list[str]:
        for context in contexts:
            sync_custom_objects(store, context_of(operators, name=context), f"run {context}")
        refresh_crd_views(store)
        noted = query_rows(store, "SELECT table_name AS name FROM k8s_schema_tables WHERE table_name ^@ 'crd_a_b_'")
        return sorted(row["name"] for row in noted)

    view, other = "crd_a_b_x_example", "crd_a_b_x_example_1fcb3b38"
    _define(operators, "a", "b.x.example")
    assert refreshed("one") == [view]
    assert names(view) == ["of-a"]
    _define(operators, "a-b", "x.example")
    assert refreshed("two") == [view, other]
    assert (names(view), names(other)) == (["of-a"], ["of-a-b"])
    operators.delete(f"{CRDS}/a.b.x.example")
    operators.until_gone(f"{CRDS}/a.b.x.example")
    assert refreshed("two") == [view, other], "the other cluster has it still"
    assert (names(view), names(other)) == (["of-a"], ["of-a-b"])
    assert refreshed("one") == [other]
    assert names(other) == ["of-a-b"]
    _define(operators, "a", "b.x.example")
    assert refreshed("two") == [view, other]
    assert (names(view), names(other)) == (["of-a"], ["of-a-b"])
    operators.delete(f"{CRDS}/a-b.x.example")
    operators.delete(f"{CRDS}/a.b.x.example")


@pytest.mark.parametrize("excluded", ["nothing", "crd_*"])
def test_a_name_once_given_stays_in_the_restore_of_a_dump(
    operators: Cluster,
    store: Store,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    database_url: str,
    new_database: Callable[[], str],
    excluded: str,
) -> None:
    """Also where the dump has none of the views: then each is made again."""
    programs, restored_url = PROGRAMS[VERSIONS[0]], new_database()
    try:
        _define(operators, "c", "d.y.example")
        sync(context_of(operators), "crds")
        refresh_crd_views(store)
        _define(operators, "c-d", "y.example")
        sync_custom_objects(store, context_of(operators), "both")
        refresh_crd_views(store)
        dump = [programs / "pg_dump", f"--exclude-table={excluded}", database_url]
        script = subprocess.run(dump, check=True, capture_output=True).stdout
        restore = [programs / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", restored_url]
        subprocess.run(restore, check=True, input=script)
        with Store.connect(restored_url) as restored:
            restored.migrate()
            changes = refresh_crd_views(restored)
            assert (changes.dropped, changes.kept) == ([], {})
            assert (changes.made == []) == (excluded == "nothing")
            live = operators.request("GET", f"{CRDS}/c.d.y.example")
            live["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"] = {"added": {"type": "integer"}}
            operators.request("PUT", f"{CRDS}/c.d.y.example", live)
            sync(context_of(operators), "crds", into=restored)
            view, other = view_of(restored, "c.d.y.example"), view_of(restored, "c-d.y.example")
            assert refresh_crd_views(restored).made == [view]
            assert (view, other) == (view_of(store, "c.d.y.example"), view_of(store, "c-d.y.example"))
            assert query_rows(restored, f"SELECT name, added FROM {view}") == [{"name": "of-c", "added": None}]
            assert query_rows(restored, f"SELECT name FROM {other}") == [{"name": "of-c-d"}]
    finally:
        for name in ("c.d.y.example", "c-d.y.example"):
            operators.delete(f"{CRDS}/{name}")
            operators.until_gone(f"{CRDS}/{name}")


def _define(cluster: Cluster, plural: str, group: str) -> None:
    """A CRD, and an object of it."""
    made = cluster.create(CRDS, crd(plural, group, scope="Cluster"))
    path = f"/apis/{group}/v1/{plural}"
    cluster.until_served(path)
    kind = made["spec"]["names"]["kind"]
    cluster.create(path, {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": f"of-{plural}"}})


def test_what_a_view_has_no_column_for_is_said_again_and_again(
    operators: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    given: Object = {"kind": "wide.example.com/Wide", "spec": {f"f{n}": "string" for n in range(1800)}}
    operators.create(CRDS, definition(given))
    try:
        operators.until_served(object_path(given))
        sync_custom_objects(store, context_of(operators), "1")
        changes = refresh_crd_views(store)
        columns = "SELECT count(*) AS n FROM information_schema.columns WHERE table_name = 'crd_wides_wide_example_com'"
        assert query_rows(store, columns) == [{"n": 1600}]
        left_out = 1801 + len(OWN_COLUMNS) - 1600  # status.conditions is one more
        assert changes.left_out == {"crd_wides_wide_example_com": left_out}
        again_ = refresh_crd_views(store)
        assert (again_.made, again_.left_out) == ([], changes.left_out)
        assert again_.warnings() == changes.warnings()
    finally:
        operators.delete(f"{CRDS}/wides.wide.example.com")


def test_a_view_that_was_dropped_is_made_again(
    cubes: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    sync_custom_objects(store, context_of(cubes), "1")
    refresh_crd_views(store)
    store.connection.execute(f"DROP VIEW {VIEW}")
    assert refresh_crd_views(store).made == [VIEW]
    assert _columns(store) == {"spec_color": "text", "spec_size": "bigint"}
    assert refresh_crd_views(store).made == []


def test_a_definition_that_is_nested_as_deeply_as_can_be_stored_has_its_view(
    cubes: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    sync_custom_objects(store, context_of(cubes), "1")
    deep = '{"properties":{"a":' * 1000 + "{}" + "}}" * 1000
    path = "{versions,0,schema,openAPIV3Schema,properties,spec,properties,deep}"
    store.connection.execute(
        "UPDATE k8s_custom_resources SET spec = jsonb_set(spec, %s, %s::jsonb) WHERE plural = 'cubes'", [path, deep]
    )
    assert VIEW in refresh_crd_views(store).made
    assert _columns(store) == {"spec_color": "text", "spec_deep": "jsonb", "spec_size": "bigint"}


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
        ("9999-12-31T23:59:59.9999999Z", None),
        ("9999-12-31T23:59:59-00:01", None),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("0001-01-01T00:00:00+08:00", None),
        ("0000-01-01T00:00:00Z", None),
        ("2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00"),
        ("2026-01-01T00:00:00-1530", "2026-01-01T15:30:00"),
        ("2026-01-01T00:00:00-00:30", "2026-01-01T00:30:00"),
        ("2026-01-01t00:00:00z", "2026-01-01T00:00:00"),
        ("2026-01-01T00:00:00+24:00", None),
        ("2026-01-01T00:00", "2026-01-01T00:00:00"),
    ],
)
def test_times_are_those_that_a_client_can_read(store: Store, written: str, utc: str | None) -> None:
    """As in tables of declared kinds, a time that Python has no room for is null; one alone would fail every query."""
    found = store.connection.execute("SELECT k8s_to_timestamptz(to_jsonb(%s::text))", [written]).fetchone()
    assert found == (datetime.fromisoformat(f"{utc}+00:00") if utc else None,)


def test_what_the_schema_does_not_promise_is_null(
    cubes: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    sync_custom_objects(store, context_of(cubes), "1")
    refresh_crd_views(store)
    for value in ('"text"', "1.5", "1e300", "[1]", "null", '"<redacted>"'):
        store.connection.execute(
            "UPDATE k8s_custom_objects SET spec = %s WHERE plural = 'cubes'", [f'{{"size": {value}}}']
        )
        assert query_rows(store, f"SELECT spec_size FROM {VIEW}") == [{"spec_size": None}]


def test_a_table_of_the_users_is_left_alone(cubes: Cluster, store: Store, context_of: Callable[..., Context]) -> None:
    store.connection.execute(f"CREATE TABLE {VIEW} (mine text)")
    sync_custom_objects(store, context_of(cubes), "1")
    changes = refresh_crd_views(store)
    assert "was not made by k8s-inventory" in changes.kept[VIEW]
    assert _columns(store) == {"mine": "text"}


def test_a_role_that_may_make_no_views_says_so(
    cubes: Cluster, store: Store, context_of: Callable[..., Context], database_url: str
) -> None:
    sync_custom_objects(store, context_of(cubes), "1")
    store.connection.execute("CREATE ROLE writer LOGIN")
    try:
        store.connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO writer")
        store.connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        store.connection.execute("SET ROLE writer")
        with pytest.raises(MayNotMakeViews, match="may make none"):
            refresh_crd_views(store)
    finally:
        store.connection.execute("RESET ROLE")
        store.connection.execute("DROP OWNED BY writer; DROP ROLE writer")


def test_a_conversion_webhook_that_is_down_fails_its_kind_alone(
    operators: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    given: Object = {
        "kind": "broken.example.com/Thing",
        "versions": ["v1", "v2"],
        "spec": {"a": "string"},
        "objects": [],
    }
    crd = definition(given)
    for version in crd["spec"]["versions"]:
        version["storage"] = version["name"] == "v1"
    operators.create(CRDS, crd)
    operators.until_served("/apis/broken.example.com/v2/things")
    make_object(operators, {**given, "versions": ["v1"]}, "one", {"spec": {"a": "x"}})
    context, settings = context_of(operators), Settings.load({"requests_per_second": 1000})
    sync_custom_objects(store, context, "1")
    live = operators.request("GET", f"{CRDS}/things.broken.example.com")
    service = {"namespace": "custom", "name": "nowhere", "path": "/convert"}
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": {"service": service}}
    live["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    operators.request("PUT", f"{CRDS}/things.broken.example.com", live)
    try:
        with Session(context, IMPATIENT) as session:
            discovery, kinds = find_custom(session, store, Custom(("*",)), run=Run("2"), settings=settings)
            ended = sync_kinds(session, again(store), kinds, run=Run("2"), settings=settings)
            results = {each.kind: each.attempt for each in ended}
        assert discovery.attempt.outcome == "complete"
        broken = results.pop("things.broken.example.com")
        assert (broken.outcome, broken.deleted) == ("failed", 0)
        assert "conversion webhook" in str(broken.error)
        assert {each.outcome for each in results.values()} == {"complete"}
        assert len(custom_objects(store, "things.broken.example.com")) == 1, "its row stays"
    finally:
        operators.delete(f"{CRDS}/things.broken.example.com")


# -- names and types alone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("dnsNames", "dns_names"),
        ("podCIDRs", "pod_cidrs"),
        ("isCA", "is_ca"),
        ("repoURL", "repo_url"),
        ("HTTPRoute", "http_route"),
        ("with space", "with_space"),
        ("a.b/c-d", "a_b_c_d"),
        ("ü", "_"),
        ("x", "x"),
    ],
)
def test_names_in_snake_case(name: str, snake: str) -> None:
    assert snake_case(name) == snake


def test_versions_are_preferred_as_by_the_api_server() -> None:
    """The example of Kubernetes' own documentation."""
    wanted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"]
    assert sorted(set(wanted), key=_priority) == wanted


def test_the_preferred_version_makes_the_columns() -> None:
    crd = definition({**SIZES, "versions": ["v1", "v2alpha1"]})["spec"]
    newer = deepcopy(crd["versions"][1])
    newer["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"] = {"later": {"type": "string"}}
    crd["versions"][1] = newer
    assert "spec_later" not in {column.name for column in schema_columns([crd], taken=())}
    crd["versions"][0]["served"] = False
    assert "spec_later" in {column.name for column in schema_columns([crd], taken=())}
    assert (
        schema_columns([{}, {"versions": [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": 5}}]}], taken=())
        == []
    )
