"""Takes out of an object what an inventory must not hold, and what PostgreSQL can not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
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
_NUL = rb"\u0000"
_ENV = b'"env":'
_LITERAL = re.compile(rb'"value":"(?:[^"\\]|\\.)*"')
_REDACTED_LITERAL = b'"value":' + msgspec.json.encode(REDACTED)


def redact_env(value: bytes, arrays: Iterable[msgspec.Raw], keep: tuple[str, ...] = ()) -> bytes:
    """`value` with the literal values of these `env` arrays, parts of it, replaced by `REDACTED`.

    Variables whose names match a pattern of `keep` stay. Arrays are replaced as text, which can hit no string by
    accident: within a JSON string quotes are escaped.
    """
    originals = list(map(bytes, arrays))
    for original in dict.fromkeys(originals):
        redacted = _redacted(original, keep)
        if redacted is None:
            continue
        pieces = value.split(_ENV + original)  # and join: half the time of replace()
        if len(pieces) > originals.count(original):
            value = (_ENV + redacted).join(pieces)
        else:  # JSON that is not just as Kubernetes writes it: with a space before the array, say
            value = value.replace(original, redacted)
    return value


@lru_cache(1024)
def _redacted(env: bytes, keep: tuple[str, ...]) -> bytes | None:
    """None where there is nothing to redact. Pods of one template have the same array, which is worth remembering."""
    if b'"value"' not in env:
        return None
    if not keep:
        redacted, replaced = _LITERAL.subn(_REDACTED_LITERAL, env)
        if replaced == env.count(b'"value"'):
            return redacted
    variables = _raw_env.decode(env)
    for variable in variables:
        if "value" in variable and not is_kept(msgspec.json.decode(variable.get("name", b'""')), keep):
            variable["value"] = _REDACTED_RAW
    return msgspec.json.encode(variables)


def is_kept(name: Any, keep: tuple[str, ...]) -> bool:
    """Whether a name matches one of the patterns."""
    return any(fnmatchcase(str(name), pattern) for pattern in keep)


def redact_values(value: bytes, fields: Iterable[str]) -> bytes:
    """`value`, an object, with the values of the maps in these fields of it replaced by `REDACTED`."""
    decoded = _raw_fields.decode(value) or {}
    for field in fields:
        values = _raw_fields.decode(decoded.get(field, b"null"))
        if values:
            decoded[field] = msgspec.Raw(msgspec.json.encode(dict.fromkeys(values, REDACTED)))
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


def holds_nul(sql_type: str, values: Sequence[Any]) -> bool:
    """Whether a column of these values holds U+0000. Looking for it here takes a fifth of what it takes in the page."""
    present: Iterator[Any] = filter(None, values)
    if sql_type == "jsonb":
        whole = b"".join(present)
        return b"\\" in whole and _NUL in whole
    if sql_type == "text[]":
        present = map("".join, present)
    elif sql_type != "text":
        return False
    return "\0" in "".join(present)


def storable(body: bytes) -> bytes:
    """JSON with U+0000, which PostgreSQL refuses, as U+FFFD, the replacement character of Unicode.

    https://www.postgresql.org/docs/current/datatype-json.html names what jsonb refuses.
    """
    if _NUL not in body:
        return body
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[0] == rb"\u0000" else escape[0], body)
