"""Contexts belong to the sources that have them: only the last one that had a context says that it is gone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, forget_context
from k8s_inventory.store.statements import FOLDER
from tests.equality import query_rows
from tests.integration.test_store import Sync


def _seen(store: Store, *names: str) -> None:
    """As a sync that has reached their clusters."""
    for name in names:
        where = {"cluster_uid": name, "server": name, "ca_fingerprint": None, "version": "v1.36.0"}
        store.cluster_seen(name, repointed=False, provider=None, region=None, **where)


def _gone(store: Store) -> set[str]:
    query = "SELECT context_name FROM k8s_clusters WHERE unconfigured_since IS NOT NULL"
    return {row["context_name"] for row in query_rows(store, query)}


def test_a_context_is_gone_once_the_last_source_has_it_no_more(store: Store) -> None:
    _seen(store, "one", "two", "both", "nobodys")
    assert store.mark_configured(["one", "both"], source="a") == []
    assert store.mark_configured(["two", "both"], source="b") == []
    assert store.mark_configured(["one"], source="a", are_all=False) == []
    assert store.mark_configured(["one"], source="a") == []
    assert store.mark_configured(["two"], source="b") == ["both"]
    assert store.mark_configured([], source="b") == ["two"]
    assert _gone(store) == {"both", "two"}
    assert store.mark_configured(["two"], source="a", are_all=False) == []
    assert _gone(store) == {"both"}
    assert store.mark_configured(["one", "two"], source="a") == []
    assert _gone(store) == {"both"}


def test_a_context_that_moved_to_another_source_is_not_gone(store: Store) -> None:
    _seen(store, "moved")
    store.mark_configured(["moved"], source="a")
    assert store.mark_configured([], source="a") == ["moved"]
    store.mark_configured(["moved"], source="b")
    assert _gone(store) == set()
    assert store.mark_configured([], source="a") == []
    assert query_rows(store, "SELECT sources FROM k8s_clusters") == [{"sources": ["b"]}]


def test_what_no_named_source_has_is_gone_where_nobody_has_seen_it_for_long(store: Store) -> None:
    _seen(store, "seen", "not seen")
    long_ago = "UPDATE k8s_sync_contexts SET last_seen_at = now() - interval '31 days' WHERE context_name = 'not seen'"
    store.connection.execute(long_ago)
    assert store.mark_configured([], source="a", are_all=False) == []
    assert store.mark_configured([], source="a") == ["not seen"]
    assert _gone(store) == {"not seen"}


def test_a_database_of_before_sources_keeps_its_marks_and_calls_nothing_gone_that_another_may_have(
    store: Store,
) -> None:
    _seen(store, "mine", "theirs", "gone before")
    store.mark_configured(["mine", "theirs"])
    for statement in (
        "DELETE FROM k8s_schema_migrations WHERE version = 17",
        "DROP VIEW k8s_clusters",
        "DROP TABLE k8s_sync_sources",
        _view_of_before(),
        "CREATE VIEW over_ours AS SELECT context_name, unconfigured_since FROM k8s_clusters",
    ):
        store.connection.execute(statement.encode())
    assert "0017_sources" in store.migrate()
    assert _gone(store) == {"gone before"}
    assert store.mark_configured(["mine"], source="a") == []
    assert _gone(store) == {"gone before"}
    assert store.mark_configured(["theirs"], source="b") == []
    assert store.mark_configured([], source="b") == ["theirs"]
    assert query_rows(store, "SELECT count(*) AS n FROM over_ours") == [{"n": 3}]


def _view_of_before() -> str:
    first = Path(FOLDER, "migrations", "0001_system_tables.sql").read_text()
    start = first.index("CREATE VIEW k8s_clusters")
    return first[start : first.index(";", start)]


def test_two_that_give_up_a_context_at_a_time_leave_it_gone(store: Store, database_url: str) -> None:
    _seen(store, *(f"context-{number}" for number in range(50)))
    names = [f"context-{number}" for number in range(50)]
    for source in "ab":
        store.mark_configured(names, source=source)
    found: list[str] = []

    def give_up(source: str) -> None:
        with Store.connect(database_url) as mine:
            found.extend(mine.mark_configured([], source=source))

    threads = [threading.Thread(target=give_up, args=source) for source in "ab"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == sorted(names)
    assert _gone(store) == set(names)


def test_a_context_that_is_forgotten_has_no_source(store: Store) -> None:
    _seen(store, "gone")
    store.mark_configured(["gone"], source="a")
    store.mark_configured([], source="a")
    forget_context(store, "gone")
    assert query_rows(store, "SELECT * FROM k8s_sync_sources") == query_rows(store, "SELECT * FROM k8s_clusters") == []
    _seen(store, "still there")
    store.mark_configured(["still there"], source="b")
    forget_context(store, "still there")
    assert query_rows(store, "SELECT * FROM k8s_sync_sources") == []


def test_nothing_is_written_where_nothing_changed(store: Store) -> None:
    _seen(store, "one")
    rows = "SELECT s.xmin::text AS a, c.xmin::text AS b FROM k8s_sync_sources AS s, k8s_sync_contexts AS c"
    store.mark_configured(["one"], source="a")
    before = query_rows(store, rows)
    store.mark_configured(["one"], source="a")
    assert query_rows(store, rows) == before


# -- one schema, found once ------------------------------------------------------------------------


def test_a_schema_that_appears_later_moves_no_table(store: Store, database_url: str) -> None:
    """The one of the role's name comes first in the search path."""
    store.connection.execute("CREATE TABLE public.before AS SELECT 1")
    for statement in ("CREATE SCHEMA postgres", "SET search_path = DEFAULT"):
        store.connection.execute(statement)
    for _ in range(2):
        with Store.connect(database_url) as again:
            assert again.migrate() == []
            assert query_rows(again, "SELECT current_schema() AS name") == [{"name": "public"}]
    store.connection.execute("CREATE TABLE postgres.k8s_pods (name text)")
    with Store.connect(database_url) as again:
        assert again.migrate() == []
        assert query_rows(again, "SELECT current_schema() AS name") == [{"name": "public"}]


def test_another_inventory_that_appears_later_moves_no_table(store: Store, database_url: str) -> None:
    """As where somebody tries CloudQuery with the schema of the role's name."""
    with Store.connect(database_url, schema="postgres") as other:
        assert "k8s_pods" in other.migrate()
    _seen(store, "first")
    for _ in range(2):
        with Store.connect(database_url) as again:
            assert query_rows(again, "SELECT context_name FROM k8s_clusters") == [{"context_name": "first"}]
            again.mark_configured(["first"])


# -- connections that lead nowhere -----------------------------------------------------------------


@pytest.mark.parametrize("kubeconfig", ["nowhere", ".", "empty"])
def test_a_kubeconfig_that_can_not_be_read_is_an_outcome(
    store: Store, sync: Sync, tmp_path: Path, kubeconfig: str
) -> None:
    (tmp_path / "empty").touch()
    context = Context(name="test", kubeconfig=str(tmp_path / kubeconfig), context="x")
    attempt = sync(context, "pods").attempt
    assert (attempt.outcome, attempt.whole_context) == ("failed", True)
    assert "its configuration can not be used" in str(attempt.error)
    stored = query_rows(store, "SELECT outcome, error, finished_at IS NOT NULL AS is_ended FROM k8s_sync_runs")
    assert stored == [{"outcome": "failed", "error": attempt.error, "is_ended": True}]
