"""Which contexts and which kinds a run is about; refuses what is not there before anything is touched."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from k8s_inventory.collector import check_path, fields_of_path
from k8s_inventory.kinds import FAMILIES, KINDS, NAMES, Kind
from k8s_inventory.kinds.custom import CORE
from k8s_inventory.mending import cut
from k8s_inventory.printable import ReportedError, printable
from k8s_inventory.settings import Settings, is_pattern

_LONGEST_LABEL = 250
"""Characters of Airflow's `rendered_map_index`."""

_MOST_LISTED, _LONGEST_NAME = 20, 253
"""Of unknown names, and characters of each: somebody's input is not repeated at any length."""


class PlanError(ReportedError):
    """The user named a context or kind that there is not; the message lists those there are."""


ALL = "*"
"""Stands for all contexts that are configured, as in the spec of CloudQuery's own Kubernetes plugin."""

CUSTOM = "custom"
"""The family of all kinds without a declaration. Which these are, each context says."""


@dataclass(frozen=True)
class Custom:
    """Patterns that choose kinds without a declaration, by their name `plural.group`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def explicit(self) -> tuple[str, ...]:
        """What is chosen by its own name."""
        return tuple(word for word in self.include if not is_pattern(word))

    def takes(self, name: str) -> bool:
        def matches(patterns: Iterable[str]) -> bool:
            return any(fnmatchcase(name, pattern) for pattern in patterns)

        return matches(self.include) and not matches(self.exclude)


NONE = Custom()


@dataclass(frozen=True)
class Entry:
    """Kinds that one task of a context takes: a family, or what the user wrote. `name` is what it is called."""

    name: str
    kinds: tuple[Kind, ...] = ()
    custom: Custom = NONE


@dataclass(frozen=True)
class Selection:
    """What to read. `named` are the kinds that the user asked for by their own name: their lack is a failure."""

    contexts: tuple[str, ...]
    entries: tuple[Entry, ...]
    named: frozenset[str]

    @property
    def custom(self) -> Custom:
        """Everything that is chosen of the kinds without a declaration."""
        include = tuple(pattern for entry in self.entries for pattern in entry.custom.include)
        exclude = tuple(pattern for entry in self.entries for pattern in entry.custom.exclude)
        return Custom(include, tuple(pattern for pattern in exclude if is_pattern(pattern) or pattern not in include))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The declared kinds."""
        return tuple(kind for entry in self.entries for kind in entry.kinds)

    def tasks(self, *, most: int) -> list[dict[str, Any]]:
        """What each mapped task is given, of which there are no more than `most`: a context and entry; where these are
        more, all kinds of a context; where these are, too, all kinds of several.

        Tasks of one context do not follow each other: while it keeps one waiting, the next are of others.

        `{"label": "context · entry", "context": ..., "also": [context, ...], "kinds": [...], "named": [kind, ...],
        "custom": {"include": [...], "exclude": [...]}}`
        """
        entries = self.entries
        if len(self.contexts) * len(entries) > most:
            entries = (Entry("all", self.kinds, self.custom),)
        groups = min(len(self.contexts), max(most // len(entries), 1))
        return [
            {
                "label": _label(context, len(also), entry.name),
                "context": context,
                "also": list(also),
                "kinds": [kind.name for kind in entry.kinds],
                "named": [
                    name for name in (*(kind.name for kind in entry.kinds), *entry.custom.include) if name in self.named
                ],
                "custom": {"include": list(entry.custom.include), "exclude": list(entry.custom.exclude)},
            }
            for entry in entries
            for context, *also in (self.contexts[first::groups] for first in range(groups))
        ]


def contexts_of(task: Mapping[str, Any]) -> tuple[str, ...]:
    """The contexts of an entry of `Selection.tasks`."""
    return (task["context"], *task.get("also", ()))


def _label(context: str, more: int, entry: str) -> str:
    """What people know a task by, in the length that Airflow has for it."""
    rest = f"{f' and {more} more' if more else ''} · {cut(printable(entry), _LONGEST_LABEL // 2)}"
    return f"{cut(printable(context), _LONGEST_LABEL - len(rest))}{rest}"


def select(settings: Settings, configured: Collection[str]) -> Selection:
    """The contexts and kinds that the settings choose. Raises `PlanError` for what is not known."""
    if not configured:
        raise PlanError("no context is configured: the kubeconfig holds none")
    contexts = settings.contexts
    if contexts is not None:  # a blank around a name is seldom of it
        contexts = list(dict.fromkeys(name if name in configured else name.strip() for name in contexts))
    unknown = [name for name in contexts or [] if name not in configured and name != ALL]
    if unknown:
        close = {name: name for name in configured}
        raise PlanError(f"unknown context {_listed(unknown, close)}; there is {', '.join(sorted(configured))}")
    _check_rules("redact", settings.redact, check_path)
    _check_rules("history_ignore", settings.history_ignore, fields_of_path)
    for name in ("label_selectors", "field_selectors"):
        _refuse_unknown(f"kind in `{name}`:", [word for word in getattr(settings, name) if not _is_kind(word.lower())])
    entries, named = _entries(settings.resources or [])
    return Selection(tuple(configured if contexts is None or ALL in contexts else contexts), entries, named)


def _entries(resources: Sequence[str]) -> tuple[tuple[Entry, ...], frozenset[str]]:
    """What to read, each kind once: those named come as entries of their own, not in their family's."""
    words = [word.lower() for word in resources]
    chosen = [word for word in words if not word.startswith("-")]
    found = {word: _meant(word.removeprefix("-")) for word in words}
    bare = {word.removeprefix("-"): kinds for word, kinds in found.items()}
    _refuse_unknown("resource", [word for word, kinds in bare.items() if not (kinds or _is_custom(word))])
    out = {kind.name for word in words if word.startswith("-") for kind in found[word]}
    named = {NAMES[word].name for word in chosen if word in NAMES and word not in FAMILIES} - out
    excluded = [word[1:] for word in words if word.startswith("-")]
    exclude = tuple(_pattern(word) for word in excluded if "." in word or _is_custom(word))
    include = dict.fromkeys(_pattern(word) for word in chosen if _is_custom(word)) if chosen else {"*": None}
    explicit = tuple(word for word in include if not is_pattern(word) and not Custom(exclude).takes(word))
    named |= set(explicit)
    entries: dict[str, tuple[Kind, ...]] = {}
    taken = set(out)
    families = [word for word in chosen if word in FAMILIES] if chosen else list(FAMILIES)
    for word in [*(each for each in chosen if each not in (*FAMILIES, CUSTOM)), *families]:
        kinds = [kind for kind in _meant(word) if kind.name not in taken]
        if word in FAMILIES:
            entries[word] = tuple(kinds)
        else:
            entries.update({kind.name: (kind,) for kind in kinds})
        taken |= {kind.name for kind in kinds}
    made = [Entry(name, kinds) for name, kinds in entries.items() if kinds]
    made += [Entry(word, custom=Custom((word,))) for word in explicit]
    patterns = tuple(word for word in include if is_pattern(word))
    if patterns and "*" not in exclude:
        made.append(Entry(CUSTOM, custom=Custom(patterns, (*exclude, *explicit))))
    if not made:
        raise PlanError("resources: what is excluded leaves no kind to read")
    return tuple(made), frozenset(named)


def _refuse_unknown(what: str, unknown: Sequence[str]) -> None:
    if unknown:
        close = {
            **{family: family for family in (*FAMILIES, CUSTOM)},
            **{alias: kind.name for alias, kind in NAMES.items()},
        }
        raise PlanError(
            f"unknown {what} {_listed(unknown, close)}; known are the families {', '.join((*FAMILIES, CUSTOM))}, "
            f"the kinds {', '.join(KINDS)}, and every plural.group of a custom kind"
        )


def _check_rules(setting: str, rules: Sequence[str], check: Callable[[str], object]) -> None:
    """A rule that means nothing would leave in the database what it was meant to keep out."""
    for rule in rules:
        word, colon, path = rule.partition(":")
        if not (colon and word and path.strip()):
            raise PlanError(f"{setting}: {rule!r} must be kind:JSONPath, such as pods:.spec.containers[*].args")
        word = word.lower()
        is_known = _is_kind(word) or (is_pattern(word) and (_meant(word) or _is_custom(word)))
        _refuse_unknown(f"kind in `{setting}`:", [] if is_known else [word])
        try:
            check(path)
        except ValueError as error:
            raise PlanError(f"{setting}: {rule!r}: {error}") from None


def _is_kind(word: str) -> bool:
    return word in NAMES or _is_custom_name(word)


def _meant(word: str) -> tuple[Kind, ...]:
    """The kinds that a word stands for: a family, a spelling of a kind, or a pattern that spellings match."""
    if word in FAMILIES:
        return FAMILIES[word]
    if word in NAMES:
        return (NAMES[word],)
    if not is_pattern(word):
        return ()
    return tuple(dict.fromkeys(kind for alias, kind in NAMES.items() if fnmatchcase(alias, word)))


def _is_custom(word: str) -> bool:
    """Whether a word chooses kinds without a declaration: all of them, one by its name, or a pattern of names."""
    if word in (CUSTOM, "*"):
        return True
    return "." in word and not _meant(word) and (_is_custom_name(word) or is_pattern(word))


def _is_custom_name(word: str) -> bool:
    """Groups have a dot, but for the oldest of Kubernetes' own: a kind that only old clusters have there
    (podsecuritypolicies.policy) is a custom one, and a misspelt deployments.apps is none."""
    plural, _, group = word.partition(".")
    if not re.fullmatch(r"[a-z0-9]([-_.a-z0-9]*[a-z0-9])?", word) or ".." in word:
        return False
    if "." in group:
        return True
    if group == CORE and plural in NAMES:
        return False
    is_known_group = any((kind.group or CORE) == group for kind in KINDS.values())
    return is_known_group and not difflib.get_close_matches(word, list(NAMES), n=1, cutoff=0.85)


def _pattern(word: str) -> str:
    return "*" if word == CUSTOM else word


def _listed(unknown: Sequence[str], known: Mapping[str, str]) -> str:
    """The unknown names, each with the name that the closest of the known spellings stands for."""
    parts = []
    for name in unknown[:_MOST_LISTED]:
        close = difflib.get_close_matches(name.lower(), list(known), n=1)
        shown = repr(name) if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]!r}..."
        parts.append(shown + (f" (did you mean {known[close[0]]!r}?)" if close else ""))
    more = f" and {len(unknown) - _MOST_LISTED} more" if len(unknown) > _MOST_LISTED else ""
    return ", ".join(parts) + more
