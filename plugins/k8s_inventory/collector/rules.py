"""What the user has taken out of objects, beside what always is: environment values, labels, annotations, any path, and
all but what a list keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from k8s_inventory.collector.jsonpath import JSONPathError, Place, compile_places
from k8s_inventory.collector.redact import is_kept
from k8s_inventory.collector.strict import Keeper
from k8s_inventory.credentials import REDACTED
from k8s_inventory.kinds import Kind

_NAMED_FIELDS = ("labels", "annotations")
"""The only metadata that may be redacted: by the rest of it rows are told apart."""

_NAMED = [[field] for field in _NAMED_FIELDS]
_NOT_REACHED = {"apiVersion", "kind", "metadata"}


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


class Redactor:
    """Applies the whole of a redaction to objects of one kind. `unmatched` are its paths that led nowhere so far."""

    def __init__(self, redaction: Redaction, kind: Kind) -> None:
        self.unmatched = set(redaction.paths)
        self._redaction = redaction
        self._finders = {path: compile_places(path) for path in redaction.paths}
        self._leaves = list(_leaves(kind))
        self._keeper = Keeper(
            redaction.fields,
            keeps_env=lambda name: is_kept(name, redaction.keep_env),
            passed_over=kind.redacted_values,  # the decoder's to redact, once digests and sizes are made of them
        )
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
                if self._redaction.env:
                    _redact_env(each.get("env"), self._redaction.keep_env)
        named = {field: metadata[field] for field in _NAMED_FIELDS if field in metadata}
        reachable = {**{name: each for name, each in value.items() if name not in _NOT_REACHED}, "metadata": named}
        unfit = self._redact(reachable)
        reachable["metadata"] = named
        for field, each in named.items():
            if each == REDACTED and isinstance(metadata[field], dict):  # as a whole: their keys stay
                named[field] = dict.fromkeys(metadata[field], REDACTED)
        if self._redaction.fields:
            unfit += [(holder, key) for holder, key, path in self._keeper(reachable) if path in self._not_text]
        value |= {**reachable, "metadata": {**metadata, **named}}
        kept = msgspec.json.encode(value)
        if not unfit:
            return kept, kept
        for holder, key in sorted(unfit, key=lambda place: (isinstance(place[1], int), place[1]), reverse=True):
            del holder[key]
        for name in value.keys() - reachable.keys() - _NOT_REACHED:
            del value[name]
        return kept, msgspec.json.encode(value)

    def _redact(self, reachable: dict[str, Any]) -> list[tuple[Any, Any]]:
        """Redacts where the paths lead; returns the holders and keys that a typed column could not take that for."""
        places = self._places(reachable)
        originals = [holder[key] for holder, key, _ in places]
        for holder, key, _ in places:
            holder[key] = REDACTED
        return [
            (holder, key)
            for (holder, key, path), original in zip(places, originals, strict=True)
            if any(_is_unfit(path, original, holder, leaf) for leaf in self._leaves)
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


def _is_unfit(path: tuple[str, ...], original: Any, holder: Any, leaf: _Leaf) -> bool:
    """Whether a text in this place would keep the column from being read."""
    if path == leaf.path:
        fits = leaf.type == "jsonb" or (leaf.type == "text[]" and isinstance(holder, list)) or leaf.type == "text"
        return not (fits and leaf.as_it_is)
    if path[: len(leaf.path)] == leaf.path:
        return not leaf.as_it_is and not isinstance(original, str)
    return leaf.path[: len(path)] == path


def redact_templates(value: bytes, keep: tuple[str, ...] = ()) -> bytes:
    """`value` with the literal values of every list named `env` in it replaced by `REDACTED`, however deep.

    For objects of kinds that nobody declared: they may hold pod templates anywhere. Names of `keep` are left alone.
    """
    if b'"env"' not in value:
        return value
    decoded = msgspec.json.decode(value)
    for each in objects_within(decoded):
        _redact_env(each.get("env"), keep)
    return msgspec.json.encode(decoded)


def redact_secrets(value: bytes, fields: Mapping[str, msgspec.Raw], *, embedded: bool) -> bytes:
    """`value`, an object of these `fields`, with its values replaced by `REDACTED` if it is a Secret; their keys stay.
    So are those of any Secret in it, where objects of this kind may have other objects `embedded`.

    Secrets are listed by their metadata alone, and a list that holds one in the place of another kind is refused.
    This is for what has their data under another name: custom resources that wrap them, copies in another group,
    aggregated APIs that serve them. A Secret is what calls itself one (`kind`, of whatever group), an item of a
    SecretList, and an item of whatever list that has the shape of one: a `type`, and a map of texts as its data.
    """
    may_be = "type" in fields and ("data" in fields or "stringData" in fields)
    if not (may_be or (embedded and _may_hold_secrets(value))):
        return value
    decoded = msgspec.json.decode(value)
    secrets = [decoded] if may_be and _has_the_shape(decoded) else []
    for each in objects_within(decoded) if embedded else ():
        if each.get("kind") == "Secret":
            secrets.append(each)
        elif each.get("kind") == "SecretList" and isinstance(each.get("items"), list):
            secrets += [item for item in each["items"] if isinstance(item, dict)]
    for each in secrets:
        for field in _SECRET_DATA:
            if (found := each.get(field)) is not None:
                each[field] = dict.fromkeys(found, REDACTED) if isinstance(found, dict) else REDACTED
    return msgspec.json.encode(decoded) if secrets else value


_SECRET_DATA = ("data", "stringData")
_SECRET = re.compile(rb"[S]ecret")  # found a third faster so than by `in`
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


def _may_hold_secrets(value: bytes) -> bool:
    """A look at the text, which takes a tenth of what decoding it does. Names may be written with escapes."""
    if b"\\" in value and _ESCAPED_LETTER.search(value):
        return True
    return bool(_SECRET.search(value)) and (b'"data"' in value or b'"stringData"' in value)


def _has_the_shape(value: dict[str, Any]) -> bool:
    maps = [value[field] for field in _SECRET_DATA if value.get(field) is not None]
    return (
        isinstance(value.get("type"), str)
        and bool(maps)
        and all(isinstance(each, dict) and all(isinstance(text, str) for text in each.values()) for each in maps)
    )


def objects_within(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in a value, itself included."""
    left = [value]
    while left:  # not recursive: an object may be nested deeper than Python's stack
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _redact_env(env: Any, keep: tuple[str, ...]) -> None:
    for variable in env if isinstance(env, list) else ():
        is_literal = isinstance(variable, dict) and "name" in variable and variable.get("value") is not None
        if is_literal and not is_kept(variable["name"], keep):
            variable["value"] = REDACTED


def _filter_metadata(metadata: Any, redaction: Redaction) -> None:
    if not isinstance(metadata, dict):
        return
    for field in _NAMED_FIELDS:
        keep, drop = getattr(redaction, f"keep_{field}"), getattr(redaction, f"drop_{field}")
        if (keep or drop) and isinstance(metadata.get(field), dict):
            metadata[field] = {
                name: value
                for name, value in metadata[field].items()
                if (not keep or is_kept(name, keep)) and not is_kept(name, drop)
            }
