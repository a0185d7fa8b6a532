"""What of an answer is new since the last time, and what can not be told."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from k8s_inventory.answers import Kept, as_csv, ask, counted, failed, keep, notice, told
from k8s_inventory.answers import asking as asking_module
from k8s_inventory.queries import Query, query_pack
from k8s_inventory.store import Store, StoreError, forget_context

QUERY = Query(
    folder="tests",
    name="planted",
    title="Which are planted?",
    meaning="One is.",
    action="Nothing.",
    key=("name",),
    source="None.",
    limits="",
    kinds=(),
    sql="-- Which?\nSELECT context_name, not_known, name, pods FROM planted ORDER BY context_name, name;",
)


class Asked:
    """Answers that are planted: rows of a table that the query reads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.connection.execute("CREATE TABLE planted (context_name text, not_known text, name text, pods int)")
        self.contexts("east", "west")

    def contexts(self, *names: str) -> None:
        self.store.connection.execute("DELETE FROM k8s_sync_contexts")
        for name in names:
            self.store.connection.execute(
                "INSERT INTO k8s_sync_contexts (context_name, server) VALUES (%s, '')", [name]
            )

    def answer(self, *found: str, pods: int = 1, query: Query = QUERY, **unknown: str) -> Kept:
        """Keeps the answer that has these hits, `context/name` each, and does not know of these contexts."""
        self.store.connection.execute("DELETE FROM planted")
        insert = "INSERT INTO planted VALUES (%s, %s, %s, %s)"
        for each in found:
            context, _, name = each.partition("/")
            self.store.connection.execute(insert, [context or None, None, name, pods])
        for context, why in unknown.items():
            self.store.connection.execute(insert, [None if context == "nobody" else context, why, None, None])
        return keep(self.store, self.ask(query), report="r", run_id="run")

    def ask(self, query: Query = QUERY, **bounds: Any) -> asking_module.Answer:
        return ask(self.store, query, **{"seconds": 10, "most_rows": 100, **bounds})

    def counts(self) -> list[tuple[Any, ...]]:
        columns = "hits, new_hits, gone_hits, not_known"
        return self.store.connection.execute(f"SELECT {columns} FROM k8s_answers ORDER BY asked_at".encode()).fetchall()


@pytest.fixture
def asked(store: Store) -> Iterator[Asked]:
    return Asked(store)


def said(kept: Kept) -> tuple[int | None, int | None, int | None, int]:
    return kept.hits, kept.new, kept.gone, kept.to_tell


def test_the_first_answer_has_nothing_new(asked: Asked) -> None:
    first = asked.answer("east/a", "east/b", "west/a")
    assert said(first) == (3, 0, 0, 0)
    assert first.first == ()
    assert said(asked.answer("east/a", "east/b", "west/a")) == (3, 0, 0, 0)
    assert asked.counts() == [(3, 0, 0, 0), (3, 0, 0, 0)]


def test_a_first_answer_without_hits_is_an_answer(asked: Asked) -> None:
    assert said(asked.answer()) == (0, 0, 0, 0)
    assert said(asked.answer("west/a")) == (1, 1, 0, 1)


def test_one_that_comes_and_one_that_goes_are_not_no_change(asked: Asked) -> None:
    asked.answer("east/a", "west/a")
    now = asked.answer("east/b", "west/a")
    assert said(now) == (2, 1, 1, 1)
    assert [each.row["name"] for each in now.untold] == ["b"]


def test_a_hit_is_known_again_whatever_is_measured_of_it(asked: Asked) -> None:
    asked.answer("east/a", pods=1)
    assert said(asked.answer("east/a", pods=7)) == (1, 0, 0, 0)


def test_the_same_name_in_another_context_is_another_hit(asked: Asked) -> None:
    asked.answer("east/a")
    assert said(asked.answer("west/a")) == (1, 1, 1, 1)
    assert said(asked.answer("west/a", "/a")) == (2, 1, 0, 2)


def test_of_what_is_not_known_nothing_is_new_or_gone(asked: Asked) -> None:
    asked.answer("east/a", "west/a", "west/b")
    away = asked.answer("east/a", "east/c", west="unreachable")
    assert said(away) == (4, 1, 0, 1), "those of west count as they were last known"
    partial = asked.answer("east/a", "east/c", "west/a", "west/new", west="partial")
    assert said(partial) == (4, 0, 0, 1)
    back = asked.answer("east/a", "east/c", "west/a", "west/new")
    assert said(back) == (4, 1, 1, 2)
    assert [row[3] for row in asked.counts()] == [0, 1, 1, 0]


def test_where_the_query_can_not_speak_at_all_nothing_is_new_or_gone(asked: Asked) -> None:
    asked.answer("east/a", "/a")
    assert said(asked.answer("east/b", "/b", nobody="not all is known")) == (2, 0, 0, 0)
    assert said(asked.answer("east/b", "/b")) == (2, 2, 2, 2)


def test_what_joins_is_known_since_then(asked: Asked) -> None:
    """A cluster that is added, or read for the first time, has no alarm for each of its objects."""
    asked.answer("east/a", west="never read")
    joined = asked.answer("east/a", *(f"west/{number}" for number in range(50)))
    assert said(joined) == (51, 0, 0, 0)
    assert joined.first == ("west",)
    asked.contexts("east", "west", "north")
    more = asked.answer("east/a", *(f"west/{number}" for number in range(51)), "north/a")
    assert said(more) == (53, 1, 0, 1)
    assert more.first == ("north",)


def test_a_context_that_leads_to_another_cluster_is_known_since_then(asked: Asked) -> None:
    asked.answer("east/a", "west/a")
    asked.store.connection.execute("UPDATE k8s_sync_contexts SET repointed_at = now() WHERE context_name = 'west'")
    moved = asked.answer("east/a", "west/b", "west/c")
    assert said(moved) == (3, 0, 0, 0)
    assert moved.first == ("west",)
    assert said(asked.answer("east/a", "west/b", "west/d")) == (3, 1, 1, 1)


def test_hits_of_all_contexts_are_gone_only_when_all_are_known(asked: Asked) -> None:
    asked.answer("/a", "/b")
    assert said(asked.answer("/a", "/c", west="unreachable")) == (3, 1, 0, 1)
    assert said(asked.answer("/a", "/c")) == (2, 0, 1, 1)
    asked.contexts("east", "west", "north")
    assert said(asked.answer("/a", "/c", "/d", "/e")) == (4, 0, 0, 1), "each context that joins has them differ"


def test_a_query_that_asks_otherwise_is_asked_for_the_first_time(asked: Asked) -> None:
    asked.answer("east/a")
    other = replace(QUERY, sql=QUERY.sql.replace("ORDER BY context_name, name", "ORDER BY name"))
    assert said(asked.answer("east/b", query=other)) == (1, 0, 0, 0)
    assert said(asked.answer("east/b", query=replace(other, key=("name", "pods")))) == (1, 0, 0, 0)
    commented = replace(other, key=("name", "pods"), sql="-- Said better.\n" + other.sql)
    assert said(asked.answer("east/c", query=commented)) == (1, 1, 1, 1)


def test_what_was_not_told_is_told_the_next_time(asked: Asked) -> None:
    asked.answer("east/a")
    asked.answer("east/a", "east/b")
    assert said(asked.answer("east/a", "east/b")) == (2, 0, 0, 1), "its notifier failed"
    later = asked.answer("east/a", "east/b", "east/c")
    assert said(later) == (3, 1, 0, 2)
    told(asked.store, [later], report="r")
    assert said(asked.answer("east/a", "east/b", "east/c")) == (3, 0, 0, 0)
    assert said(asked.answer("east/a")) == (1, 0, 2, 0)
    assert said(asked.answer("east/a", "east/b")) == (2, 1, 0, 1), "one that comes again is new again"


def test_what_came_after_a_notice_was_made_is_not_told_by_it(asked: Asked) -> None:
    asked.answer("east/a")
    before = asked.answer("east/a", "east/b")
    asked.answer("east/a", "east/b", "east/c")
    told(asked.store, [before], report="r")
    assert said(asked.answer("east/a", "east/b", "east/c")) == (3, 0, 0, 1)


def test_each_report_has_what_is_new_to_it(asked: Asked) -> None:
    asked.answer("east/a")
    mine = asked.answer("east/a", "east/b")
    theirs = keep(asked.store, asked.ask(), report="theirs", run_id="run")
    assert (said(mine), said(theirs)) == ((2, 1, 0, 1), (2, 0, 0, 0))
    told(asked.store, [mine], report="theirs")
    assert said(asked.answer("east/a", "east/b", "east/c")) == (3, 1, 0, 2)
    assert said(keep(asked.store, asked.ask(), report="theirs", run_id="run")) == (3, 1, 0, 1)


def test_an_answer_that_another_has_overtaken_changes_nothing(asked: Asked) -> None:
    asked.answer("east/a")
    old = asked.ask()
    asked.answer("east/a", "east/b")
    late = keep(asked.store, old, report="r", run_id="late")
    assert (late.hits, late.new) == (None, None)
    assert said(asked.answer("east/a", "east/b")) == (2, 0, 0, 1)


def test_more_hits_than_are_known_again_are_counted(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.answer("east/a", "east/b")
    monkeypatch.setattr(asking_module, "MOST_HITS", 2)
    many = asked.answer("east/a", "east/b", "east/c", "east/d")
    assert (many.hits, many.new, many.gone, many.to_tell) == (4, None, None, 0)
    assert "more than" in str(many.error)
    monkeypatch.undo()
    assert said(asked.answer("east/a", "east/b", "east/c")) == (3, 1, 0, 1)


def test_of_a_context_that_is_forgotten_nothing_is_kept(asked: Asked) -> None:
    asked.store.connection.execute("INSERT INTO k8s_sync_targets (context_name, kind) VALUES ('west', 'pods')")
    asked.answer("east/a", "west/a")
    forget_context(asked.store, "west")
    kept = "SELECT context_name FROM k8s_answer_hits UNION ALL SELECT context_name FROM k8s_answer_contexts ORDER BY 1"
    assert asked.store.connection.execute(kept).fetchall() == [("",), ("east",), ("east",)]
    assert said(asked.answer("east/a")) == (1, 0, 0, 0), "not gone: forgotten"
    asked.contexts("east", "west")
    asked.answer("east/a", "west/a")
    asked.contexts("east")  # while it was asked about
    assert said(asked.answer("east/a")) == (1, 0, 0, 0)
    assert asked.store.connection.execute(kept).fetchall() == [("",), ("east",), ("east",)]


# -- asking ----------------------------------------------------------------------------------------


def test_a_query_that_takes_too_long_is_ended(asked: Asked) -> None:
    slow = replace(QUERY, sql="SELECT NULL::text AS context_name, NULL::text AS not_known, pg_sleep(60)::text AS name;")
    with pytest.raises(StoreError, match=r"tests/planted: it takes longer than 0.2 seconds.*K8S_REPORT_SECONDS"):
        asked.ask(slow, seconds=0.2)
    columns = "NULL::text AS context_name, NULL::text AS not_known, number::text AS name"
    many = f"SELECT {columns} FROM generate_series(1, 1000000000) AS number"
    with pytest.raises(StoreError, match="it takes longer"):
        asked.ask(replace(QUERY, sql=many), seconds=0.2)
    assert said(asked.answer("east/a")) == (1, 0, 0, 0), "the session goes on"


def test_a_query_can_not_write(asked: Asked) -> None:
    with pytest.raises(StoreError, match="tests/planted"):
        asked.ask(replace(QUERY, sql="DELETE FROM planted RETURNING context_name, not_known, name;"))


def test_a_query_that_fails_is_kept_as_failed(asked: Asked) -> None:
    asked.answer("east/a")
    with pytest.raises(StoreError) as refused:
        asked.ask(replace(QUERY, sql="SELECT nothing FROM planted;"))
    assert failed(asked.store, QUERY, str(refused.value), report="r", run_id="run").error == str(refused.value)
    assert asked.counts() == [(1, 0, 0, 0), (None, None, None, None)]
    assert said(asked.answer("east/a")) == (1, 0, 0, 0)
    counts = counted(asked.store, [QUERY], report="r", most=2)["tests/planted"]
    assert [hits for _, hits in counts] == [None, 1]


def test_rows_are_bounded_by_number_and_by_size(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.answer(*(f"east/{number}" for number in range(9)))
    answer = asked.ask(most_rows=4)
    assert (len(answer.rows), answer.left_out, len(answer.hits)) == (4, 5, 9)
    asked.answer("east/" + "x" * 100_000)
    ((_, row),) = asked.ask().rows
    assert len(row["name"]) == 32_767
    monkeypatch.setattr(asking_module, "_MOST_CHARACTERS", 10)
    assert asked.ask().left_out == 1


def test_every_query_of_the_pack_can_be_asked(store: Store) -> None:
    for query in query_pack().values():
        answer = ask(store, query, seconds=30, most_rows=10)
        assert set(query.key) <= set(answer.columns), query.path
        assert "not_known" in answer.columns


# -- CSV -------------------------------------------------------------------------------------------


def test_a_csv_says_since_when_each_hit_is_known(asked: Asked) -> None:
    asked.answer("east/a", west="unreachable")
    asked.answer("east/a", "east/=1+1", "east/+new", west="unreachable")
    kept = keep(asked.store, (answer := asked.ask()), report="r", run_id="again")
    assert kept.to_tell == 2
    rows = list(csv.DictReader(io.StringIO(as_csv(answer, kept))))
    assert [(row["context_name"], row["name"], row["is_new"]) for row in rows] == [
        ("east", "'+new", "False"),
        ("east", "'=1+1", "False"),
        ("east", "a", "False"),
        ("west", "", ""),
    ]
    assert rows[2]["known_since"] < rows[0]["known_since"]
    assert rows[3]["not_known"] == "unreachable"
    later = asked.answer("east/a", "east/b")
    assert [row["is_new"] for row in csv.DictReader(io.StringIO(as_csv(asked.ask(), later)))] == ["False", "True"]


def test_a_csv_of_no_rows_has_its_head(asked: Asked) -> None:
    kept = asked.answer()
    assert as_csv(asked.ask(), kept).strip() == "context_name,not_known,name,pods,known_since,is_new"


def test_a_notice_names_so_many_and_counts_the_rest(asked: Asked) -> None:
    asked.answer("east/a")
    many = asked.answer("east/a", *(f"east/n{number:03}" for number in range(150)))
    said = notice([many], folder="/there")
    assert said.new == 150
    assert said.title == "150 new hits of 1 query in the Kubernetes inventory"
    assert "- and 130 more" in said.text
    assert "<p>and 130 more</p>" in said.html
    assert said.queries[0]["rows"][0] == ["east", "n000"]
