"""Objects that others carry: pod templates and Secrets, anywhere in an object of a kind that nobody declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from k8s_inventory.collector.redaction.policy import is_kept
from k8s_inventory.credentials import REDACTED


def redact_templates(value: bytes, keep: tuple[str, ...] = ()) -> bytes:
    """`value` with the literal values of every list named `env` in it replaced by `REDACTED`, however deep.

    For objects of kinds that nobody declared: they may hold pod templates anywhere. Names of `keep` are left alone.
    """
    if b'"env"' not in value:
        return value
    decoded = msgspec.json.decode(value)
    for each in objects_within(decoded):
        redact_env_of(each.get("env"), keep)
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


def redact_env_of(env: Any, keep: tuple[str, ...]) -> None:
    for variable in env if isinstance(env, list) else ():
        is_literal = isinstance(variable, dict) and "name" in variable and variable.get("value") is not None
        if is_literal and not is_kept(variable["name"], keep):
            variable["value"] = REDACTED
