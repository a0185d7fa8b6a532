"""How the inventory page reads: by a role that may only read, in transactions that only read, within bounds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from k8s_inventory import plugin
from k8s_inventory.store import Store
from k8s_inventory.web import reading
from k8s_inventory.web.differences import difference, with_differences
from k8s_inventory.web.exporting import cell
from k8s_inventory.web.folding import Fold, folded
from k8s_inventory.web.reading import Busy, Reader
from k8s_inventory.web.searching import Unanswerable, instant, like
from tests.databases import administer, name_of


@pytest.fixture
def reader(store: Store, database_url: str) -> Iterator[Reader]:
    """Of the schema's owner, who might do anything."""
    made = Reader(lambda: Store.connect(database_url))
    yield made
    made.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM k8s_pods",
        "INSERT INTO k8s_sync_contexts (context_name, server) VALUES ('x', 'x')",
        "CREATE TABLE mine ()",
        "SELECT k8s_pods FROM k8s_pods FOR UPDATE",
    ],
)
def test_it_writes_nothing_even_as_the_owner(reader: Reader, statement: str) -> None:
    with pytest.raises(errors.ReadOnlySqlTransaction), reader.snapshot() as snapshot:
        snapshot.run(statement)
    with reader.snapshot() as snapshot:  # and the session is as good as before
        assert snapshot.run("SELECT 1 AS one") == [{"one": 1}]


def test_it_takes_on_the_role_that_it_is_given(store: Store, database_url: str) -> None:
    role = f"reader_{name_of(database_url)}"
    administer(database_url, f"CREATE ROLE {role}", f"GRANT USAGE ON SCHEMA public TO {role}")
    made = Reader(lambda: Store.connect(database_url), role)
    try:
        with pytest.raises(errors.InsufficientPrivilege), made.snapshot() as snapshot:
            snapshot.run("SELECT * FROM k8s_pods")
        administer(database_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        with made.snapshot() as snapshot:
            assert snapshot.run("SELECT * FROM k8s_pods") == []
            assert snapshot.run("SELECT current_user AS who") == [{"who": role}]
    finally:
        made.close()
        administer(database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_statement_has_an_end(reader: Reader) -> None:
    with reader.snapshot() as snapshot:
        snapshot.at_most(0.05)
        with pytest.raises(errors.QueryCanceled):
            snapshot.run("SELECT pg_sleep(60)")
    with reader.snapshot() as snapshot:  # the bound was of that transaction alone
        assert snapshot.run("SHOW statement_timeout") == [{"statement_timeout": "10s"}]


def test_sessions_are_few_and_used_again(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WAIT", 0.05)
    open_ones = [reader.snapshot() for _ in range(reading.SESSIONS)]
    pids = {each.__enter__().run("SELECT pg_backend_pid() AS pid")[0]["pid"] for each in open_ones}
    with pytest.raises(Busy), reader.snapshot():
        pass
    for each in open_ones:
        each.__exit__(None, None, None)
    assert len(pids) == reading.SESSIONS
    with reader.snapshot() as snapshot:
        assert snapshot.run("SELECT pg_backend_pid() AS pid")[0]["pid"] in pids


def test_a_session_that_the_server_ended_is_replaced(reader: Reader, database_url: str) -> None:
    with reader.snapshot() as snapshot:
        (row,) = snapshot.run("SELECT pg_backend_pid() AS pid")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [row["pid"]])
    with reader.snapshot() as snapshot:
        assert snapshot.run("SELECT 1 AS one") == [{"one": 1}]


def test_a_page_is_of_one_moment(reader: Reader, store: Store) -> None:
    with reader.snapshot() as snapshot:
        assert snapshot.rows("clusters") == []
        store.connection.execute("INSERT INTO k8s_sync_contexts (context_name, server) VALUES ('new', 'x')")
        assert snapshot.rows("clusters") == []
    with reader.snapshot() as snapshot:
        assert [row["context_name"] for row in snapshot.rows("clusters")] == ["new"]


def test_what_a_value_became_is_what_the_next_change_took_away(reader: Reader, store: Store) -> None:
    """Of three changes of one column: 1 to 2, 2 to 3, 3 to nothing known, for the object is not stored any more."""
    now = datetime.now(UTC)
    for minutes, old in ((30, 1), (20, 2), (10, 3)):
        store.connection.execute(
            'INSERT INTO k8s_changes (context_name, kind, "group", plural, namespace, name, uid, change, seen_at, '
            "run_id, evidence, columns, old) VALUES ('c', 'Deployment', 'apps', 'deployments', 'n', 'web', 'u', "
            "'updated', %s, 'r', 'e', '{replicas,generation}', jsonb_build_object('replicas', %s::int, "
            "'generation', 1))",
            [now - timedelta(minutes=minutes), old],
        )
    values = {"since": now - timedelta(hours=1), "until": now, "limit": 10, "bytes": 1_000_000}

    def shown(*, history_since: datetime) -> list[list[tuple[str, str, str]]]:
        store.connection.execute(
            "INSERT INTO k8s_sync_targets (context_name, kind, history_since) VALUES ('c', 'deployments', %s) "
            "ON CONFLICT (context_name, kind) DO UPDATE SET history_since = excluded.history_since",
            [history_since],
        )
        with reader.snapshot() as snapshot:
            changes = with_differences(snapshot.rows("changes", values, asked=set()), snapshot)
        return [[(each.column, each.old, each.new) for each in change["differences"]] for change in changes]

    whole = [[("replicas", "3", "not known")], [("replicas", "2", "3")], [("replicas", "1", "2")]]
    assert shown(history_since=now - timedelta(hours=1)) == whole
    lacking = [*whole[:2], [("replicas", "1", "not known")]]
    assert shown(history_since=now - timedelta(minutes=25)) == lacking, "others may have come after it"


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(hostile: str) -> None:
    assert str(cell(hostile)).startswith(f"'{hostile[0]}")
    assert str(cell([hostile])).startswith(f"'{hostile[0]}")


def test_cells_that_are_no_formula_stay() -> None:
    values: list[Any] = ["a=b", 5, -5, None, True, ["a", "b"]]
    assert [cell(each) for each in values] == ["a=b", 5, -5, "", "true", "a, b"]


def test_long_values_differ_by_lines_within_bounds() -> None:
    old = {"a": 1, "b": {"c": [1, 2]}, "d": "x"}
    found = difference("spec", old, {**old, "a": 2})
    assert [line for line in found.lines if line[0] in "+-"] == [("-", "a: 1"), ("+", "a: 2")]
    many = difference("spec", {str(n): 1 for n in range(9000)}, {str(n): 2 for n in range(9000)})
    assert len(many.lines) <= 60
    assert many.left_out > 0


def test_lists_and_labels_differ_by_what_differs() -> None:
    images = difference("images", ["a:1", "b:1"], ["a:2", "b:1"])
    assert (images.old, images.new, images.lines) == ("a:1, b:1", "a:2, b:1", ())
    labels = difference("labels", {"app": "web", "tier": "a", "x": "1"}, {"app": "web", "tier": "b", "x": "1"})
    assert labels.lines == (("-", "tier: a"), ("+", "tier: b"))


def test_yaml_folds_what_is_long_within_bounds() -> None:
    containers = [{"name": "web", **{f"field{number}": number for number in range(9)}}]
    (fold, short) = folded({"containers": containers, "replicas": 2})
    assert fold == Fold("containers", "1 entries", children=fold.children)
    assert [child.key for child in fold.children] == ["- web"]
    assert (short.key, short.text) == ("replicas", "2")
    deep: Any = 1
    for _ in range(300):
        deep = {"x": deep}
    assert folded(deep)


def test_patterns_mean_what_is_written() -> None:
    assert [like(each) for each in ("web", "web*", "*web", "50%", "a_b", "a\\b")] == [
        "%web%",
        "web%",
        "%web",
        "%50\\%%",
        "%a\\_b%",
        "%a\\\\b%",
    ]


@pytest.mark.parametrize(
    "text", ["2026-11-26 03:54", "2026-11-26T03:54Z", "2026-11-26T04:54+01:00", "2026-11-26T03:54:00+00:00"]
)
def test_instants_are_utc_where_they_do_not_say(text: str) -> None:
    assert instant(text) == datetime(2026, 11, 26, 3, 54, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "9" * 400, "0001-01-01T00:00+14:00"])
def test_what_is_no_instant_is_said(text: str) -> None:
    with pytest.raises(Unanswerable, match="is no time"):
        instant(text)


def test_schedulers_and_tasks_do_not_import_the_page() -> None:
    """They load the plugin, too: its module takes the app in when it is first asked for."""
    tree = ast.parse(Path(plugin.__file__).read_text())
    imported = [each.module for each in tree.body if isinstance(each, ast.ImportFrom)]
    assert not [each for each in imported if each and each.startswith("k8s_inventory.web")]
