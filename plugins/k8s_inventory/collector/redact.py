"""Takes out of an object what an inventory must not hold, and what PostgreSQL can not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

REDACTED = "<redacted>"
"""Stands where a literal value was: "redacted" can be told from "absent"."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LAST_APPLIED = LAST_APPLIED.encode()

_raw_env = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_REDACTED_RAW = msgspec.Raw(msgspec.json.encode(REDACTED))

_ESCAPE = re.compile(rb"\\(?:u0000|.)")
_NUL = re.compile(rb"\\u0000")
_ENV = b'"env":'
_LITERAL = re.compile(rb'"value":"(?:[^"\\]|\\.)*"')
_REDACTED_LITERAL = b'"value":' + msgspec.json.encode(REDACTED)


def redact_env(value: bytes, env: msgspec.Raw) -> bytes:
    """`value` with the literal values of one container's `env`, a part of it, replaced by `REDACTED`.

    Both are replaced as text, which can hit no string by accident: within a JSON string quotes are escaped.
    Equal arrays of several containers are replaced one a call. Where the text is not just as Kubernetes writes
    it, the array is taken apart instead.
    """
    original = bytes(env)
    if b'"value"' not in original:
        return value
    values = original.count(b'"value"')
    redacted, replaced = _LITERAL.subn(_REDACTED_LITERAL, original)
    if replaced != values:
        redacted = _redact_each(original)
    at = value.find(_ENV + original)
    if at < 0:
        return value.replace(original, redacted)
    at += len(_ENV)
    return b"".join((value[:at], redacted, value[at + len(original) :]))


def _redact_each(env: bytes) -> bytes:
    variables = _raw_env.decode(env)
    for variable in variables:
        if "value" in variable:
            variable["value"] = _REDACTED_RAW
    return msgspec.json.encode(variables)


def redact_values(value: bytes, fields: Iterable[str]) -> bytes:
    """`value`, an object, with the values of the maps in these fields of it replaced by `REDACTED`."""
    decoded = _raw_fields.decode(value) or {}
    for field in fields:
        values = _raw_fields.decode(decoded.get(field, b"null"))
        if values:
            decoded[field] = msgspec.Raw(msgspec.json.encode(dict.fromkeys(values, REDACTED)))
    return msgspec.json.encode(decoded)


def redact_templates(value: bytes) -> bytes:
    """`value` with the literal values of every list named `env` in it replaced by `REDACTED`, however deep.

    For objects of kinds that nobody declared: they may hold pod templates anywhere.
    """
    if b'"env"' not in value:
        return value
    decoded = msgspec.json.decode(value)
    left = [decoded]
    while left:  # not recursive: an object may be nested deeper than Python's stack
        one = left.pop()
        if isinstance(one, dict):
            env = one.get("env")
            for variable in env if isinstance(env, list) else ():
                if isinstance(variable, dict) and "name" in variable and variable.get("value") is not None:
                    variable["value"] = REDACTED
            left += one.values()
        elif isinstance(one, list):
            left += one
    return msgspec.json.encode(decoded)


def drop_last_applied(value: bytes) -> bytes:
    """`value` without any last-applied-configuration annotation: it can hold the data of a Secret."""
    if not holds_last_applied(value):
        return value
    return msgspec.json.encode(_without_last_applied(msgspec.json.decode(value)))


def holds_last_applied(value: bytes) -> bool:
    return _LAST_APPLIED in value


def _without_last_applied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_last_applied(each) for key, each in value.items() if key != LAST_APPLIED}
    if isinstance(value, list):
        return [_without_last_applied(each) for each in value]
    return value


def storable(body: bytes) -> bytes:
    """JSON with U+0000, which PostgreSQL refuses, as U+FFFD, the replacement character of Unicode.

    https://www.postgresql.org/docs/current/datatype-json.html names what jsonb refuses.
    """
    if not _NUL.search(body):
        return body
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[0] == rb"\u0000" else escape[0], body)
