"""Differences that people can read: scalars as from and to, JSON as the lines that differ."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from k8s_inventory.kinds import CUSTOM_OBJECTS, NAMES, Kind
from k8s_inventory.web.reading import Row, Rows, Snapshot

MOST_LATER = 3_000
"""Later changes that are gone through for the values after those that are shown."""
MOST_BYTES = 16_000_000
"""Of the values of a page of changes, of later ones, and of rows: objects may be large, and change often."""
MOST_LINES = 60
LONGEST_LINE = 200
"""Characters up to which a value stands on one line."""
LONGEST_TEXT = 20_000
"""Characters of a value that are compared and shown."""
UNKNOWN = object()
"""Stands for a value that is not known: it was made unreadable by new rules, or lies beyond what is gone through."""

_NEVER_SHOWN = frozenset({"made_of", "resource_version", "generation", "observed_generation"})
"""They differ with every write, and say nothing more."""


@dataclass(frozen=True)
class Difference:
    """One column: `lines` of a unified difference where it is more than a word, else `old` and `new`."""

    column: str
    old: str
    new: str
    lines: tuple[tuple[str, str], ...] = ()
    left_out: int = 0


def text_of(value: object) -> str:
    if value is UNKNOWN:
        return "not known"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        words = ", ".join(map(str, value)) or "none"
        return words if len(words) <= LONGEST_LINE else as_yaml(value)
    if isinstance(value, dict | list):
        return as_yaml(value)
    return str(value)


def as_yaml(value: object) -> str:
    """JSON as YAML, cut where it gets too long: what is beyond is not even written."""
    left = [LONGEST_TEXT]
    begun = _begun(value, left)
    text = yaml.dump(begun, Dumper=_DUMPER, default_flow_style=False, sort_keys=True, allow_unicode=True, width=10_000)
    text = text.removesuffix("\n...\n").rstrip("\n")
    return text if left[0] > 0 and len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}\n… and more"


def _begun(value: object, left: list[int]) -> object:
    """So much of a value as has `left` characters, in the order in which it is written."""
    if isinstance(value, dict):
        made = {}
        for key in sorted(value):
            if left[0] <= 0:
                break
            left[0] -= len(key)
            made[key] = _begun(value[key], left)
        return made
    if isinstance(value, list):
        listed = []
        for each in value:
            if left[0] <= 0:
                break
            listed.append(_begun(each, left))
        return listed
    if isinstance(value, str):
        value = value[: max(left[0], 0) + 1]
        left[0] -= len(value)
    left[0] -= 1
    return value


_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def difference(column: str, old: object, new: object) -> Difference:
    before, after = text_of(old), text_of(new)
    is_map = isinstance(old, dict) and isinstance(new, dict)
    is_long = is_map or "\n" in before + after or max(len(before), len(after)) > LONGEST_LINE
    if not is_long or old is UNKNOWN or new is UNKNOWN:
        return Difference(column, before[: 2 * LONGEST_LINE], after[: 2 * LONGEST_LINE])
    # Of labels and the like each line tells for itself, and its neighbours say nothing.
    is_flat = not any(
        isinstance(each, dict | list) for value in (old, new) if isinstance(value, dict) for each in value.values()
    )
    compared = difflib.unified_diff(
        before.splitlines(), after.splitlines(), lineterm="", n=0 if is_map and is_flat else 2
    )
    lines = [line for line in compared if not line.startswith(("---", "+++"))]
    if is_map and is_flat:
        lines = [line for line in lines if not line.startswith("@")]
    marked = tuple((line[:1], line[1:] if line[:1] != "@" else "⋯") for line in lines[:MOST_LINES])
    return Difference(column, "", "", marked, max(len(lines) - MOST_LINES, 0))


def table_of(group: str, plural: str) -> Kind:
    return NAMES.get(f"{plural}.{group}" if group else plural, CUSTOM_OBJECTS)


def with_differences(changes: Rows, snapshot: Snapshot) -> Rows:
    """The changes, each with its `differences`: the value after one is what the next one took away, or that of now; not
    known where it is not followed by all that came then (`is_followed`)."""
    updated = [each for each in changes if each["change"] == "updated"]
    later: dict[tuple[Any, ...], Rows] = {}
    is_cut = False  # what the rows of now hold may then be of a change that is not gone through
    if updated:
        uids = sorted({each["uid"] for each in updated})
        since = min(each["seen_at"] for each in updated)
        values = {"uids": uids, "since": since, "limit": MOST_LATER + 1, "bytes": MOST_BYTES}
        rows = snapshot.rows("changes_later", values)
        is_cut = len(rows) > MOST_LATER
        for row in rows:
            later.setdefault(_object(row), []).append(row)
    now = {} if is_cut else _rows_now(updated, snapshot)
    for change in changes:
        change["differences"] = []
        for column in sorted(set(change["columns"] or ()) - _NEVER_SHOWN):
            before = (change["old"] or {}).get(column, UNKNOWN)
            after = _after(change, column, later.get(_object(change), []), now.get(_object(change)))
            if before is UNKNOWN and change["change"] != "updated":
                continue
            change["differences"].append(difference(column, before, after))
    return changes


def _object(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["context_name"], row["plural"], row["group"], row["uid"])


def _after(change: Row, column: str, later: Rows, now: Mapping[str, Any] | None) -> object:
    if not change["is_followed"]:
        return UNKNOWN
    for each in later:
        if each["seen_at"] <= change["seen_at"]:
            continue
        if column in (each["columns"] or ()) or each["change"] == "deleted":
            return (each["old"] or {}).get(column, UNKNOWN)
    return UNKNOWN if now is None else now.get(column, UNKNOWN)


def _rows_now(changes: Rows, snapshot: Snapshot) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    by_kind: dict[str, Rows] = {}
    for each in changes:
        by_kind.setdefault(table_of(each["group"], each["plural"]).name, []).append(each)
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for rows in by_kind.values():
        kind = table_of(rows[0]["group"], rows[0]["plural"])
        values = {
            "contexts": sorted({each["context_name"] for each in rows}),
            "uids": sorted({each["uid"] for each in rows}),
            "limit": len(rows) * 2,
            "bytes": MOST_BYTES,
        }
        for row in snapshot.rows("rows_now", values, kind=kind):
            for each in rows:
                if (each["context_name"], each["uid"]) == (row["context_name"], row["uid"]):
                    found[_object(each)] = row["row_now"]
    return found
