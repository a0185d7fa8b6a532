"""The dashboard for Grafana: by Grafana's own schema, and its statements on a database as Grafana sends them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from docs.dashboard import ANSWERS, FINDINGS
from k8s_inventory.answers import ask, failed, keep
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.session import Session
from k8s_inventory.queries import query_pack
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run
from tests.cluster import Cluster
from tests.cluster.binary import find_go
from tests.cluster.cluster import ADMIN, User
from tests.cluster.objects import pod
from tests.conftest import IMPATIENT, _migrate, again, context_to
from tests.databases import administer
from tests.grafana_sql import as_sent
from tests.syncing import sync_kinds

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "include" / "grafana" / "k8s_inventory.json").read_text()
DASHBOARD: dict[str, Any] = json.loads(TEXT)
PANELS: dict[str, dict[str, Any]] = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
VARIABLES = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
ODD = """it's a "$kind" \\ [[context]] ${context}"""
KINDS_SYNCED = ("pods", "services", "deployments", "nodes", "namespaces", "events")
CHOICES = ({}, {"context": ["test"], "kind": ["pods"]}, {"context": [ODD, "test"]}, {"context": ["gone"]})


# -- by the schema ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], str]:
    """What Grafana's schema has against a dashboard."""
    program = tmp_path_factory.mktemp("grafana") / "check"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
    source = PROJECT / "tests" / "grafana"
    subprocess.run([find_go(), "build", "-o", str(program), "."], cwd=source, env=environment, check=True)

    def check(dashboard: dict[str, Any]) -> str:
        return subprocess.run(
            [str(program)], input=json.dumps(dashboard), capture_output=True, text=True, check=False
        ).stdout

    return check


def test_the_dashboard_is_as_the_schema_has_it(refusals: Callable[[dict[str, Any]], str]) -> None:
    assert refusals(DASHBOARD) == ""
    assert "unexpected field 'rows'" in refusals({**DASHBOARD, "rows": []})
    assert {panel["type"] for panel in DASHBOARD["panels"]} == {"row", "stat", "table", "timeseries"}


def test_what_is_overridden_is_as_the_schema_has_it(refusals: Callable[[dict[str, Any]], str]) -> None:
    """The schema takes any override, so each is tried as what holds for all fields."""
    tried = []
    for panel in PANELS.values():
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["id"] == "byName"
            needed = {"align": "auto", "inspect": False} if panel["type"] == "table" else {}
            defaults: dict[str, Any] = {"custom": needed}
            for each in override["properties"]:
                custom, _, name = each["id"].rpartition(".")
                (defaults["custom"] if custom else defaults)[name] = each["value"]
            tried.append({**panel, "fieldConfig": {"defaults": defaults, "overrides": []}})
    assert len(tried) > 20
    assert refusals({**DASHBOARD, "panels": tried}) == ""


def test_each_panel_has_a_place_of_its_own() -> None:
    taken = [
        (x, y)
        for each in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(each["x"], each["x"] + each["w"])
        for y in range(each["y"], each["y"] + each["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len(PANELS) + 3 == len(DASHBOARD["panels"])


# -- on a database ---------------------------------------------------------------------------------

Rows = list[dict[str, Any]]
Read = Callable[..., Rows]


@pytest.fixture(scope="module")
def inventory(
    cluster: Cluster, copy_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Two contexts: that of the odd name may read pods alone. One pod came and went."""
    folder = tmp_path_factory.mktemp("dashboard")
    kinds = [KINDS[name] for name in KINDS_SYNCED]
    with Store.connect(copy_database(_migrate)) as store:

        def sync(run: str, name: str = "test", user: User = ADMIN) -> None:
            with Session(context_to(cluster, folder=folder, name=name, user=user), IMPATIENT) as session:
                list(sync_kinds(session, again(store), kinds, run=Run(run), settings=Settings.load({})))

        sync("first")
        sync("first", ODD, User("reader"))
        cluster.create("/api/v1/namespaces/shop/pods", pod("to-go"))
        sync("second")
        cluster.delete("/api/v1/namespaces/shop/pods/to-go")
        sync("third")
        _report(store)
        yield store


ASKED = ("inventory/forbidden", "security/may_run_as_root", "inventory/unconfigured")


def _report(store: Store) -> None:
    """As a report has asked twice, and another one in between: of the last query there are no hits, and one failed."""
    now = datetime.now(UTC)
    earlier = (now - timedelta(hours=3)).replace(minute=30, second=20, microsecond=0)
    for path in ASKED:
        answer = ask(store, query_pack()[path], seconds=10, most_rows=100)
        for asked_at in (earlier, now):
            keep(store, replace(answer, asked_at=asked_at), report="k8s_inventory_report", run_id="run")
    store.connection.execute(
        "INSERT INTO k8s_answers (report, query, asked_at, run_id, hits) VALUES ('another', %s, %s, 'run', 99)",
        [ASKED[0], earlier - timedelta(seconds=10)],
    )
    failed(store, query_pack()["rbac/wildcards"], "too slow", report="k8s_inventory_report", run_id="run")


@pytest.fixture(scope="module")
def read(inventory: Store) -> Iterator[Read]:
    """Reads as the role of docs/grafana.md. `context` and `kind` are what is chosen, by default what stands for all."""
    role = f"grafana_{uuid.uuid4().hex[:12]}"
    url = inventory.connection.info.dsn
    page = (PROJECT / "docs" / "grafana.md").read_text()
    grants = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)[0].replace(" grafana", f" {role}")
    administer(url, *filter(None, map(str.strip, grants.split(";"))))
    with psycopg.connect(url, user=role, autocommit=True, row_factory=dict_row) as connection:

        def run(statement: str, **chosen: list[str]) -> Rows:
            variables = {name: chosen.get(name, VARIABLES[name]["allValue"]) for name in ("context", "kind")}
            now = datetime.now(UTC)
            sent = as_sent(
                statement, variables, since=now - timedelta(hours=6), until=now + timedelta(minutes=1), interval="5m"
            )
            cursor = connection.execute(sent.encode())
            return cursor.fetchall() if cursor.description else []

        yield run
    administer(url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def _of(panel: str) -> str:
    (target,) = PANELS[panel]["targets"]
    return str(target["rawSql"])


def test_the_role_may_only_read(read: Read) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        read("DELETE FROM k8s_pods")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        read("BEGIN READ WRITE; DELETE FROM k8s_pods")
    read("ROLLBACK")


@pytest.mark.parametrize("chosen", CHOICES, ids=("all", "one", "some", "gone"))
@pytest.mark.parametrize("title", PANELS)
def test_every_panel_shows_what_its_fields_are_named_for(title: str, chosen: dict[str, list[str]], read: Read) -> None:
    panel = PANELS[title]
    rows: Rows = []
    for target in panel["targets"]:
        assert target.keys() == {"refId", "datasource", "format", "rawQuery", "editorMode", "rawSql"}
        found = read(target["rawSql"], **chosen)
        rows += found
        if panel["type"] == "timeseries":
            times = [float(row["time"]) for row in found]
            assert times == sorted(times)
            assert all(row.keys() == {"time", "metric", _value(row)} for row in found)
            keys = [(row["time"], row["metric"]) for row in found]
            assert len(keys) == len(set(keys))
    if chosen.get("context") == ["gone"]:
        assert all(row.get("context") in (None, "all") for row in rows)
    elif title not in ("Hits of ready-made queries", *(query_pack()[path].title for path in ANSWERS)):
        assert rows
    if rows and panel["type"] != "timeseries":
        assert {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]} <= rows[0].keys()


def _value(row: dict[str, Any]) -> str:
    (name,) = row.keys() - {"time", "metric"}
    assert isinstance(row[name], int | float | Decimal)
    return str(name)


def test_variables_list_what_there_is(read: Read) -> None:
    assert [row["context_name"] for row in read(VARIABLES["context"]["query"])] == [ODD, "test"]
    assert [row["kind"] for row in read(VARIABLES["kind"]["query"])] == sorted(KINDS_SYNCED)


def test_trust(read: Read, cluster: Cluster) -> None:
    """Forbidden is not complete, and what was never read has no age."""
    (now,) = read(_of("Now"))
    kinds = len(KINDS_SYNCED)
    assert (now["clusters"], now["complete"], now["not_complete"]) == (2, kinds + 1, kinds - 1)
    assert 0 < now["oldest"] < 3600
    first, second = read(_of("Clusters"))
    assert (first["context"], first["complete"], first["not_complete"]) == (ODD, 1, kinds - 1)
    assert (second["context"], second["complete"], second["not_complete"]) == ("test", kinds, 0)
    coverage = read(_of("Coverage"))
    assert [row["outcome"] for row in coverage] == ["forbidden"] * (kinds - 1) + ["complete"] * (kinds + 1)
    by_kind = {(row["context"], row["kind"]): row for row in coverage}
    assert by_kind["test", "pods"]["objects"] == len(cluster.list("/api/v1/pods"))
    assert by_kind[ODD, "nodes"]["age"] is None
    assert "nodes" in by_kind[ODD, "nodes"]["error"]
    assert {row["kind"] for row in read(_of("Coverage"), context=[ODD], kind=["pods"])} == {"pods"}


def test_counts_and_changes(read: Read, cluster: Cluster) -> None:
    pods = len(cluster.list("/api/v1/pods"))
    counts = read(_of("Objects"), kind=["pods"])
    assert {(row["metric"], row["objects"]) for row in counts if row["metric"].startswith("test")} >= {
        ("test · pods", pods)
    }
    objects = {row["kind"]: row for row in read(_of("Objects now"))}
    assert (objects["Pod"]["objects"], objects["Pod"]["clusters"]) == (2 * pods, 2)
    latest = read(_of("Latest changes"), context=["test"])
    assert [(row["change"], row["name"]) for row in latest if row["kind"] == "Pod"][:2] == [
        ("deleted", "to-go"),
        ("created", "to-go"),
    ]
    changes = read(_of("Changes"), context=["test"])
    assert sum(row["changes"] for row in changes if row["metric"] == "deleted") >= 1
    attempts = read(_of("How attempts ended"))
    assert sum(row["attempts"] for row in attempts) == 4 * len(KINDS_SYNCED)
    assert {row["metric"] for row in attempts} == {"complete", "forbidden"}
    assert all(row["bytes"] > 0 for row in read(_of("Bytes that were read"), kind=["pods"]))


def test_answers_are_those_of_the_ready_made_queries(read: Read, inventory: Store) -> None:
    found = {
        (row["finding"], row["context"]): row
        for target in PANELS["Hits of ready-made queries"]["targets"]
        for row in read(target["rawSql"])
    }
    hits = 0
    for path in FINDINGS:
        query = query_pack()[path]
        with inventory.connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(query.sql.encode()).fetchall()
        for context in {row["context_name"] for row in rows}:
            of_context = [row for row in rows if row["context_name"] == context]
            shown = found.pop((query.title, context or "all"))
            assert shown["hits"] == sum(row["not_known"] is None for row in of_context)
            assert (shown["not_known"] or "").split("; ") == sorted(
                {row["not_known"] for row in of_context} - {None}
            ) or [""]
            hits += shown["hits"]
    assert found == {}
    assert hits > 0
    (images,) = (read(_of(query_pack()[path].title)) for path in ANSWERS[:1])
    assert {row["not_known"] for row in images} <= {None} | {row["not_known"] for row in images if row["context_name"]}


def test_hits_over_time_are_the_last_of_each_query_that_had_any(read: Read, inventory: Store) -> None:
    stored = inventory.connection.execute("SELECT query, hits FROM k8s_answers WHERE report <> 'another'").fetchall()
    with_hits = {path for path, hits in stored if hits}
    assert with_hits == set(ASKED[:2])
    assert {path for path, _ in stored} == {*ASKED, "rbac/wildcards"}
    shown = [(row["metric"], row["hits"]) for row in read(_of("Hits over time"))]
    assert sorted(shown) == sorted(each for each in stored if each[0] in with_hits)
    assert read(_of("Hits over time"), context=["gone"]), "clusters are not told apart"


def test_nothing_in_a_statement_is_taken_for_a_variable_of_another() -> None:
    """What the ready-made queries have of `$` is JSONPath's."""
    for path in (*FINDINGS, *ANSWERS):
        assert not re.search(r"\$(__|context|kind|datasource)|\$\{|\$\w+\(", query_pack()[path].sql)


def test_an_inventory_without_a_cluster_is_empty(store: Store) -> None:
    variables = {name: VARIABLES[name]["allValue"] for name in ("context", "kind")}
    now = datetime.now(UTC)
    for panel in PANELS.values():
        for target in panel["targets"]:
            sent = as_sent(target["rawSql"], variables, since=now, until=now, interval="1h")
            rows = store.connection.execute(sent.encode()).fetchall()
            assert rows == ([(0, 0, 0, None)] if panel["title"] == "Now" else [])
