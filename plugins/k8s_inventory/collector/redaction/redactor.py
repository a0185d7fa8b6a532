"""The one way into redaction: what a decoder has done to the objects of its kind, fast or by rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from k8s_inventory.collector.redaction.by_rule import ByRule
from k8s_inventory.collector.redaction.carried import (
    redact_annotations,
    redact_carried,
    redact_copies_in_annotations,
    redact_templates,
)
from k8s_inventory.collector.redaction.copies import holds_packed
from k8s_inventory.collector.redaction.in_place import (
    count_redacted,
    drop_last_applied,
    holds_last_applied,
    redact_env,
    redact_values,
)
from k8s_inventory.collector.redaction.policy import Redaction
from k8s_inventory.kinds import Kind

Dropper = Callable[[bytes], bytes]

_CLAIM = b'"volumeClaimTemplate"'

_MOST_SEARCHED = 1 << 26
"""Bytes that are searched for the literal values of an object; where there is more to search, it is taken apart."""


class Redactor:
    """Applies a redaction to the objects of one kind.

    `env_of` are the lists of containers whose environment is redacted where it stands: the decoder finds the arrays.
    """

    def __init__(self, redaction: Redaction, kind: Kind) -> None:
        self._rules = ByRule(redaction, kind) if redaction.by_rule else None
        self._keep_env = redaction.keep_env
        self._redaction = redaction
        self._of_secrets = kind.kind == "Secret"
        self._carries = bool(kind.shared_by) or kind.raw_json
        self._has_templates = any("emplate" in path for path in kind.redacted_env)
        is_flat = kind.rest == ("data",)
        self._of_pods = {"data" if is_flat else path.partition(".")[0] for path in kind.redacted_env}
        in_place = redaction.env and self._rules is None
        self._values = () if redaction.config_map_values else kind.redacted_values
        self.env_of = kind.redacted_env if in_place else ()

    @property
    def by_rule(self) -> bool:
        """Whether what is kept of an object is another than what its typed columns are read from."""
        return self._rules is not None

    @property
    def takes_apart(self) -> bool:
        """Whether it is given objects as a `whole`."""
        return self._carries or self.by_rule

    @property
    def unmatched(self) -> set[str]:
        """The paths of the redaction that led nowhere so far."""
        return self._rules.unmatched if self._rules else set()

    def of_page(self, body: bytes) -> Dropper | None:
        """What to drop from the fields of objects of this page."""
        return drop_last_applied if holds_last_applied(body) else None

    def whole(self, value: bytes, fields: Mapping[str, msgspec.Raw]) -> tuple[bytes, bytes]:
        """An object of these `fields` twice: as it is kept, and as typed columns are read from it."""
        kept = redact_carried(value, fields, self._redaction, embedded=self._carries)
        return self._rules(kept) if self._rules else (kept, kept)

    def field(self, name: str, value: bytes, env: Sequence[msgspec.Raw], drop: Dropper | None) -> tuple[bytes, int]:
        """The field of this name, kept whole, with these `env` arrays in it; and how many values went."""
        count = 0
        if not env:
            pass
        elif len(env) * len(value) < _MOST_SEARCHED:
            value, count = redact_env(value, env, self._keep_env)
        else:
            value = redact_templates(value, self._keep_env)
            count = count_redacted(value)
        if self._values:
            value = redact_values(value, self._values)
        if name in self._of_pods and (self._has_templates or _CLAIM in value):
            value, copies = redact_copies_in_annotations(value, self._redaction)
            count += copies
        return (drop(value) if drop else value), count

    def annotations(self, values: list[bytes]) -> tuple[list[bytes], int]:
        """The annotations of some objects, JSON, without what is a copy of an object; and how many were."""
        return redact_annotations(values, self._redaction, of_secrets=self._of_secrets)

    def labels(self, values: list[bytes]) -> tuple[list[bytes], int]:
        """The same of labels, which are too short and of too few characters for what is not packed."""
        if not holds_packed(b" ".join(dict.fromkeys(values))):
            return values, 0
        return redact_annotations(values, self._redaction, of_secrets=False)
