"""What is said of answers: to a notifier, in the run's note, in CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from k8s_inventory.answers.asking import Answer
from k8s_inventory.answers.keeping import Kept
from k8s_inventory.printable import in_markdown, no_formula, printable
from k8s_inventory.sync.summary import bulleted

MOST_SHOWN = 20
"""Hits of a query that a notice names."""
_MOST_NAMED = 200
"""Hits that it names in all."""
_CELL = 120


@dataclass(frozen=True)
class Notice:
    """What there is to tell. A notifier's templates have it as `report`: `{{ report.title }}`, `{{ report.html }}`.

    `title` is one line without markup. `text` is for chats, whatever their markup: of names that come from clusters
    what could be markup or a mention is a `?`. `html` has them as they are, escaped. `queries` is for templates of
    one's own; what is in it comes from clusters as it is. `folder` is where the files are, or empty.
    """

    title: str
    text: str
    html: str
    new: int
    folder: str
    queries: tuple[Mapping[str, Any], ...]


def notice(kept: Sequence[Kept], *, folder: str) -> Notice:
    """What is new of these answers, of which at least one has something to tell."""
    with_new = [each for each in kept if each.to_tell]
    new = sum(each.to_tell for each in with_new)
    title = f"{_counted(new, 'new hit')} of {_counted(len(with_new), 'query', 'queries')} in the Kubernetes inventory"
    left = _MOST_NAMED
    queries: list[dict[str, Any]] = []
    for each in with_new:
        columns = ["context_name", *(name for name in each.query.key if name != "context_name")]
        shown = each.untold[: min(MOST_SHOWN, left)]
        left -= len(shown)
        rows = [[_short(untold.row.get(name)) for name in columns] for untold in shown]
        about = {"path": each.query.path, "title": each.query.title, "action": each.query.action, "hits": each.hits}
        queries.append({**about, "new": each.to_tell, "columns": columns, "rows": rows})
    where = printable(folder)
    return Notice(title, _text(title, queries, where), _html(title, queries, where), new, where, tuple(queries))


def _text(title: str, queries: Sequence[Mapping[str, Any]], folder: str) -> str:
    lines = [title]
    for query in queries:
        lines += ["", f"{query['path']}: {query['title']} {query['new']} new of {query['hits']}"]
        lines += [f"- {' / '.join(map(_without_markup, row))}" for row in query["rows"]]
        if query["new"] > len(query["rows"]):
            lines.append(f"- and {query['new'] - len(query['rows'])} more")
    return "\n".join([*lines, *(["", f"All of it: {folder}"] if folder else [])])


def _html(title: str, queries: Sequence[Mapping[str, Any]], folder: str) -> str:
    parts = [f"<p>{escape(title)}</p>"]
    for query in queries:
        parts.append(f"<h3>{escape(query['title'])}</h3>")
        parts.append(
            f"<p>{escape(query['path'])}: {query['new']} new of {query['hits']}. {escape(query['action'])}</p>"
        )
        head = "".join(f"<th align=left>{escape(name)}</th>" for name in query["columns"])
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in query["rows"])
        if query["rows"]:
            parts.append(f"<table cellpadding=4><tr>{head}</tr>{body}</table>")
        if query["new"] > len(query["rows"]):
            parts.append(f"<p>and {query['new'] - len(query['rows'])} more</p>")
    return "\n".join([*parts, *([f"<p>All of it: {escape(folder)}</p>"] if folder else [])])


def note(kept: Sequence[Kept], *, most: int) -> str:
    """The run's note, in Markdown."""
    new = sum(each.new or 0 for each in kept)
    gone = sum(each.gone or 0 for each in kept)
    said = f"**{_counted(new, 'new hit')}** of {_counted(len(kept), 'query', 'queries')}, {gone} gone."
    with_new = sorted((each for each in kept if each.new), key=lambda each: -(each.new or 0))
    first = sorted({context for each in kept for context in each.first})
    unknown = sorted({context or "all" for each in kept for context in each.not_known})
    sections = (
        ("Not answered", [f"{in_markdown(each.error or '', most=200)}" for each in kept if each.error]),
        ("New", [f"`{each.query.path}`: {each.new} new of {each.hits}" for each in with_new]),
        ("Asked for the first time", [in_markdown(name) for name in first]),
        ("Not all answers can speak of", [in_markdown(name) for name in unknown]),
    )
    for title, found in sections:
        if found:
            said += bulleted(title, found, most=most - len(said))
    return said


def as_csv(answer: Answer, kept: Kept) -> str:
    """The rows of an answer, with two more columns: since when a hit is known, and whether it is new. A cell is none
    that a spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*answer.columns, "known_since", "is_new"])
    for hit, row in answer.rows:
        since = kept.known_since.get(hit) if hit else None
        more = (since.isoformat(), hit in kept.new_hits) if since else ("", "")
        values = (*(row[name] for name in answer.columns), *more)
        writer.writerow([no_formula(each) if isinstance(each, str) else each for each in values])
    return text.getvalue()


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _short(value: object) -> str:
    text = printable("" if value is None else value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


def _without_markup(text: str) -> str:
    """Letters, digits and what names are made of; of `://`, by which chats make links, no more than the colon."""
    return re.sub(r"[^\w .:/=,+-]", "?", text).replace("://", ":??")
