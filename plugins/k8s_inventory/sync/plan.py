"""Which contexts and which kinds a run is about; refuses what is not there before anything is touched."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from k8s_inventory.kinds import KINDS, NAMES, Kind
from k8s_inventory.settings import Settings

MOST_TASKS = 1024
"""Airflow's `max_map_length`: the longest list that one mapped task may expand over."""


class PlanError(Exception):
    """The user named a context or kind that there is not; the message lists those there are."""


@dataclass(frozen=True)
class Selection:
    """What to read. `named` are the kinds that the user asked for by name: their lack is a failure."""

    contexts: tuple[str, ...]
    kinds: tuple[Kind, ...]
    named: bool

    def tasks(self, *, most: int) -> list[list[tuple[str, str]]]:
        """(context, kind) pairs, a list for each mapped task: one pair each, or above `most` one context each."""
        pairs = [[(context, kind.name) for kind in self.kinds] for context in self.contexts]
        single = [[pair] for of_context in pairs for pair in of_context]
        tasks = single if len(single) <= most else pairs
        if len(tasks) > MOST_TASKS:
            raise PlanError(
                f"{len(tasks)} contexts are more than Airflow maps ({MOST_TASKS}): name fewer in `contexts`, "
                "in several runs, or in several DAGs"
            )
        return tasks


def select(settings: Settings, configured: Collection[str]) -> Selection:
    """The contexts and kinds that the settings choose. Raises `PlanError` for what is not known."""
    if not configured:
        raise PlanError("no context is configured: the kubeconfig holds none")
    contexts = settings.contexts
    unknown = [name for name in contexts or [] if name not in configured]
    if unknown:
        close = {name: name for name in configured}
        raise PlanError(f"unknown context {_listed(unknown, close)}; there is {', '.join(sorted(configured))}")
    return Selection(
        contexts=tuple(contexts if contexts is not None else configured),
        kinds=tuple(KINDS.values()) if settings.resources is None else _kinds(settings.resources, NAMES),
        named=settings.resources is not None,
    )


def _kinds(resources: Sequence[str], names: Mapping[str, Kind]) -> tuple[Kind, ...]:
    unknown = [name for name in resources if name.lower() not in names]
    if unknown:
        close = {alias: kind.name for alias, kind in names.items()}
        raise PlanError(f"unknown resource {_listed(unknown, close)}; known are {', '.join(KINDS)}")
    return tuple(dict.fromkeys(names[name.lower()] for name in resources))


def _listed(unknown: Sequence[str], known: Mapping[str, str]) -> str:
    """Each unknown name, with the name that the closest of the known spellings stands for."""
    parts = []
    for name in unknown:
        close = difflib.get_close_matches(name.lower(), list(known), n=1)
        parts.append(f"{name!r}" + (f" (did you mean {known[close[0]]!r}?)" if close else ""))
    return ", ".join(parts)
