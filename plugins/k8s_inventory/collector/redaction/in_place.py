"""The fast way: what is redacted by default is found in an object as bytes, in its place; nothing is taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from k8s_inventory.collector.redaction.policy import is_kept
from k8s_inventory.credentials import REDACTED
from k8s_inventory.decoders import decoder

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LAST_APPLIED = LAST_APPLIED.encode()

_raw_env = decoder(list[dict[str, msgspec.Raw]])
_raw_fields = decoder(dict[str, msgspec.Raw] | None)
_REDACTED_RAW = msgspec.Raw(msgspec.json.encode(REDACTED))

_ENV = b'"env":'
_LITERAL = re.compile(rb'"value":"(?:[^"\\]++|\\.)*+"')
_REDACTED_LITERAL = b'"value":' + msgspec.json.encode(REDACTED)


def redact_env(value: bytes, arrays: Iterable[msgspec.Raw], keep: tuple[str, ...] = ()) -> tuple[bytes, int]:
    """`value` with the literal values of these `env` arrays, parts of it, replaced by `REDACTED`; and how many were.

    Variables whose names match a pattern of `keep` stay. Arrays are replaced as text, which can hit no string by
    accident: within a JSON string quotes are escaped.
    """
    originals = list(map(bytes, arrays))
    count = 0
    for original in dict.fromkeys(originals):
        redacted, replaced = (_remembered if len(original) <= _LONGEST_REMEMBERED else _redacted)(original, keep)
        if not replaced:
            continue
        times = originals.count(original)
        count += replaced * times
        pieces = value.split(_ENV + original)  # and join: half the time of replace()
        # JSON that is not just as Kubernetes writes it, with a space before the array say, has not as many.
        is_usual = len(pieces) > times
        value = (_ENV + redacted).join(pieces) if is_usual else value.replace(original, redacted)
    return value, count


def _redacted(env: bytes, keep: tuple[str, ...]) -> tuple[bytes, int]:
    """An array redacted, and in how many places."""
    if b'"value"' not in env:
        return env, 0
    if not keep:
        redacted, replaced = _LITERAL.subn(_REDACTED_LITERAL, env)
        if replaced == env.count(b'"value"'):
            return redacted, replaced
    variables = _raw_env.decode(env)
    replaced = 0
    for variable in variables:
        if "value" in variable and not is_kept(msgspec.json.decode(variable.get("name", b'""')), keep):
            variable["value"] = _REDACTED_RAW
            replaced += 1
    return msgspec.json.encode(variables), replaced


_remembered = lru_cache(1024)(_redacted)
"""Pods of one template have the same array, which is worth remembering."""

_LONGEST_REMEMBERED = 16_384


def redact_values(value: bytes, fields: Iterable[str]) -> bytes:
    """`value`, an object, with the values of the maps in these fields of it replaced by `REDACTED`."""
    decoded = _raw_fields.decode(value) or {}
    for field in fields:
        raw = bytes(decoded.get(field, b"null"))
        if raw[:1] not in b"{n":  # no map at all
            decoded[field] = _REDACTED_RAW
            continue
        values = _raw_fields.decode(raw)
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


_MARK = REDACTED.encode()


def count_redacted(text: bytes) -> int:
    """How often `REDACTED` stands there. Servers send `<` as an escape, so that each is one of ours, or nearly so."""
    found, at = 0, text.find(b"<")
    while at >= 0:
        found += text.startswith(_MARK, at)
        at = text.find(b"<", at + 1)
    return found
