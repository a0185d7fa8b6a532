"""What the targets of a run came to, as rows and as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from k8s_inventory.kinds import FAMILIES, KINDS
from k8s_inventory.kinds.custom import is_custom
from k8s_inventory.outcome import Outcome, Verdict
from k8s_inventory.printable import in_markdown, printable
from k8s_inventory.store import Store
from k8s_inventory.sync.selection import CUSTOM, Custom, contexts_of

_COUNTS = ("objects", "changed", "deleted")

_FAMILY_OF = {kind.name: family for family, kinds in FAMILIES.items() for kind in kinds}

_SAYING_LITTLE = frozenset({"generation", "observed_generation", "spec", "status", "data"})
"""Columns that change with the others that a change names."""

MOST = 1000
"""Rows, problems or warnings of a run in a log or an XCom. `k8s_sync_runs` has all."""

_MOST_CONTEXTS = 100
"""Of each sort in what is said of a table: Airflow keeps it with every event."""


def report(store: Store, run_id: str, plan: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a planned target, by context and in the plan's order: the columns of run_report.sql, `named`,
    `what_to_do`."""
    invocation = plan[0].get("invocation", "") if plan else ""
    stored = {(row["context_name"], row["kind"]): row for row in store.run_report(run_id, invocation)}
    custom: dict[str, list[str]] = {}
    for context, kind in stored:
        if is_custom(kind):
            custom.setdefault(context, []).append(kind)
    by_context: dict[str, list[Mapping[str, Any]]] = {}
    for task in plan:
        for context in contexts_of(task):
            by_context.setdefault(context, []).append(task)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for context, task in ((context, task) for context, tasks in by_context.items() for task in tasks):
        kinds = list(task["kinds"])
        if task["custom"]["include"]:
            takes = Custom(**task["custom"]).takes
            kinds += [CUSTOM, *(kind for kind in custom.get(context, ()) if takes(kind))]
        for kind in kinds:
            row = stored.get((context, kind)) or _not_run(context, kind)
            if row["outcome"] is None:  # whoever wrote it was killed, or is at it still
                row = {**row, "error": _unended(context, kind)}
            outcome = Outcome(row["outcome"] or Outcome.NOT_RUN)
            named = {"named": kind in task["named"], "what_to_do": outcome.advice}
            rows[context, kind] = {**row, "outcome": outcome.value, **named}
    return list(rows.values())


def _unended(context_name: str, kind: str) -> str:
    return f"context {context_name}, {kind}: its task ended before it could say how it went; see the task's log"


def _not_run(context_name: str, kind: str) -> dict[str, Any]:
    error = f"context {context_name}, {kind}: its task ended before it began; see the task's log"
    counts = dict.fromkeys(_COUNTS, 0)
    row = {"context_name": context_name, "kind": kind, "outcome": Outcome.NOT_RUN, "error": error, "warning": None}
    more = {"scope": "all", "seconds": None, "whole_context": False, "resource_version": None}
    return {**row, **counts, **more}


def fresh(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What there is to say of each table of which a target was completed, by the table's name; the JSON is small.

    `objects`, `changed` and `deleted` are sums over `contexts`, the names of those that are complete: each with its own
    and the `resource_version` of its snapshot, and with the `scope` where that is not all. What changed is all that did
    since the target was last complete, in earlier runs, too. `not_complete` has the outcome of the others. Each names
    the first hundred; `left_out` is how many they lack.

    Kinds without a declaration share a table, which one of them does not make fresh: there is nothing of it here.
    """
    of_tables: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["kind"] in KINDS:
            of_tables.setdefault(KINDS[row["kind"]].table, []).append(_with_untold(row))
    return {
        table: _fresh(of_table)
        for table, of_table in of_tables.items()
        if any(row["outcome"] == Outcome.COMPLETE for row in of_table)
    }


def _with_untold(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an attempt changed that was not complete has not been told: the next one that is may find nothing more."""
    return {**row, **{name: row[name] + row.get(f"{name}_before", 0) for name in ("changed", "deleted")}}


def _fresh(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    complete = [row for row in rows if row["outcome"] == Outcome.COMPLETE]
    others = [row for row in rows if row["outcome"] != Outcome.COMPLETE]
    contexts = {
        row["context_name"]: {
            **{name: row[name] for name in (*_COUNTS, "resource_version")},
            **({"scope": row["scope"]} if row["scope"] != "all" else {}),
        }
        for row in complete[:_MOST_CONTEXTS]
    }
    return {
        **{name: sum(row[name] for row in complete) for name in _COUNTS},
        "contexts": contexts,
        "not_complete": {row["context_name"]: row["outcome"] for row in others[:_MOST_CONTEXTS]},
        "left_out": max(len(complete) - _MOST_CONTEXTS, 0) + max(len(others) - _MOST_CONTEXTS, 0),
    }


def failed(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows that make the run fail; a forbidden or absent kind that nobody named does not."""
    return [row for row in rows if Outcome(row["outcome"]).verdict(named=row["named"]) in (Verdict.FAIL, Verdict.RETRY)]


def worst_first(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """`MOST` of the rows: all of them in their order, or of more those of the worst outcomes."""
    if len(rows) <= MOST:
        return list(rows)
    return sorted(rows, key=lambda row: -Outcome(row["outcome"]).severity)[:MOST]


def at_most(found: Sequence[str], what: str, *, most: int = MOST) -> list[str]:
    """So many, and how many more there are."""
    left_out = [f"and {len(found) - most:,} more {what}: see k8s_sync_runs"] if len(found) > most else []
    return [*found[:most], *left_out]


def lines(
    rows: Sequence[Mapping[str, Any]], *, warnings: Sequence[str] = (), width: int = 110, by_family: bool = False
) -> str:
    """The rows as a table, of each target or of the families of each context; below it, what to do about each target
    that is not complete, and what warnings there are: those of the targets, after others that are given."""
    text = StringIO()
    Console(file=text, width=width, color_system=None).print(_of_families(rows) if by_family else _of_targets(rows))
    text.writelines(f"{each}\n" for each in at_most([*map(_said, _problems(rows))], "that are not complete"))
    of_rows = (warning for row in rows for warning in (row["warning"] or "").splitlines())
    warned = [f"Warning: {printable(warning)}" for warning in (*warnings, *of_rows)]
    text.writelines(f"{each}\n" for each in at_most(warned, "warnings"))
    return text.getvalue()


def _said(problem: tuple[Mapping[str, Any], str]) -> str:
    row, whose = problem
    said = printable(f"{row['context_name']} · {whose}: {row['outcome']}") + f"\n  {printable(row['error'])}"
    return f"{said}\n  {row['what_to_do']}" if row["what_to_do"] else said


def _table(*names: str, numbers: Sequence[str] = ()) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in names:
        table.add_column(title, overflow="fold")
    for title in numbers:
        table.add_column(title, justify="right", overflow="fold")
    return table


def _of_targets(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("context", "kind", "outcome", numbers=(*_COUNTS, "seconds"))
    for row in rows:
        seconds = f"{row['seconds']:.1f}" if row["seconds"] is not None else ""
        names = (Text(printable(row[name])) for name in ("context_name", "kind", "outcome"))
        table.add_row(*names, *(str(row[name]) for name in _COUNTS), seconds)
    return table


def _of_families(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("context", "family", numbers=("complete", *_COUNTS))
    of_families: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        of_families.setdefault((row["context_name"], _FAMILY_OF.get(row["kind"], CUSTOM)), []).append(row)
    for (context, family), found in of_families.items():
        complete = sum(row["outcome"] == Outcome.COMPLETE for row in found)
        counts = (str(sum(row[name] for row in found if row["kind"] != CUSTOM)) for name in _COUNTS)
        table.add_row(Text(printable(context)), family, f"{complete} of {len(found)}", *counts)
    return table


def changes(found: Sequence[Mapping[str, Any]], *, width: int = 110, most: int | None = None) -> str:
    """What `Store.changes_of_run` has found, a line for what was done to objects of a kind; no more than `most`."""
    sorts: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in found:
        sorts.setdefault((row["context_name"], row["kind"], row["group"], row["change"]), []).append(row)
    table = _table("context", "kind", "change", "objects")
    for (context, kind, _, change), rows in list(sorts.items())[:most]:
        left_out = rows[0]["changes"] - len(rows)
        named = [_changed(row) for row in rows] + ([f"and {left_out} more"] if left_out else [])
        table.add_row(*(Text(printable(each)) for each in (context, kind, change, ", ".join(named))))
    text = StringIO()
    Console(file=text, width=width, color_system=None).print(table)
    if most is not None and len(sorts) > most:
        text.write(f"and {len(sorts) - most} more such lines\n")
    return text.getvalue()


def _changed(row: Mapping[str, Any]) -> str:
    name = f"{row['namespace']}/{row['name']}" if row["namespace"] else row["name"]
    columns = [each for each in row["columns"] or () if each not in _SAYING_LITTLE] or row["columns"]
    return f"{name} ({', '.join(columns)})" if columns else name


def note(rows: Sequence[Mapping[str, Any]], *, warnings: Sequence[str] = (), most: int = 1000) -> str:
    """The same in Markdown, and short: how much is complete, what is not and why, and what changed.

    At most so many characters. What comes from outside is in code spans, so that none of it is markup.
    """
    complete = [row for row in rows if row["outcome"] == Outcome.COMPLETE]
    lacking = {row["context_name"] for row in rows if row["outcome"] != Outcome.COMPLETE}
    whole = {row["context_name"] for row in rows} - lacking
    objects, changed, deleted = (sum(row[name] for row in rows if row["kind"] != CUSTOM) for name in _COUNTS)
    said = f"**{len(complete)} of {len(rows)} targets are complete.** {objects} objects"
    said += f", {changed} changed, {deleted} deleted." if changed or deleted else "; nothing changed."
    sections = (
        ("Not complete", _lacking(rows)),
        ("Changed", _most_changed(rows)),
        ("Complete", [in_markdown(name) for name in sorted(whole)]),
        ("Warnings", [in_markdown(each, most=160) for each in warnings]),
    )
    for title, found in sections:
        if found:
            said += bulleted(title, found, most=most - len(said))
    return said


def bulleted(title: str, lines: Sequence[str], *, most: int) -> str:
    """A list in Markdown, of as many of the lines as there is room for; the last one says how many are left out."""
    text = f"\n\n{title}:"
    if most < len(text) + 50:
        return ""
    for at, line in enumerate(lines):
        rest = f"\n- and {len(lines) - at} more"
        if len(text) + len(line) + 3 > most - (len(rest) if at + 1 < len(lines) else 0):
            return text + rest
        text += f"\n- {line}"
    return text


def _lacking(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is not complete, by context and outcome, the worst first, with the first error."""
    alike: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["outcome"] != Outcome.COMPLETE:
            alike.setdefault((row["context_name"], row["outcome"]), []).append(row)
    by_severity = sorted(alike.items(), key=lambda item: (-Outcome(item[0][1]).severity, item[0]))
    return [_lack(context, outcome, of_one) for (context, outcome), of_one in by_severity]


def _lack(context: str, outcome: str, rows: Sequence[Mapping[str, Any]]) -> str:
    kinds = ", ".join(in_markdown(row["kind"], most=40) for row in rows[:2])
    more = f" and {len(rows) - 2} more" if len(rows) > 2 else ""
    error = min((row["error"] or "" for row in rows), key=len)
    why = f": {in_markdown(error, most=160)}" if error else ""
    return f"{in_markdown(context)} {outcome}: {kinds}{more}{why}"


def _most_changed(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    changed = [row for row in rows if row["changed"] or row["deleted"]]
    return [
        f"{in_markdown(row['context_name'])} {in_markdown(row['kind'], most=40)}: {row['changed']} changed, "
        f"{row['deleted']} deleted"
        for row in sorted(changed, key=lambda row: row["changed"] + row["deleted"], reverse=True)
    ]


def _problems(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Each row that is not complete and its kind. What is wrong with a context as a whole is said once, by the kind
    that found it: of the others it says so, and more."""
    of_contexts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["whole_context"]:
            of_contexts.setdefault((row["context_name"], row["outcome"]), []).append(row)
    for row in rows:
        alike = of_contexts.get((row["context_name"], row["outcome"]), []) if row["whole_context"] else [row]
        if row["outcome"] != Outcome.COMPLETE and row is alike[0]:
            first = min(alike, key=lambda each: len(each["error"] or ""))
            yield first, row["kind"] if len(alike) == 1 else f"all of {len(alike)} kinds"
