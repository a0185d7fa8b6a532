"""Clocks that differ: the database's that is set back or was ahead, and a cluster's that is not the database's.

What the inventory knows of the time before is what it stored then: with all of that at a later time than it was, the
database's clock is one that was set back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg import sql

from k8s_inventory.answers import told
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.outcome import Outcome
from k8s_inventory.queries import query_pack
from k8s_inventory.store import Attempt, Coverage, Store, StoreError, Target
from k8s_inventory.store.partitions import CHANGES, PAST_EVENTS, Partitioned, partition
from k8s_inventory.store.statements import environment
from k8s_inventory.sync import Result
from k8s_inventory.web.pages import age
from tests.cluster import Cluster
from tests.cluster.objects import namespace, pod
from tests.conftest import again
from tests.equality import query_rows
from tests.integration.test_incremental import inventory  # noqa: F401
from tests.integration.test_new_hits import Asked, asked, said  # noqa: F401
from tests.integration.test_page_answers import Ask, ask  # noqa: F401
from tests.proxy import Answer, Proxy

Inventory = Callable[..., dict[str, Result]]

OURS = ("k8s_changes", "k8s_past_events", "k8s_sync_%", "k8s_answer%")
NOT_OURS = ("happened_at", "created_at", "deletion_requested_at", "first_seen_at", "last_seen_at")
"""Of k8s_changes and k8s_past_events: times that the cluster says."""


def set_back(store: Store, by: timedelta) -> None:
    """The database's clock, as far as the inventory can tell."""
    columns = query_rows(
        store,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND data_type = 'timestamp with time zone' AND table_name LIKE ANY (%s) AND table_name !~ '_\\d{8}$' "
        "AND table_name <> 'k8s_sync_status' AND (table_name NOT IN ('k8s_changes', 'k8s_past_events') "
        "OR column_name <> ALL (%s))",
        list(OURS),
        list(NOT_OURS),
    )
    with store.connection.transaction():
        store.connection.execute("SET LOCAL session_replication_role = replica")  # no trigger sees it
        for of in (CHANGES, PAST_EVENTS):
            _make_weeks(store, of, by)
        for table in {each["table_name"] for each in columns}:
            moved = [sql.Identifier(each["column_name"]) for each in columns if each["table_name"] == table]
            store.connection.execute(
                sql.SQL("UPDATE {} SET {}").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(sql.SQL("{0} = {0} + {1}").format(each, sql.Literal(by)) for each in moved),
                )
            )
        store.connection.execute(
            "UPDATE k8s_sync_targets SET told_twice = (SELECT coalesce(range_agg(tstzrange("
            "lower(each) + %(by)s, upper(each) + %(by)s, '[]')), '{}') FROM unnest(told_twice) AS each)",
            {"by": by},
        )


def _make_weeks(store: Store, of: Partitioned, by: timedelta) -> None:
    """Those of the rows at their other time."""
    there = {each["name"] for each in query_rows(store, "SELECT relname AS name FROM pg_class")}
    weeks = query_rows(
        store,
        "SELECT DISTINCT to_char(week, '_YYYYMMDD') AS name, week::text || '+00' AS since, "
        "(week + interval '7 days')::text || '+00' AS until FROM (SELECT date_trunc('week', "
        f"({of.by} + %s) AT TIME ZONE 'UTC') AS week FROM {of.table}) AS moved",
        by,
    )
    for week in weeks:
        week["name"] = of.table + week["name"]
        if week["name"] not in there:
            store.connection.execute(partition(of, week).encode())


class Kept:
    """Copies of the pods of a namespace, each with the instant at which it was taken."""

    def __init__(self, store: Store, space: str) -> None:
        self.store, self.space = store, space
        self.copies: list[tuple[datetime, list[dict[str, Any]]]] = []

    def take(self) -> datetime:
        rows = query_rows(self.store, "SELECT * FROM k8s_pods WHERE namespace = %s ORDER BY uid", self.space)
        (now,) = query_rows(self.store, "SELECT clock_timestamp() AS at")
        self.copies.append((now["at"], rows))
        return datetime.fromisoformat(str(now["at"]))

    def set_back(self, by: timedelta) -> None:
        set_back(self.store, by)
        self.copies = [(at + by, rows) for at, rows in self.copies]

    def known(self) -> list[str]:
        """What the coverage says of each; none is known and another."""
        found = []
        for at, copy in self.copies:
            query = "SELECT * FROM k8s_pods_at(%s) WHERE namespace = %s ORDER BY uid"
            rows = query_rows(self.store, query, at, self.space)
            (coverage,) = query_rows(self.store, "SELECT known FROM k8s_coverage_at(%s) WHERE kind = 'pods'", at)
            expected = copy if coverage["known"] != "unknown" else []
            assert [each["name"] for each in rows] == [each["name"] for each in expected], (at, coverage)
            assert rows == expected
            found.append(str(coverage["known"]))
        return found


@pytest.fixture
def space(cluster: Cluster) -> Iterator[str]:
    name = f"clock-{uuid4().hex[:8]}"
    cluster.create("/api/v1/namespaces", namespace(name))
    yield name
    for each in cluster.list(f"/api/v1/namespaces/{name}/pods"):
        cluster.delete(f"/api/v1/namespaces/{name}/pods/{each['metadata']['name']}")


@pytest.fixture
def context(cluster: Cluster, context_of: Callable[..., Context]) -> Context:
    return context_of(cluster)


@pytest.fixture
def pods(space: str) -> str:
    return f"/api/v1/namespaces/{space}/pods"


@pytest.fixture
def kept(store: Store, space: str) -> Kept:
    return Kept(store, space)


HOUR, MONTH, YEARS = timedelta(hours=1), timedelta(days=60), timedelta(days=1500)


@pytest.mark.parametrize("mode", ["full", "incremental"])
@pytest.mark.parametrize("by", [timedelta(seconds=30), HOUR, MONTH, YEARS], ids=str)
def test_of_instants_that_were_told_twice_it_is_not_said_what_was(
    by: timedelta,
    mode: str,
    cluster: Cluster,
    store: Store,
    context: Context,
    inventory: Inventory,  # noqa: F811
    pods: str,
    kept: Kept,
) -> None:

    def run(name: str) -> None:
        cluster.create(pods, pod(name))
        assert inventory(context, "pods", mode=mode)["pods"].outcome == "complete"
        kept.take()

    inventory(context, "pods", mode="full")
    for name in ("a", "b"):
        run(name)
    kept.set_back(-2 * by)  # that was long ago
    run("c")
    kept.set_back(by)
    for name in ("d", "e"):
        run(name)
    cluster.delete(f"{pods}/a")
    run("f")
    assert kept.known() == ["complete"] * 2 + ["unknown"] * 4
    kept.set_back(-2 * by)  # it has come there again
    for name in ("g", "h"):
        run(name)
    assert kept.known() == ["complete"] * 2 + ["unknown"] * 4 + ["complete"] * 2


def test_a_change_after_the_clock_was_set_back_is_after_nothing_that_is_later(
    cluster: Cluster,
    store: Store,
    context: Context,
    inventory: Inventory,  # noqa: F811
    space: str,
    pods: str,
) -> None:
    inventory(context, "pods", mode="full")
    set_back(store, HOUR)
    cluster.create(pods, pod("a"))
    inventory(context, "pods", mode="full")
    cluster.create(pods, pod("b"))
    inventory(context, "pods", mode="full")
    found = query_rows(
        store, "SELECT name, not_before, seen_at FROM k8s_changes WHERE namespace = %s ORDER BY id", space
    )
    assert [(each["name"], each["not_before"] is None) for each in found] == [("a", True), ("b", False)]
    assert found[1]["not_before"] < found[1]["seen_at"]
    assert query_rows(store, "SELECT count(tstzrange(not_before, seen_at)) AS n FROM k8s_changes") == [{"n": 2}]


def test_what_changed_while_the_clock_was_far_ahead_has_the_weeks_that_come_after_it(
    cluster: Cluster,
    store: Store,
    context: Context,
    inventory: Inventory,  # noqa: F811
    pods: str,
) -> None:
    inventory(context, "pods", mode="full")
    store.connection.execute(
        "UPDATE k8s_sync_targets SET changed_at = date_trunc('week', now()) + interval '105 weeks'"
    )
    made = store.migrate()
    assert len([name for name in made if name.startswith("k8s_changes_")]) == 2
    cluster.create(pods, pod("a"))
    assert inventory(context, "pods", mode="full")["pods"].outcome == "complete"
    assert store.migrate() == []


def test_whoever_empties_the_history_has_it_begin_by_the_clock_of_now(
    cluster: Cluster,
    store: Store,
    context: Context,
    inventory: Inventory,  # noqa: F811
    pods: str,
    kept: Kept,
) -> None:

    def run(name: str) -> None:
        cluster.create(pods, pod(name))
        assert inventory(context, "pods", mode="full")["pods"].outcome == "complete"

    run("a")
    run("b")
    kept.set_back(YEARS)
    run("c")
    (before,) = store.changed_targets(["test"])
    store.connection.execute("TRUNCATE k8s_changes")
    kept.take()
    run("d")
    kept.take()
    run("e")
    kept.take()
    assert kept.known() == ["complete"] * 3
    (target,) = store.changed_targets(["test"])
    span = {"context_name": "test", "plural": "pods", "group": ""}
    span |= {"after": before["changed_at"], "until": target["changed_at"]}
    sent = [row["name"] for rows in store.changes_since([span], most=10) for row in rows]
    assert sent == ["d", "e"]
    assert list(store.changes_since([{**span, "after": target["changed_at"]}], most=10)) in ([], [[]])


def test_a_clock_that_was_ahead_puts_nothing_off(store: Store) -> None:
    with Target.locked(store, KINDS["pods"], "test") as target:
        target.begin(run_id="a", attempt=1, ignored={})
        target.end(Attempt(Outcome.COMPLETE))
        store.connection.execute("UPDATE k8s_sync_targets SET last_verified_at = now(), exact_as_of = now()")
        assert not target.last_complete(Coverage()).verify_due
    set_back(store, HOUR)
    assert _looks(store) == ("complete", [])
    with Target.locked(store, KINDS["pods"], "test") as target:
        assert not target.last_complete(Coverage()).verify_due
    set_back(store, YEARS)
    assert _looks(store) == ("old", ["pods"])
    with Target.locked(store, KINDS["pods"], "test") as target:
        assert target.last_complete(Coverage()).verify_due


def _looks(store: Store) -> tuple[str, list[str]]:
    """How the page judges the one kind, and what the query of what is old finds."""
    text = environment().get_template("web/coverage.sql").render()
    with store.connection.cursor() as cursor:
        cursor.execute(text.encode(), {"families": "{}"})
        (row,) = cursor.fetchall()
    stale = query_rows(store, query_pack()["inventory/stale"].sql)
    return row[2], [each["kind"] for each in stale if each["kind"]]


@pytest.mark.parametrize(("seconds", "told_as"), [(-5, "5 s"), (5, "0 s"), (90, "in the future")])
def test_the_clock_of_the_page_may_be_another_by_seconds(seconds: int, told_as: str) -> None:
    now = datetime.now(UTC)
    assert age(now + timedelta(seconds=seconds), now) == told_as


def test_an_attempt_takes_no_less_than_no_time(store: Store) -> None:
    with Target.locked(store, KINDS["pods"], "test") as target:
        attempt = Attempt(Outcome.FAILED, error="down")
        target.begin(run_id="a", attempt=1, ignored={})
        store.connection.execute("UPDATE k8s_sync_runs SET started_at = started_at + interval '1 minute'")
        target.end(attempt)
    assert attempt.seconds == 0
    assert query_rows(store, "SELECT seconds FROM k8s_sync_runs") == [{"seconds": 0}]


def test_a_version_that_was_seen_by_a_clock_that_was_ahead_settles(store: Store) -> None:
    def seen() -> bool:
        known = {
            "cluster_uid": "u",
            "server": "s",
            "ca_fingerprint": "f",
            "version": "1",
            "provider": None,
            "region": None,
        }
        return store.cluster_seen("test", repointed=False, **known)

    store.connection.execute("INSERT INTO k8s_sync_contexts (context_name, server, version) VALUES ('test', 's', '1')")
    assert seen()
    store.connection.execute("UPDATE k8s_sync_contexts SET version_since = now() + interval '9 years'")
    assert not seen()
    store.connection.execute("UPDATE k8s_sync_contexts SET version_since = version_since - interval '61 minutes'")
    assert seen()


def test_attempts_of_a_clock_that_was_far_ahead_do_not_pile_up(store: Store) -> None:
    with Target.locked(store, KINDS["pods"], "test") as target:
        for _ in range(30):
            target.begin(run_id="a", attempt=1, ignored={})
            target.end(Attempt(Outcome.COMPLETE))
    set_back(store, YEARS)
    store.forget_old_runs(90)
    assert len(query_rows(store, "SELECT id FROM k8s_sync_runs")) < 30


def test_what_is_later_than_now_is_on_the_page(
    ask: Ask,  # noqa: F811
    cluster: Cluster,
    store: Store,
    context: Context,
    inventory: Inventory,  # noqa: F811
    pods: str,
) -> None:
    inventory(context, "pods", mode="full")
    uid = cluster.create(pods, pod("a"))["metadata"]["uid"]
    inventory(context, "pods", mode="full")
    set_back(store, HOUR)
    for path, given in (
        ("/changes", {}),
        ("/object/history", {"context": "test", "kind": "pods", "uid": uid}),
    ):
        assert uid in (said := ask(path, **given).text), said
        assert "created" in said


TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"')


@pytest.mark.parametrize(
    ("by", "mode"),
    [(-YEARS, "full"), (-5 * HOUR, "full"), (5 * HOUR, "full"), (YEARS, "full"), (5 * HOUR, "incremental")],
    ids=str,
)
def test_a_cluster_whose_clock_is_another_is_read_as_exactly(
    by: timedelta,
    mode: str,
    cluster: Cluster,
    store: Store,
    proxy: Proxy,
    inventory: Inventory,  # noqa: F811
    space: str,
    pods: str,
    kept: Kept,
) -> None:
    def moved(found: re.Match[bytes]) -> bytes:
        return f'"{(datetime.fromisoformat(found[1].decode()) + by).strftime("%Y-%m-%dT%H:%M:%SZ")}"'.encode()

    def spoil(path: str, real: Answer) -> Answer | None:
        if real.stream is not None:
            return Answer(200, b"", stream=(TIME.sub(moved, event) for event in real.stream))
        is_json = real.body.startswith(b"{") and "/leases" not in path
        return Answer(real.status, TIME.sub(moved, real.body), real.headers) if is_json else None

    def run() -> None:
        results = inventory(proxy.context, *kinds, mode=mode)
        assert {each.outcome for each in results.values()} == {"complete"}, results
        kept.take()

    kinds = ("pods", "events")
    proxy.spoil, proxy.streams = spoil, True
    inventory(proxy.context, *kinds, mode="full")
    created = cluster.create(pods, pod("a"))["metadata"]
    about = {"kind": "Pod", "namespace": space, "name": "a"}
    times = dict.fromkeys(("firstTimestamp", "lastTimestamp"), created["creationTimestamp"])
    named = {"metadata": {"name": "a"}, "involvedObject": about, **times}
    cluster.create(f"/api/v1/namespaces/{space}/events", named)
    run()
    cluster.patch(f"{pods}/a", {"metadata": {"labels": {"a": "b"}, "finalizers": ["example.com/stays"]}})
    run()
    cluster.delete(f"{pods}/a")
    run()
    cluster.patch(f"{pods}/a", {"metadata": {"finalizers": []}})
    run()
    assert kept.known() == ["complete"] * 4
    changes = query_rows(
        store,
        "SELECT change, happened_at, seen_at - clock_timestamp() AS ago, seen_at >= not_before AS is_later "
        "FROM k8s_changes WHERE namespace = %s ORDER BY id",
        space,
    )
    assert [each["change"] for each in changes] == ["created", "updated", "updated", "deleted"]
    assert all(-timedelta(minutes=5) < each["ago"] < timedelta(0) and each["is_later"] for each in changes)
    at = datetime.fromisoformat(created["creationTimestamp"]) + by
    assert changes[0]["happened_at"] == at
    assert at <= changes[3]["happened_at"] < at + timedelta(minutes=5)
    (event,) = query_rows(store, "SELECT name, last_seen_at FROM k8s_events WHERE namespace = %s", space)
    assert event["last_seen_at"] == at
    assert query_rows(store, "SELECT * FROM k8s_events_missed(now() - interval '1 minute')") == []
    uid = created["uid"]
    of_it = query_rows(store, "SELECT name FROM k8s_events_of('proxied', %s)", uid)
    assert of_it == ([] if by > timedelta(0) else [{"name": "a"}])  # see docs/history.md
    for answer in query_pack().values():
        store.connection.execute(answer.sql.encode())


def test_a_report_tells_what_is_new_once_though_it_was_asked_later_before(asked: Asked) -> None:  # noqa: F811
    asked.answer("east/a")
    asked.answer("east/a", "east/b")
    set_back(asked.store, HOUR)
    now = asked.answer("east/a", "east/b", "east/c")
    assert said(now) == (3, 1, 0, 2)
    told(asked.store, [now], report="r")
    assert said(asked.answer("east/a", "east/b", "east/c")) == (3, 0, 0, 0)
    assert said(asked.answer("east/a", "east/c", "east/d")) == (3, 1, 1, 1)


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "READ COMMITTED"])
def test_a_query_that_takes_longer_than_its_history_is_kept_gets_all_or_says_so(
    isolation: str,
    cluster: Cluster,
    store: Store,
    context: Context,
    inventory: Inventory,  # noqa: F811
    pods: str,
    kept: Kept,
) -> None:
    for name in ("a", "b", "c"):
        cluster.create(pods, pod(name))
        inventory(context, "pods", mode="full")
        kept.take()
    kept.set_back(-MONTH)
    with again(store)() as reader:
        kept.store = reader
        with reader.connection.transaction():
            reader.connection.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
            assert kept.known() == ["complete"] * 3
            with pytest.raises(StoreError, match=r"dropping old history"):
                store.drop_expired_history(30, 30, wait=0.1)
            cluster.create(pods, pod("d"))
            assert inventory(context, "pods", mode="full")["pods"].outcome == "complete"
            assert kept.known() == ["complete" if isolation == "REPEATABLE READ" else "unknown"] * 3
        assert len(store.drop_expired_history(30, 30)) == 1
        assert kept.known() == ["unknown"] * 3
        kept.take()
        assert kept.known() == ["unknown"] * 3 + ["complete"]
