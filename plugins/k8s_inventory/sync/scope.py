"""What part of a kind the settings have read: some namespaces, some labels, some fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from k8s_inventory.kinds import NAMES, Kind
from k8s_inventory.settings import Settings, is_pattern
from k8s_inventory.store import Coverage


@dataclass(frozen=True)
class Scope:
    """`namespaces` are names, patterns and exclusions (`-name`); None stands for all, read at once."""

    namespaces: tuple[str, ...] | None = None
    label_selector: str = ""
    field_selector: str = ""

    def coverage(self, namespace: str | None = None) -> Coverage:
        """What one listing is about: of one namespace, or of all at once."""
        return Coverage(namespace, self.label_selector, self.field_selector)

    @property
    def needs_namespaces(self) -> bool:
        """Whether it takes a list of all namespaces to know which are meant."""
        return any(word.startswith("-") or is_pattern(word) for word in self.namespaces or ())

    def names(self, live: Sequence[str] | None) -> list[str]:
        """The namespaces that are meant, of those there are; where these are not known, those that are named."""
        words = self.namespaces or ()
        if live is None:
            return list(words)
        wanted = [word for word in words if not word.startswith("-")] or ["*"]
        unwanted = [word[1:] for word in words if word.startswith("-")]
        return [
            name
            for name in live
            if any(fnmatchcase(name, word) for word in wanted) and not any(fnmatchcase(name, word) for word in unwanted)
        ]

    def __str__(self) -> str:
        words = [f"namespaces {','.join(self.namespaces)}"] if self.namespaces is not None else []
        return "; ".join((*words, *(f"{name} {value}" for name, value in self.coverage().selectors.items()))) or "all"


def scope_of(settings: Settings, kind: Kind) -> Scope:
    """The part of the settings that concerns this kind."""
    return Scope(
        namespaces=tuple(settings.namespaces) if settings.namespaces and kind.namespaced else None,
        label_selector=_of_kind(settings.label_selectors, kind),
        field_selector=_of_kind(settings.field_selectors, kind),
    )


def _of_kind(selectors: dict[str, str], kind: Kind) -> str:
    for word, selector in selectors.items():
        word = word.lower()
        if word == kind.name or (word in NAMES and NAMES[word].name == kind.name):
            return selector
    return ""
