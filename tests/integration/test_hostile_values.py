"""Every view, function and query of include/sql over what a hostile cluster can have stored: none raises."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg
import pytest

from k8s_inventory.kinds import KINDS, TABLES, Kind
from k8s_inventory.store import Store
from k8s_inventory.store.partitions import make_partitions
from k8s_inventory.store.statements import FOLDER
from k8s_inventory.sync import refresh_crd_views
from tests.databases import VERSIONS, Server, new_database
from tests.integration.test_relations import MOUNTED

DEEP: Any = "deep"
for _ in range(150):
    DEEP = [{"name": DEEP}]
TEXTS = [
    "",
    "x" * 10_000,
    "\ufffd",
    "/",
    "a/b/c",
    "'; DROP TABLE k8s_pods; --",
    "\\",
    "line\nbreak",
    "%s {{ x }} $$",
    "NaN",
]
TIMES = [
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-01-01T24:61:99Z",
    "2026-01-01T00:00:00+99:99",
    "2026-01-01T00:00:00." + "0" * 400 + "1Z",
    "infinity",
    "now",
    "9999-12-31T23:59:59-14:59",
]
NUMBERS = ["1e300", "-1e400", "9223372036854775808", "0.5", "-1", "1e-300", "9" * 400]
VALUES = [
    *map(json.dumps, [*TEXTS, *TIMES, None, True, [], {}, [[]], [None, 1, "a", {}, [1]], {"a": {"b": [1]}}, DEEP]),
    *NUMBERS,
]
"""JSON where JSON of another type is expected."""
REQUIREMENTS = [
    {"key": key, "operator": operator, "values": values}
    for key in ("app", "weight", 1, None, {})
    for operator in ("Gt", "Lt", "In", "NotIn", "Exists", "DoesNotExist", "gt", None, 5, [])
    for values in (["many"], ["1e3"], ["9" * 30], [], None, "a", 5, {"0": "1"}, [{}], [None], [""])
]
LABELS = [{"app": "web", "weight": "12"}, {"weight": "many"}, {"weight": "9" * 30}, {"app": {"b": 1}}, {"weight": None}]
SELECTORS = [
    *({"matchExpressions": [requirement]} for requirement in REQUIREMENTS),
    {"matchExpressions": REQUIREMENTS},
    *({"matchLabels": json.loads(value)} for value in VALUES[:20]),
    *({"matchExpressions": json.loads(value)} for value in VALUES[:20]),
    {"matchLabels": None, "matchExpressions": None},
]
CRD = {
    "group": "hostile.example",
    "names": {"plural": "things", "kind": "Thing"},
    "versions": [
        {
            "name": "v1",
            "served": True,
            "schema": {
                "openAPIV3Schema": {
                    "properties": {
                        "spec": {
                            "properties": {
                                "text": {"type": "string"},
                                "time": {"type": "string", "format": "date-time"},
                                "whole": {"type": "integer"},
                                "number": {"type": "number"},
                                "flag": {"type": "boolean"},
                                "list": {"type": "array"},
                            }
                        }
                    }
                }
            },
        }
    ],
}


def spoilt(value: Any) -> Iterator[Any]:
    """The value with each of its parts in turn replaced by what is of another type."""
    yield from (5, "text", None, [1], {"name": 5}, [[{"name": []}]])
    if isinstance(value, dict):
        for key, part in value.items():
            yield from ({**value, key: each} for each in spoilt(part))
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from ([*value[:position], each, *value[position + 1 :]] for each in spoilt(part))


def fields_read(kind: Kind) -> set[str]:
    """The names under which the compatibility views look into the parts of a kind's objects."""
    script = (FOLDER / "cloudquery" / "compatibility_views.sql").read_text()
    fields = re.findall(rf"'{kind.table}', '\w+', '([^']*)'", script)
    return set(re.findall(r"(\w+) \S+", " ".join(fields).replace(",", " ,")))


def with_fields(names: Iterable[str], value: str) -> str:
    """An object in which all these fields have the same value, as JSON."""
    return "{" + ", ".join(f'"{name}": {value}' for name in names) + "}"


class Rows:
    """Adds rows to the tables, each of which would do but for what it is given."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._empty: dict[str, Any] = {"text": "", "jsonb": "{}", "text[]": [], "boolean": False, "timestamptz": None}
        self._empty |= dict.fromkeys(("integer", "bigint", "numeric"), 0)

    def add(self, kind: Kind, rows: list[dict[str, Any]]) -> None:
        names = ["context_name", *(column.name for column in kind.columns)]
        with self._connection.cursor() as cursor:
            into = ", ".join(f'"{name}"' for name in names)
            with cursor.copy(f"COPY {kind.table} ({into}) FROM STDIN") as copy:
                for row in rows:
                    number = next(self._numbers)
                    full = {column.name: self._empty[column.type] for column in kind.columns}
                    full |= {"context_name": "hostile", "uid": f"uid-{number}", "name": f"name-{number}"}
                    full |= {"namespace": "ns", "owner_references": "[]", "created_at": "2026-01-01", **row}
                    copy.write_row([full[name] for name in names])


def fill(connection: psycopg.Connection[Any]) -> None:
    rows = Rows(connection)
    for kind in TABLES:
        parts = {column.name for column in kind.columns if column.type == "jsonb"}
        read = fields_read(kind)
        hostile: list[dict[str, Any]] = [{part: value} for part in parts for value in VALUES]
        hostile += [{part: with_fields(read, value)} for part in parts & {"spec", "status", "data"} for value in VALUES]
        for column in kind.columns:
            if column.type == "text" and column.name not in ("uid", "name"):
                hostile += [{column.name: text} for text in TEXTS]
            elif column.type == "text[]":
                hostile += [{column.name: [None, *TEXTS]}]
            elif column.type in ("integer", "bigint"):
                most = 2**31 - 1 if column.type == "integer" else 2**63 - 1
                hostile += [{column.name: most}, {column.name: most}, {column.name: -most}]
            elif column.type == "numeric":
                hostile += [{column.name: "NaN"}, {column.name: "Infinity"}]
            elif column.type == "timestamptz":
                hostile += [{column.name: each} for each in ("infinity", "-infinity", "294276-01-01", "4713-01-01 BC")]
        owner = {"apiVersion": "a/b/c", "kind": kind.kind, "name": "me", "uid": "everywhere"}
        absent = {**owner, "uid": "absent"}
        itself = {**owner, "apiVersion": kind.api_version(kind.version), "uid": f"cycle-{kind.name}"}
        hostile += [{"owner_references": json.dumps(each)} for each in spoilt([absent, {**absent, "controller": True}])]
        # An owner of itself, two objects of one name, and one uid in every table.
        hostile += [{"uid": itself["uid"], "name": "me", "owner_references": json.dumps([itself])}]
        hostile += [{"name": "twice", "namespace": "ns"}] * 2
        hostile += [{"uid": "everywhere", "owner_references": json.dumps([owner])}]
        if kind.name in ("networkpolicies", "poddisruptionbudgets"):  # each looks at each pod of its namespace
            hostile = [{"namespace": "empty", **each} for each in hostile]
        rows.add(kind, hostile)
    rows.add(KINDS["pods"], [{"spec": json.dumps(each), "name": "mounts"} for each in spoilt(MOUNTED)])
    pods: list[dict[str, Any]] = [
        {"labels": json.dumps(each), "node_name": "twice", "service_account_name": "twice"} for each in LABELS
    ]
    rows.add(KINDS["pods"], pods)
    few = {"namespace": "few"}
    rows.add(
        KINDS["pods"],
        [{**few, "labels": json.dumps(each)} for each in LABELS] + [{**few, "labels": each} for each in VALUES],
    )
    rows.add(KINDS["networkpolicies"], [{**few, "pod_selector": json.dumps(each)} for each in SELECTORS])
    rows.add(KINDS["services"], [{"selector": json.dumps(each)} for each in LABELS])
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    subjects = [{"kind": "ServiceAccount", "namespace": "ns", "name": "twice"}]
    for binding, role in (("rolebindings", "roles"), ("clusterrolebindings", "clusterroles")):
        rows.add(KINDS[role], [{"name": "reader", "rules": json.dumps(each)} for each in spoilt(rules)])
        of_role = {"role_kind": KINDS[role].kind, "role_name": "reader"}
        rows.add(KINDS[binding], [{**of_role, "subjects": json.dumps(each)} for each in spoilt(subjects)])
        rows.add(KINDS[binding], [{**of_role, "role_name": "twice"}])
    rows.add(
        KINDS["horizontalpodautoscalers"],
        [
            {"target_kind": "Deployment", "target_api_version": version, "target_name": "twice"}
            for version in ("apps/v1", "v1", "", "a/b/c")
        ],
    )
    rows.add(KINDS["persistentvolumeclaims"], [{"volume_name": "twice"}])
    rows.add(KINDS["ingresses"], [{"backend_services": ["twice", None, ""]}])
    rows.add(KINDS["validatingwebhookconfigurations"], [{"webhook_services": ["ns/twice", "/", None, "a/b/c"]}])
    _custom_objects(rows)


def _custom_objects(rows: Rows) -> None:
    custom = TABLES[-1]
    of_crd = {"group": "hostile.example", "plural": "things", "kind": "Thing", "version": "v1"}
    crd = {
        "name": "things.hostile.example",
        "api_group": "hostile.example",
        "plural": "things",
        "spec": json.dumps(CRD),
    }
    rows.add(KINDS["crds"], [crd])
    fields = CRD["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]  # type: ignore[index]
    specs = [with_fields(fields, value) for value in VALUES]
    rows.add(custom, [{**of_crd, "spec": spec} for spec in [*specs, *VALUES]])
    # Many objects of one uid, each owned by that uid: as many more at every step, if nothing stopped it.
    owner = json.dumps([{"apiVersion": "hostile.example/v1", "kind": "Thing", "name": "same", "uid": "same"}])
    same = {**of_crd, "uid": "same", "owner_references": owner}
    rows.add(custom, [{**same, "plural": f"things{number}", "name": "same"} for number in range(40)])


CHANGED = "hashtext(uid) % 8 = 0"
"""The rows that have a history."""


def add_history(connection: psycopg.Connection[Any]) -> None:
    """Of some rows, as if all of it had been changed an hour ago, and one more that went then."""
    make_partitions(connection)
    for kind in TABLES:
        target = {"kind": f"things.{CRD['group']}" if kind.shared_by else kind.name}
        connection.execute(
            """INSERT INTO k8s_sync_targets (context_name, kind, history_since)
            VALUES ('hostile', %(kind)s, now() - interval '60 days')""",
            target,
        )
        names = {name: getattr(kind, name) for name in ("kind", "group", "plural")}
        of_kind = {name: f'"{name}"' if kind.shared_by else f"%({name})s" for name in names}
        for change, suffix in (("updated", ""), ("deleted", "-gone")):
            connection.execute(
                f"""INSERT INTO k8s_changes (
                    context_name, kind, "group", plural, namespace, name, uid, change, seen_at, run_id, evidence, old,
                    columns, old_resource_version
                )
                SELECT
                    context_name, {of_kind["kind"]}, {of_kind["group"]}, {of_kind["plural"]}, namespace, name,
                    uid || '{suffix}', '{change}', now() - interval '1 hour', 'run', 'listing', former.old,
                    CASE WHEN '{change}' = 'updated' THEN ARRAY(SELECT jsonb_object_keys(former.old)) END,
                    resource_version
                FROM {kind.table} AS stored
                CROSS JOIN LATERAL (
                    SELECT to_jsonb(stored) || jsonb_build_object('uid', uid || '{suffix}') AS old
                ) AS former
                WHERE {CHANGED.replace("%", "%%")}""".encode(),
                names,
            )


PLANS: dict[str, dict[str, str]] = {
    "as it comes": {},
    "by indexes": {"enable_seqscan": "off"},
    "in a parallel worker": {"debug_parallel_query": "on"},
}


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"postgres{version}")
def hostile(request: pytest.FixtureRequest, database_servers: Callable[[int], Server]) -> Iterator[Store]:
    with Store.connect(new_database(database_servers(request.param))) as store:
        store.migrate()
        with store.connection.transaction():
            fill(store.connection)
            add_history(store.connection)
        assert refresh_crd_views(store).made == ["crd_things_hostile_example"]
        store.connection.execute((FOLDER / "cloudquery" / "compatibility_views.sql").read_bytes())
        store.connection.execute("ANALYZE")
        store.connection.execute("SET statement_timeout = '60s'")
        store.connection.execute("SET jit = off")  # compiling takes far longer than reading these few rows
        yield store


@pytest.fixture
def in_every_plan(hostile: Store) -> Callable[[], Iterator[Store]]:
    """The store, with the planner set for each plan in turn; of older versions for parallel workers alone."""

    def planned() -> Iterator[Store]:
        version = hostile.connection.info.server_version // 10000
        for name, settings in PLANS.items():
            if version != VERSIONS[0] and name != "in a parallel worker":
                continue
            with hostile.connection.transaction(force_rollback=True):
                for setting, value in settings.items():
                    known = "force_parallel_mode" if setting == "debug_parallel_query" and version < 16 else setting
                    hostile.connection.execute("SELECT set_config(%s, %s, true)", [known, value])
                yield hostile

    return planned


def read_whole(store: Store, query: str) -> int:
    """Every column of every row, as text: psycopg has no type for the year 294276."""
    found = store.connection.execute(f"SELECT count(*), sum(length(asked::text)) FROM ({query}) AS asked").fetchone()
    assert found is not None
    return int(found[0])


def test_every_view_can_be_read(in_every_plan: Callable[[], Iterator[Store]]) -> None:
    query = "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace"
    for store in in_every_plan():
        views = [row[0] for row in store.connection.execute(query)]
        assert {"k8s_objects", "k8s_edges", "k8s_owner_chain", "k8s_clusters", "k8s_sync_status"} < set(views)
        assert len(views) > 45
        for view in views:
            rows = read_whole(store, f"SELECT * FROM {view}")
            assert rows or view.startswith(("k8s_clusters", "k8s_sync")), view


def test_every_table_has_been_the_same(in_every_plan: Callable[[], Iterator[Store]]) -> None:
    """As of an instant before changes that hold all of a row, beside rows that are gone since."""
    for store in in_every_plan():
        for name in ("k8s_objects_at", "k8s_coverage_at"):
            assert read_whole(store, f"SELECT * FROM {name}(now() - interval '2 hours')"), name
        for kind in TABLES:
            # A column that is JSON's null, which no row of ours has, comes back as none.
            columns = ", ".join(
                f"nullif(\"{column.name}\", 'null')" if column.type == "jsonb" else f'"{column.name}"'
                for column in kind.columns
            )
            known = "plural = 'things'" if kind.shared_by else "true"
            now = f"SELECT {columns} FROM {kind.table} WHERE {known} AND {CHANGED}"
            at = f"SELECT {columns} FROM {kind.table}_at(now() - interval '2 hours') WHERE {CHANGED}"
            assert read_whole(store, f"{now} EXCEPT {at}") == 0, kind.name


def test_every_ready_made_query_can_be_asked(in_every_plan: Callable[[], Iterator[Store]]) -> None:
    queries = [path.read_text() for path in (FOLDER / "queries").rglob("*.sql")]
    assert len(queries) >= 100
    for store in in_every_plan():
        for query in queries:
            read_whole(store, query.strip().rstrip(";"))


def test_every_function_takes_every_value(in_every_plan: Callable[[], Iterator[Store]]) -> None:
    """But for a selector, which its caller wrote."""
    values = [*VALUES, *map(json.dumps, [*LABELS, *SELECTORS[:40], {"matchExpressions": REQUIREMENTS}])]
    query = """SELECT proname, proargtypes::regtype[]::text[] FROM pg_proc
        WHERE proname ~ '^k8s_' AND pronamespace = current_schema()::regnamespace
        AND prorettype <> 'trigger'::regtype AND NOT proargtypes::oid[] @> ARRAY['timestamptz'::regtype::oid]"""
    for store in in_every_plan():
        store.connection.execute("CREATE TEMPORARY TABLE given (value jsonb) ON COMMIT DROP")
        with store.connection.cursor() as cursor:
            cursor.executemany("INSERT INTO given VALUES (%s)", [(value,) for value in values])
        functions = store.connection.execute(query).fetchall()
        assert len(functions) >= 12
        for name, types in functions:
            if name == "k8s_without" or not types:  # whose paths are ours
                continue
            by_caller = name in ("k8s_selector", "k8s_matches")
            text = "'app=web,weight>3'" if by_caller else "first.value #>> '{}'"
            pairs = types == ["jsonb", "jsonb"]
            by_type = {"text": text, "text[]": "ARRAY[first.value #>> '{}']", "jsonpath": "'$.*[*].name'"}
            arguments = [by_type.get(of_type, "first.value") for of_type in types]
            arguments[-1] = "second.value" if pairs else arguments[-1]
            rows = "given AS first" + " CROSS JOIN given AS second" * pairs
            read_whole(store, f"SELECT {name}({', '.join(arguments)}) FROM {rows}")


def test_what_owns_itself_or_has_a_uid_of_many_is_found_once(
    in_every_plan: Callable[[], Iterator[Store]],
) -> None:
    down = "SELECT count(*), max(depth) FROM k8s_owned_by('hostile', %s)"
    up = "SELECT count(*), max(depth) FROM k8s_owner_chain WHERE context_name = 'hostile' AND uid = 'same'"
    for store in in_every_plan():
        assert store.connection.execute(down, ["same"]).fetchone() == (1, 1)
        assert store.connection.execute(down, ["cycle-pods"]).fetchone() == (1, 1)
        assert store.connection.execute(up).fetchone() == (40, 1)


def test_an_edge_leads_to_one_object_of_a_name(hostile: Store) -> None:
    query = (
        "SELECT DISTINCT relation, target_kind FROM k8s_edges WHERE target_name = 'twice' AND target_uid IS NOT NULL"
    )
    found = set(hostile.connection.execute(query).fetchall())
    assert {
        ("runs on", "Node"),
        ("uses", "ServiceAccount"),
        ("scales", "Deployment"),
        ("routes to", "Service"),
    } <= found
    of_pod = (
        "SELECT count(*) FROM k8s_edges WHERE relation = 'runs on' AND source_kind = 'Pod' AND target_name = 'twice'"
    )
    assert hostile.connection.execute(of_pod).fetchone() == (len(LABELS),)
