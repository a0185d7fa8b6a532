"""Which contexts and which kinds a run is about; refuses what is not there before anything is touched."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from k8s_inventory.kinds import FAMILIES, KINDS, NAMES, Kind
from k8s_inventory.settings import Settings

MOST_TASKS = 1024
"""Airflow's `max_map_length`: the longest list that one mapped task may expand over."""


class PlanError(Exception):
    """The user named a context or kind that there is not; the message lists those there are."""


@dataclass(frozen=True)
class Entry:
    """Kinds that one task of a context takes: a family, or what the user wrote. `name` is what it is called."""

    name: str
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Selection:
    """What to read. `named` are the kinds that the user asked for by their own name: their lack is a failure."""

    contexts: tuple[str, ...]
    entries: tuple[Entry, ...]
    named: frozenset[str]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(kind for entry in self.entries for kind in entry.kinds)

    def tasks(self, *, most: int) -> list[dict[str, Any]]:
        """What each mapped task is given: a context and entry, or above `most` of them all kinds of a context.

        `{"label": "context · entry", "targets": [[context, kind], ...], "named": [kind, ...]}`
        """
        entries = self.entries
        if len(self.contexts) * len(entries) > most:
            entries = (Entry("all", self.kinds),)
        if len(self.contexts) * len(entries) > MOST_TASKS:
            raise PlanError(
                f"{len(self.contexts)} contexts are more than Airflow maps ({MOST_TASKS}): name fewer in `contexts`, "
                "in several runs, or in several DAGs"
            )
        return [
            {
                "label": f"{context} · {entry.name}",
                "targets": [[context, kind.name] for kind in entry.kinds],
                "named": [kind.name for kind in entry.kinds if kind.name in self.named],
            }
            for context in self.contexts
            for entry in entries
        ]


def select(settings: Settings, configured: Collection[str]) -> Selection:
    """The contexts and kinds that the settings choose. Raises `PlanError` for what is not known."""
    if not configured:
        raise PlanError("no context is configured: the kubeconfig holds none")
    contexts = settings.contexts
    unknown = [name for name in contexts or [] if name not in configured]
    if unknown:
        close = {name: name for name in configured}
        raise PlanError(f"unknown context {_listed(unknown, close)}; there is {', '.join(sorted(configured))}")
    entries, named = _entries(settings.resources or [])
    return Selection(tuple(contexts if contexts is not None else configured), entries, named)


def _entries(resources: Sequence[str]) -> tuple[tuple[Entry, ...], frozenset[str]]:
    """What to read, each kind once: those named come as entries of their own, not in their family's."""
    words = [word.lower() for word in resources]
    chosen = [word for word in words if not word.startswith("-")]
    found = {word: _meant(word.removeprefix("-")) for word in words}
    unknown = [word.removeprefix("-") for word, kinds in found.items() if not kinds]
    if unknown:
        close = {**{family: family for family in FAMILIES}, **{alias: kind.name for alias, kind in NAMES.items()}}
        raise PlanError(
            f"unknown resource {_listed(unknown, close)}; known are the families {', '.join(FAMILIES)} and the kinds "
            f"{', '.join(KINDS)}"
        )
    out = {kind.name for word in words if word.startswith("-") for kind in found[word]}
    named = {NAMES[word].name for word in chosen if word in NAMES and word not in FAMILIES} - out
    entries: dict[str, tuple[Kind, ...]] = {}
    taken = set(out)
    families = [word for word in chosen if word in FAMILIES] if chosen else list(FAMILIES)
    for word in [*(each for each in chosen if each not in FAMILIES), *families]:
        kinds = [kind for kind in _meant(word) if kind.name not in taken]
        if word in FAMILIES:
            entries[word] = tuple(kinds)
        else:
            entries.update({kind.name: (kind,) for kind in kinds})
        taken |= {kind.name for kind in kinds}
    made = tuple(Entry(name, kinds) for name, kinds in entries.items() if kinds)
    if not made:
        raise PlanError("resources: what is excluded leaves no kind to read")
    return made, frozenset(named)


def _meant(word: str) -> tuple[Kind, ...]:
    """The kinds that a word stands for: a family, a spelling of a kind, or a pattern that spellings match."""
    if word in FAMILIES:
        return FAMILIES[word]
    if word in NAMES:
        return (NAMES[word],)
    if not set(word) & set("*?["):
        return ()
    return tuple(dict.fromkeys(kind for alias, kind in NAMES.items() if fnmatchcase(alias, word)))


def _listed(unknown: Sequence[str], known: Mapping[str, str]) -> str:
    """Each unknown name, with the name that the closest of the known spellings stands for."""
    parts = []
    for name in unknown:
        close = difflib.get_close_matches(name.lower(), list(known), n=1)
        parts.append(f"{name!r}" + (f" (did you mean {known[close[0]]!r}?)" if close else ""))
    return ", ".join(parts)
