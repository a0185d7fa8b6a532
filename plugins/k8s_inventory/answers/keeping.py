"""Keeps what hits an answer had, and tells which are new since the last time.

What a hit is that the last answer did not have, is new. What is not: a hit of a context of which the answer speaks for
the first time, of the cluster that it leads to now, or by this statement and key; it is known since then. Of a context
of which the answer can not speak nothing is new, and nothing gone: its hits stay as they were last known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from k8s_inventory.answers.asking import MOST_HITS, OF_ALL, Answer, Row, made_of
from k8s_inventory.queries import Query
from k8s_inventory.store import Store
from k8s_inventory.store.refusals import explained


@dataclass(frozen=True)
class Untold:
    """A hit that no notifier has taken yet."""

    row: Row
    since: datetime


@dataclass
class Kept:
    """What came of one query. `hits`, `new` and `gone` are None where that can not be told; `first` are the contexts of
    which it speaks for the first time, `new_hits` those that are new, `known_since` says when each hit came, and
    `untold` which a person has to hear of: `more_untold` are those that are not among the rows kept."""

    query: Query
    asked_at: datetime | None = None
    hits: int | None = None
    new: int | None = None
    gone: int | None = None
    first: tuple[str, ...] = ()
    not_known: Mapping[str | None, str] = field(default_factory=dict)
    new_hits: frozenset[bytes] = frozenset()
    known_since: Mapping[bytes, datetime] = field(default_factory=dict)
    untold: Sequence[Untold] = ()
    more_untold: int = 0
    error: str | None = None

    @property
    def to_tell(self) -> int:
        return len(self.untold) + self.more_untold


def keep(store: Store, answer: Answer, *, report: str, run_id: str) -> Kept:
    """Notes an answer, in one transaction; what is new in it to the report of this name. Raises `StoreError`."""
    kept = Kept(answer.query, answer.asked_at, not_known=answer.not_known)
    with explained(f"keeping {answer.query.path}"), store.connection.transaction():
        store.run("answers_lock")
        if answer.is_whole:
            _compare(store, answer, kept, report)
        else:
            kept.hits = answer.found
            kept.error = f"more than {MOST_HITS:,} hits: what is new among them can not be told"
        _note(store, kept, report=report, run_id=run_id, seconds=answer.seconds)
    return kept


def failed(store: Store, query: Query, error: str, *, report: str, run_id: str) -> Kept:
    """Notes that a query failed."""
    with explained(f"keeping {query.path}"):
        ((now,),) = store.connection.execute("SELECT now()").fetchall()
        kept = Kept(query, now, error=error)
        _note(store, kept, report=report, run_id=run_id, seconds=None)
    return kept


def _note(store: Store, kept: Kept, *, report: str, run_id: str, seconds: float | None) -> None:
    said = {"hits": kept.hits, "new_hits": kept.new, "gone_hits": kept.gone, "error": kept.error, "seconds": seconds}
    not_known = len(kept.not_known) if kept.hits is not None else None
    of = {"report": report, "query": kept.query.path, "asked_at": kept.asked_at, "run_id": run_id}
    store.run("keep_answer", {**of, **said, "not_known": not_known})


def _compare(store: Store, answer: Answer, kept: Kept, report: str) -> None:
    of_query: dict[str, Any] = {"report": report, "query": answer.query.path, "asked_at": answer.asked_at}
    of_query["made_of"] = made_of(answer.query)
    before = store.rows("answered_before", of_query)
    if any(row["is_later"] for row in before):  # another report has asked since
        return
    if any(row["made_of"] != of_query["made_of"] for row in before):
        store.run("forget_answered", of_query)
        before = []
    of_others = {row["context_name"] for row in before if _is_of_another_cluster(answer, row)}
    before = [row for row in before if row["context_name"] not in of_others]
    store.run("hits_forgotten", {**of_query, "contexts": list(answer.contexts.keys() - of_others)})
    spoken = answer.spoken
    first = spoken - {row["context_name"] for row in before}
    # Hits of all contexts together change with each that joins them.
    of_all_too = {OF_ALL} if None not in answer.not_known else set()
    baseline = first | (of_all_too if first or not before else set())
    hits = {hit: context for hit, context in answer.hits.items() if context in spoken | of_all_too}
    whole = spoken | (of_all_too if not answer.not_known else set())
    gone = store.rows("hits_gone", {**of_query, "contexts": list(whole), "hits": list(hits)})
    found = {**of_query, "hits": list(hits), "of": list(hits.values()), "first": list(baseline)}
    came = store.rows("hits_found", found)
    store.run("answer_spoken", {**of_query, "contexts": list(spoken | of_all_too)})
    known = store.rows("hits_known", of_query)
    kept.hits, kept.gone = len(known), len(gone)
    kept.new_hits = frozenset(bytes(row["hit"]) for row in came if row["told_at"] is None)
    kept.new = len(kept.new_hits)
    kept.first = tuple(sorted(first)) if before else ()
    kept.known_since = {bytes(row["hit"]): row["first_seen_at"] for row in known}
    untold = {bytes(row["hit"]): row["first_seen_at"] for row in known if row["told_at"] is None}
    rows = {hit: row for hit, row in reversed(answer.rows) if hit in untold}
    kept.untold = [Untold(row, untold[hit]) for hit, row in reversed(rows.items()) if hit is not None]
    kept.more_untold = len(untold) - len(kept.untold)


def _is_of_another_cluster(answer: Answer, before: Row) -> bool:
    """Whether a context was said to lead to another cluster since the answer last spoke of it."""
    repointed_at = answer.contexts.get(before["context_name"])
    return repointed_at is not None and repointed_at > before["asked_at"]


def told(store: Store, kept: Sequence[Kept], *, report: str) -> None:
    """Notes that all which these had to tell was told, or that there is nobody to hear of it. Raises `StoreError`."""
    asked = [each for each in kept if each.asked_at is not None and each.to_tell]
    if asked:
        until = max(each.asked_at for each in asked if each.asked_at is not None)
        with explained("noting what was told"):
            store.run("hits_told", {"report": report, "queries": [each.query.path for each in asked], "until": until})


def counted(
    store: Store, queries: Sequence[Query], *, report: str, most: int
) -> dict[str, list[tuple[datetime, int | None]]]:
    """How many hits each query had when, the last so many times, the earliest first. Raises `StoreError`."""
    counts: dict[str, list[tuple[datetime, int | None]]] = {query.path: [] for query in queries}
    with explained("reading counts"):
        for row in store.rows("counted", {"report": report, "queries": list(counts), "most": most}):
            counts[row["query"]].append((row["asked_at"], row["hits"]))
    return counts
