"""The way by rules: what the user has taken out of objects, beside what always is: environment values, labels,
annotations, any path, and all but what a list keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from k8s_inventory.collector.jsonpath import Place, compile_places
from k8s_inventory.collector.redaction.carried import objects_within, redact_env_within
from k8s_inventory.collector.redaction.policy import NAMED_FIELDS, Redaction, is_kept
from k8s_inventory.collector.redaction.strict import Keeper
from k8s_inventory.credentials import REDACTED
from k8s_inventory.kinds import Kind

_NOT_REACHED = {"apiVersion", "kind", "metadata"}


class ByRule:
    """Applies the whole of a redaction to objects of one kind. `unmatched` are its paths that led nowhere so far."""

    def __init__(self, redaction: Redaction, kind: Kind) -> None:
        self.unmatched = set(redaction.paths)
        self._redaction = redaction
        self._has_env = redaction.env and bool(kind.redacted_env or kind.shared_by or kind.raw_json)
        self._finders = {path: compile_places(path) for path in redaction.paths}
        self._leaves = list(_leaves(kind))
        self._keeper = Keeper(
            redaction.fields,
            keeps_env=lambda name: is_kept(name, redaction.keep_env),
            passed_over=kind.redacted_values,  # the decoder's to redact, once digests and sizes are made of them
        )
        self._meant = [_fields(str(column.path)) for column in kind.columns if column.default is not None]
        self._not_text = {leaf.path for leaf in self._leaves if leaf.type not in ("jsonb", "text", "text[]")}

    def __call__(self, raw: bytes) -> tuple[bytes, bytes]:
        """The object twice: as it is kept, with `REDACTED` in each place, and as typed columns are read from it,
        without the places that a typed column could not take that for."""
        value = msgspec.json.decode(raw)
        metadata = value.get("metadata") or {}
        metadata.pop("managedFields", None)  # never stored, and half of what there is to walk through
        if self._redaction.by_name or not self._redaction.fields:
            for each in objects_within(value):
                _filter_metadata(each.get("metadata"), self._redaction)
                if self._has_env:
                    redact_env_within(each, self._redaction.keep_env)
        named = {field: metadata[field] for field in NAMED_FIELDS if field in metadata}
        reachable = {**{name: each for name, each in value.items() if name not in _NOT_REACHED}, "metadata": named}
        unfit = self._redact(reachable)
        reachable["metadata"] = named
        for field, each in named.items():
            if each == REDACTED and isinstance(metadata[field], dict):  # as a whole: their keys stay
                named[field] = dict.fromkeys(metadata[field], REDACTED)
        if self._redaction.fields:
            unfit += [place for place in self._keeper(reachable) if place[2] in self._not_text]
        value |= {**reachable, "metadata": {**metadata, **named}}
        kept = msgspec.json.encode(value)
        if not unfit:
            return kept, kept
        for holder, key, path in sorted(unfit, key=lambda place: (isinstance(place[1], int), place[1]), reverse=True):
            unknown = _unknown(path, self._meant)
            if unknown is _ABSENT:
                del holder[key]
            else:
                holder[key] = unknown
        value |= {name: each for name, each in reachable.items() if name not in _NOT_REACHED}
        for name in value.keys() - reachable.keys() - _NOT_REACHED:
            del value[name]
        return kept, msgspec.json.encode(value)

    def _redact(self, reachable: dict[str, Any]) -> list[Place]:
        """Redacts where the paths lead; returns the places that a typed column could not take that for."""
        places = self._places(reachable)
        originals = [holder[key] for holder, key, _ in places]
        for holder, key, _ in places:
            holder[key] = REDACTED
        return [
            place
            for place, original in zip(places, originals, strict=True)
            if any(_is_unfit(place[2], original, place[0], leaf) for leaf in self._leaves)
        ]

    def _places(self, reachable: dict[str, Any]) -> list[Place]:
        """Where the paths lead, each place once."""
        places: dict[tuple[int, Any], Place] = {}
        for path, find in self._finders.items():
            found = find(reachable)
            places |= {(id(place[0]), place[1]): place for place in found}
            if found:
                self.unmatched.discard(path)
        return list(places.values())


@dataclass(frozen=True)
class _Leaf:
    """A field that typed columns are read from; `as_it_is` unless something is computed from it."""

    path: tuple[str, ...]
    type: str
    as_it_is: bool


def _leaves(kind: Kind) -> Iterator[_Leaf]:
    for column in kind.columns:
        if column.path is not None and column.name not in kind.rest:
            yield _Leaf(_fields(column.path), column.type, column.is_as_read)
        for need in column.needs:
            path, _, sql_type = need.partition(":")
            yield _Leaf(_fields(path), sql_type or "text", False)


def _fields(path: str) -> tuple[str, ...]:
    return tuple(step.rstrip("[]?") for step in path.split("."))


_ABSENT: Any = object()


def _unknown(path: tuple[str, ...], meant: Sequence[tuple[str, ...]]) -> Any:
    """What says that a value is not known where its absence would mean something: null, however deep that stands."""
    if path in meant:
        return None
    within = {each[: len(path) + 1] for each in meant if each[: len(path)] == path}
    return {each[-1]: _unknown(each, meant) for each in within} or _ABSENT


def _is_unfit(path: tuple[str, ...], original: Any, holder: Any, leaf: _Leaf) -> bool:
    """Whether a text in this place would keep the column from being read."""
    if path == leaf.path:
        fits = leaf.type == "jsonb" or (leaf.type == "text[]" and isinstance(holder, list)) or leaf.type == "text"
        return not (fits and leaf.as_it_is)
    if path[: len(leaf.path)] == leaf.path:
        return not leaf.as_it_is and not isinstance(original, str)
    return leaf.path[: len(path)] == path


def _filter_metadata(metadata: Any, redaction: Redaction) -> None:
    if not isinstance(metadata, dict):
        return
    for field in NAMED_FIELDS:
        keep, drop = getattr(redaction, f"keep_{field}"), getattr(redaction, f"drop_{field}")
        if (keep or drop) and isinstance(metadata.get(field), dict):
            metadata[field] = {
                name: value
                for name, value in metadata[field].items()
                if (not keep or is_kept(name, keep)) and not is_kept(name, drop)
            }
