"""Takes out of an object what an inventory must not hold, and what PostgreSQL can not."""

from __future__ import annotations

import re
from typing import Any

import msgspec

REDACTED = "<redacted>"
"""Stands where a literal value was: "redacted" can be told from "absent"."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LAST_APPLIED = LAST_APPLIED.encode()

_raw_env = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_REDACTED_RAW = msgspec.Raw(msgspec.json.encode(REDACTED))

_ESCAPE = re.compile(rb"\\(?:u0000|.)")


def redact_env(value: bytes, env: msgspec.Raw) -> bytes:
    """`value` with the literal values of one container's `env`, a part of it, replaced by `REDACTED`.

    The array is replaced as text. That can hit no string by accident: within a JSON string its quotes
    would be escaped.
    """
    original = bytes(env)
    if b'"value"' not in original:
        return value
    variables = _raw_env.decode(original)
    for variable in variables:
        if "value" in variable:
            variable["value"] = _REDACTED_RAW
    return value.replace(original, msgspec.json.encode(variables))


def drop_last_applied(value: bytes) -> bytes:
    """`value` without any last-applied-configuration annotation: it can hold the data of a Secret."""
    if _LAST_APPLIED not in value:
        return value
    return msgspec.json.encode(_without_last_applied(msgspec.json.decode(value)))


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
    if b"\\u0000" not in body:
        return body
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[0] == rb"\u0000" else escape[0], body)
