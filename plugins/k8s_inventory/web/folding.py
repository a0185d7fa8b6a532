"""Spec and status as YAML that folds: what is long stands behind its key."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8s_inventory.web.differences import as_yaml

LONG = 5
"""Lines from which on a value is folded."""
DEEPEST = 4
MOST = 400
"""Folds of a value; what comes after stands as it is."""
MOST_ENTRIES = 2_000
MOST_TEXT = 400_000
"""Entries of a value, and characters of them, that are shown."""


@dataclass
class Fold:
    """`text` is what stands there as it is; `children` are what it holds."""

    key: str
    about: str = ""
    text: str = ""
    children: list[Fold] = field(default_factory=list)


@dataclass
class _Left:
    folds: int = MOST
    entries: int = MOST_ENTRIES
    text: int = MOST_TEXT


def folded(value: object, depth: int = 0, left: _Left | None = None) -> list[Fold]:
    """The entries of a mapping or list."""
    left = left or _Left()
    if isinstance(value, dict):
        entries = [(str(key), each) for key, each in sorted(value.items(), key=lambda pair: str(pair[0]))]
    elif isinstance(value, list):
        entries = [(_name(index, each), each) for index, each in enumerate(value)]
    else:
        return [Fold("", text=as_yaml(value))]
    made: list[Fold] = []
    for place, (key, each) in enumerate(entries):
        if left.entries <= 0 or left.text <= 0:
            made.append(Fold("", text=f"… and {len(entries) - place} more"))
            break
        text = as_yaml(each)
        left.entries -= 1
        left.text -= len(text)
        lines = text.count("\n") + 1
        if not isinstance(each, dict | list) or not each:
            made.append(Fold(key, text=text))
        elif lines <= LONG or depth >= DEEPEST or left.folds <= 0:
            made.append(Fold(key, f"{lines} lines" if lines > 1 else "", text=text))
        else:
            left.folds -= 1
            size = f"{len(each)} {'entries' if isinstance(each, list) else 'fields'}"
            made.append(Fold(key, size, children=folded(each, depth + 1, left)))
    return made


def _name(index: int, value: object) -> str:
    """Of an element of a list: what it is told apart by, where it has that."""
    if isinstance(value, dict):
        for key in ("name", "type", "key", "ip"):
            if isinstance(value.get(key), str):
                return f"- {value[key][:80]}"
    return f"- [{index}]"
