"""What the settings take out of the objects of a kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from k8s_inventory.collector.jsonpath import JSONPathError, compile_places
from k8s_inventory.collector.redaction.strict import kept_fields
from k8s_inventory.kinds import KINDS, Kind

NAMED_FIELDS = ("labels", "annotations")
"""The only metadata that may be redacted: by the rest of it rows are told apart."""

_NAMED = [[field] for field in NAMED_FIELDS]


@dataclass(frozen=True)
class Redaction:
    """What of the objects of one kind is not stored. Patterns are globs.

    `keep_labels` and `keep_annotations`, where they are not empty, are all that stay; `drop_labels` and
    `drop_annotations` go in any case. `paths` are JSONPaths to values that are replaced by `REDACTED`. So are all texts
    outside of the `fields`, where there are any, and what looks like a credential in the others. With `digest_key`
    values of ConfigMaps leave a keyed digest behind.
    """

    env: bool = True
    keep_env: tuple[str, ...] = ()
    keep_labels: tuple[str, ...] = ()
    drop_labels: tuple[str, ...] = ()
    keep_annotations: tuple[str, ...] = ()
    drop_annotations: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    config_map_values: bool = False
    digest_key: bytes | None = None

    @property
    def by_rule(self) -> bool:
        """Whether objects must be taken apart for it, which costs several times what decoding does."""
        return any((self.by_name, self.paths, self.fields))

    @property
    def by_name(self) -> bool:
        """Whether some labels or annotations are dropped."""
        return any((self.keep_labels, self.drop_labels, self.keep_annotations, self.drop_annotations))


def check_path(path: str) -> None:
    """Raises `ValueError` for what is no JSONPath, or leads to what a row can not be without."""
    try:
        compile_places(path)
    except JSONPathError as error:
        raise ValueError(str(error)) from None
    fields = re.findall(r"[\w-]+", path)
    if fields[:1] in (["apiVersion"], ["kind"]) or (fields[:1] == ["metadata"] and fields[1:2] not in _NAMED):
        raise ValueError(f"{path!r}: of metadata only labels and annotations can be redacted")


def is_kept(name: Any, keep: tuple[str, ...]) -> bool:
    """Whether a name matches one of the patterns."""
    return any(fnmatchcase(str(name), pattern) for pattern in keep)


_DECLARED = {name for kind in KINDS.values() for name in kind.aliases}
"""`services` means these names' own kinds, as in `resources`: not a custom kind that has one of them, too."""


class _Key(Protocol):
    def get_secret_value(self) -> str: ...


class RedactionSettings(Protocol):
    """The settings that a redaction is made of, as `settings.Settings` has them."""

    @property
    def privacy(self) -> str: ...
    @property
    def redact_env(self) -> bool: ...
    @property
    def keep_env(self) -> Sequence[str]: ...
    @property
    def keep_labels(self) -> Sequence[str]: ...
    @property
    def drop_labels(self) -> Sequence[str]: ...
    @property
    def keep_annotations(self) -> Sequence[str]: ...
    @property
    def drop_annotations(self) -> Sequence[str]: ...
    @property
    def redact(self) -> Sequence[str]: ...
    @property
    def config_map_values(self) -> bool: ...
    @property
    def digest_key(self) -> _Key | None: ...


def redaction_of(settings: RedactionSettings, kind: Kind) -> Redaction:
    """The part of the settings that concerns this kind."""
    rules = [rule.partition(":") for rule in settings.redact]
    names = set(kind.aliases) - (_DECLARED if kind.shared_by else set())
    digest_key = settings.digest_key.get_secret_value().encode() if settings.digest_key else None
    return Redaction(
        env=settings.redact_env,
        keep_env=tuple(settings.keep_env),
        keep_labels=tuple(settings.keep_labels),
        drop_labels=tuple(settings.drop_labels),
        keep_annotations=tuple(settings.keep_annotations),
        drop_annotations=tuple(settings.drop_annotations),
        paths=tuple(path for word, _, path in rules if any(fnmatchcase(name, word.lower()) for name in names)),
        fields=kept_fields(kind) if settings.privacy == "strict" else (),
        config_map_values=settings.config_map_values,
        digest_key=digest_key if kind.redacted_values else None,
    )
