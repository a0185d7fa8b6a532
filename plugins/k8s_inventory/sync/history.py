"""What the history leaves out: differences that are no change of an object, by a rule of its kind or of the user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from k8s_inventory.collector import fields_of_path
from k8s_inventory.kinds import Kind
from k8s_inventory.settings import Settings
from k8s_inventory.store import Ignored


def ignored(settings: Settings, kind: Kind) -> Ignored | None:
    """By column, the paths that the history leaves out of this kind; None where it leaves out all."""
    if not (settings.history_days and kind.has_history):
        return None
    rules = (rule.partition(":") for rule in settings.history_ignore)
    paths = [path for word, _, path in rules if any(fnmatchcase(name, word.lower()) for name in kind.aliases)]
    return _by_column(kind, [*(kind.noise if settings.history_ignore_noise else ()), *paths])


def _by_column(kind: Kind, paths: Iterable[str]) -> dict[str, list[Sequence[str]]]:
    found: dict[str, list[Sequence[str]]] = {}
    for steps in map(fields_of_path, paths):
        for column in kind.columns:
            sources = [_steps(each) for each in ((column.path,) if column.path else column.needs)]
            if column.name == "data" and "data" in kind.rest:  # all fields that have no column
                found.setdefault(column.name, []).append(steps)
            elif sources and all(_covers(steps, source) for source in sources):
                found[column.name] = []
            elif column.path and column.type == "jsonb" and _covers(sources[0], steps) and found.get(column.name) != []:
                found.setdefault(column.name, []).append(steps[len(sources[0]) :])
    return found


def _covers(path: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the other is the path, or leads on from it."""
    return list(other[: len(path)]) == list(path)


def _steps(path: str) -> list[str]:
    """Of a path of a declaration."""
    return path.partition(":")[0].replace("?", "").replace("[]", ".*").split(".")
