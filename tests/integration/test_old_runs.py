"""Attempts in k8s_sync_runs go after a time, and take nothing along that somebody still asks for."""

from __future__ import annotations

import random
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.outcome import Outcome
from k8s_inventory.store import Attempt, Store, Target
from tests.equality import query_rows

COVERAGE = """SELECT days, (coverage).* FROM (
    SELECT days, k8s_coverage_at(now() - make_interval(days => days, secs => 1)) AS coverage
    FROM generate_series(0, {most}) AS days) AS asked ORDER BY 1, 2, 3"""
STATUS = "SELECT * FROM k8s_sync_status ORDER BY context_name, kind"


@pytest.fixture
def attempts(store: Store) -> list[dict[str, Any]]:
    """Of three kinds and 100 days, each ended in one way or another; one kind has been failing for long."""
    for kind in ("pods", "services", "configmaps"):
        with Target.locked(store, KINDS[kind], "test") as target:
            target.begin(run_id="now", attempt=1, ignored={})
            if kind == "services":
                target.end(Attempt(Outcome.COMPLETE))
            else:
                target.end(Attempt(Outcome.FAILED, error="down"))
    chosen = random.Random(1)
    store.connection.execute("UPDATE k8s_sync_runs SET started_at = now(), finished_at = now()")
    for day in range(100, 0, -1):
        for kind in ("pods", "services", "configmaps"):
            outcome = chosen.choice(["complete", "partial", "failed", "absent", "busy", None])
            if kind == "configmaps" and day < 90:
                outcome = "failed"
            scope, hours = chosen.choice(["all", "all", "namespaces a"]), chosen.choice([1, 30])
            store.connection.execute(
                "INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, outcome, scope, started_at, "
                "finished_at, snapshot_at) VALUES ('r', 1, 'test', %(kind)s, %(outcome)s, %(scope)s, "
                "now() - make_interval(days => %(day)s), CASE WHEN %(outcome)s::text IS NOT NULL THEN "
                "now() - make_interval(days => %(day)s) + make_interval(hours => %(hours)s) END, now())",
                {"kind": kind, "outcome": outcome, "scope": scope, "day": day, "hours": hours},
            )
    store.connection.execute(
        "INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, outcome, started_at, finished_at) "
        "OVERRIDING SYSTEM VALUE SELECT run_id, attempt, context_name, kind, outcome, started_at, finished_at "
        "FROM k8s_sync_runs WHERE run_id = 'now'"
    )
    store.connection.execute("DELETE FROM k8s_sync_runs WHERE id <= 3")
    return query_rows(store, "SELECT id, kind, started_at FROM k8s_sync_runs")


@pytest.mark.parametrize(("days", "history"), [(30, None), (30, 60), (60, 20), (1, None), (1, 1), (365, None)])
def test_what_is_known_of_what_is_kept_stays(
    store: Store, attempts: list[dict[str, Any]], days: int, history: int | None
) -> None:
    store.connection.execute("UPDATE k8s_sync_targets SET history_since = now() - make_interval(days => %s)", [history])
    kept_for = max(days, history or 0)
    coverage = COVERAGE.format(most=kept_for)
    before = query_rows(store, coverage), query_rows(store, STATUS)
    store.forget_old_runs(days)
    assert (query_rows(store, coverage), query_rows(store, STATUS)) == before
    counts = query_rows(
        store,
        "SELECT kind, count(*) FILTER (WHERE started_at < now() - make_interval(days => %s + 2)) AS old, "
        "count(*) FILTER (WHERE started_at > now() - make_interval(days => %s)) AS new FROM k8s_sync_runs GROUP BY 1",
        *(kept_for, kept_for),
    )
    for row in counts:
        assert row["old"] <= 5 or kept_for > 100
        assert row["new"] >= min(kept_for, 100)
    store.forget_old_runs(days)
    assert query_rows(store, STATUS) == before[1]


def test_what_can_not_be_done_in_time_is_done_the_next_time(store: Store, attempts: list[dict[str, Any]]) -> None:
    def left() -> int:
        return int(query_rows(store, "SELECT count(*) AS n FROM k8s_sync_runs")[0]["n"])

    counts = [left()]
    while True:
        store.forget_old_runs(30, seconds=0)
        counts.append(left())
        if counts[-1] == counts[-2]:
            break
    assert len(counts) > 4
    assert counts[-1] < 110
