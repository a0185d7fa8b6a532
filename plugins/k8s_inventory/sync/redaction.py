"""What the settings take out of the objects of a kind."""

from __future__ import annotations

from fnmatch import fnmatchcase

from k8s_inventory.collector import Redaction, kept_fields
from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.settings import Settings

_DECLARED = {name for kind in KINDS.values() for name in kind.aliases}
"""`services` means these names' own kinds, as in `resources`: not a custom kind that has one of them, too."""


def redaction_of(settings: Settings, kind: Kind) -> Redaction:
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
