"""Asks one ready-made query: what its answer is, within bounds, and of which contexts it speaks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import errors
from psycopg.rows import dict_row

from k8s_inventory.queries import NOT_KNOWN, Query
from k8s_inventory.store import Store, StoreError
from k8s_inventory.store.refusals import explained

OF_ALL = ""
"""Stands for the context of a hit that is of all contexts together."""
MOST_HITS = 100_000
"""Of a query, that are known again. Of an answer that has more it can not be told what is new."""
_MOST_CHARACTERS = 1 << 26
"""Of the rows that are kept of one answer."""
_CELL = 32_767
"""Characters of a cell: a spreadsheet has no more."""

Row = dict[str, Any]


@dataclass
class Answer:
    """`hits` has the context of each hit, by what it is known again by; `rows` as many of the rows as are kept, each
    with that of its hit or None. `not_known` says of contexts, or by None of all, why the answer can not speak of
    them."""

    query: Query
    asked_at: datetime
    contexts: Mapping[str, datetime | None]
    columns: tuple[str, ...] = ()
    hits: dict[bytes, str] = field(default_factory=dict)
    rows: list[tuple[bytes | None, Row]] = field(default_factory=list)
    not_known: dict[str | None, str] = field(default_factory=dict)
    found: int = 0
    left_out: int = 0
    characters: int = 0
    seconds: float = 0.0

    @property
    def spoken(self) -> frozenset[str]:
        """The contexts of which it speaks."""
        return frozenset() if None in self.not_known else frozenset(self.contexts.keys() - self.not_known.keys())

    @property
    def is_whole(self) -> bool:
        return len(self.hits) <= MOST_HITS


def ask(store: Store, query: Query, *, seconds: float, most_rows: int) -> Answer:
    """The answer as of now, in a read-only transaction; keeps so many rows. Raises `StoreError`, also where it takes
    longer than so many seconds."""
    began = time.monotonic()
    with explained(query.path), store.connection.transaction():
        store.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for name, value in (("statement_timeout", str(int(seconds * 1000))), ("lock_timeout", "2s"), ("jit", "off")):
            store.connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        ((now,),) = store.connection.execute("SELECT now()").fetchall()
        contexts = {row["context_name"]: row["repointed_at"] for row in store.rows("answer_contexts")}
        answer = Answer(query, now, contexts)
        try:
            for row in _rows(store, query, answer, until=began + seconds):
                _take(answer, row, most_rows)
        except errors.QueryCanceled:
            raise StoreError(
                f"{query.path}: it takes longer than {seconds:g} seconds: raise K8S_REPORT_SECONDS, or leave it out of "
                "K8S_REPORT_QUERIES"
            ) from None
    answer.seconds = time.monotonic() - began
    return answer


def _rows(store: Store, query: Query, answer: Answer, *, until: float) -> Iterator[Row]:
    """Row by row as the server sends them. A cursor of its own would do as well, but no parallel worker helps it."""
    with store.connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.stream(query.sql.encode()):
            answer.columns = answer.columns or tuple(row)
            yield row
            if time.monotonic() > until:
                raise errors.QueryCanceled
    if not answer.columns:
        statement = query.sql.rstrip().removesuffix(";")
        empty = store.connection.execute(f"SELECT * FROM (\n{statement}\n) AS answer LIMIT 0".encode())  # noqa: S608
        answer.columns = tuple(column.name for column in empty.description or ())


def _take(answer: Answer, row: Row, most_rows: int) -> None:
    hit = None
    if row[NOT_KNOWN] is not None:
        answer.not_known.setdefault(row.get("context_name"), str(row[NOT_KNOWN]))
    else:
        answer.found += 1
        hit = known_by(answer.query, row)
        if len(answer.hits) <= MOST_HITS:
            answer.hits[hit] = row.get("context_name") or OF_ALL
    shown = {name: _cut(value) for name, value in row.items()}
    answer.characters += sum(len(value) for value in shown.values() if isinstance(value, str))
    if len(answer.rows) < most_rows and answer.characters < _MOST_CHARACTERS:
        answer.rows.append((hit, shown))
    else:
        answer.left_out += 1


def known_by(query: Query, row: Mapping[str, Any]) -> bytes:
    """What a hit is known again by: a digest of its context and of the columns of its key. What is measured, such as
    the number of pods, or their state, is not in it: a hit with another number is the same hit."""
    values = [row.get("context_name"), *(row[name] for name in query.key)]
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).digest()


def made_of(query: Query) -> str:
    """Changes with the statement and the key, not with what its header says besides."""
    lines = [line for line in query.sql.splitlines() if not line.lstrip().startswith("--")]
    return hashlib.sha256("\n".join([*query.key, *lines]).encode()).hexdigest()


def _cut(value: object) -> object:
    """Numbers and None as they are, all else as text of so many characters."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"
