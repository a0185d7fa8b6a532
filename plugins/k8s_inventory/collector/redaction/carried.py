"""Objects that others carry: pod templates and Secrets, anywhere in an object of a kind that nobody declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from k8s_inventory.collector.redaction.copies import is_copy, is_known_copy, is_plain, may_hold_copies
from k8s_inventory.collector.redaction.policy import Redaction, is_kept
from k8s_inventory.credentials import REDACTED


def redact_carried(value: bytes, fields: Mapping[str, msgspec.Raw], redaction: Redaction, *, embedded: bool) -> bytes:
    """`value`, an object of these `fields`, with `REDACTED` for what it carries.

    If it is a Secret: its values; their keys stay. Where objects of this kind may have other objects `embedded`, so do
    the values of any Secret in it, the literal values of every environment, and every text that is a copy.

    Secrets are listed by their metadata alone, and a list that holds one in the place of another kind is refused.
    This is for what has their data under another name: custom resources that wrap them, copies in another group,
    aggregated APIs that serve them. A Secret is what calls itself one (`kind`, of whatever group), an item of a
    SecretList, and an item of whatever list that has the shape of one: a `type`, and a map of texts as its data.
    """
    may_be = "type" in fields and ("data" in fields or "stringData" in fields)
    may_hold = embedded and _may_hold_secrets(value)
    may_copy = embedded and may_hold_copies(value)
    has_env = embedded and redaction.env and (b'env"' in value or b'Env"' in value)
    other_env = b'Env"' in value
    if not (may_be or may_hold or may_copy or has_env):
        return value
    decoded = msgspec.json.decode(value)
    count = _redact_secrets(decoded, embedded=may_hold) if may_be or may_hold else 0
    for each in objects_within(decoded) if may_copy or has_env else ():
        if has_env and ("env" in each or other_env):
            count += redact_env_within(each, redaction.keep_env)
        if may_copy:
            count += _redact_copies(each, redaction)
    return msgspec.json.encode(decoded) if count else value


def redact_templates(value: bytes, keep: tuple[str, ...] = ()) -> bytes:
    """`value` with the literal values of every list named `env` in it replaced by `REDACTED`, however deep."""
    if b'"env"' not in value:
        return value
    decoded = msgspec.json.decode(value)
    for each in objects_within(decoded):
        _redact_env(each.get("env"), keep)
    return msgspec.json.encode(decoded)


def _redact_secrets(decoded: Any, *, embedded: bool) -> int:
    secrets = [decoded] if _has_the_shape(decoded) else []
    for each in objects_within(decoded) if embedded else ():
        if each.get("kind") == "Secret":
            secrets.append(each)
        elif each.get("kind") == "SecretList" and isinstance(each.get("items"), list):
            secrets += [item for item in each["items"] if isinstance(item, dict)]
    for each in secrets:
        for field in _SECRET_DATA:
            if (found := each.get(field)) is not None:
                each[field] = dict.fromkeys(found, REDACTED) if isinstance(found, dict) else REDACTED
        if isinstance(annotations := (each.get("metadata") or {}).get("annotations"), dict):
            for name, text in annotations.items():
                if is_known_copy(name) or not (isinstance(text, str) and is_plain(text)):
                    annotations[name] = REDACTED
    return len(secrets)


def _redact_copies(holder: dict[str, Any], redaction: Redaction) -> int:
    """The texts of an object, and of the lists in it."""
    count = 0
    for key, value in holder.items():
        if isinstance(value, str):
            if is_known_copy(key) or is_copy(value, redaction):
                holder[key] = REDACTED
                count += 1
        elif isinstance(value, list):
            for each in lists_within(value):
                for index, text in enumerate(each):
                    if isinstance(text, str) and is_copy(text, redaction):
                        each[index] = REDACTED
                        count += 1
    return count


def lists_within(value: list[Any]) -> Iterator[list[Any]]:
    """A list, and the lists in it that stand in no object."""
    left = [value]
    while left:
        one = left.pop()
        yield one
        left += [each for each in one if isinstance(each, list)]


def redact_copies_in_annotations(value: bytes, redaction: Redaction) -> tuple[bytes, int]:
    """JSON with `REDACTED` for each annotation in it, of templates, that is a copy; and how many are."""
    if b'"annotations"' not in value or not may_hold_copies(value):
        return value, 0
    decoded = msgspec.json.decode(value)
    held = [each["annotations"] for each in objects_within(decoded) if isinstance(each.get("annotations"), dict)]
    count = sum([_redact_copies(each, redaction) for each in held])
    return (msgspec.json.encode(decoded) if count else value), count


def redact_annotations(values: list[bytes], redaction: Redaction, *, of_secrets: bool) -> tuple[list[bytes], int]:
    """JSON objects of annotations with `REDACTED` for each that is a copy, and how many are.

    Those `of_secrets` stay only where they are plain.
    """
    joined = b"\n".join(values)
    if not (of_secrets or may_hold_copies(joined)):
        return values, 0
    made, count = [], 0
    for value in values:
        annotations = _annotations.decode(value)
        copies = [
            name
            for name, text in annotations.items()
            if is_known_copy(name)
            or (isinstance(text, str) and is_copy(text, redaction))
            or (of_secrets and not (isinstance(text, str) and is_plain(text)))
        ]
        annotations |= dict.fromkeys(copies, REDACTED)
        made.append(msgspec.json.encode(annotations) if copies else value)
        count += len(copies)
    return made, count


_annotations = msgspec.json.Decoder(dict[str, Any])
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


def redact_env_within(holder: dict[str, Any], keep: tuple[str, ...]) -> int:
    """Redacts the literal values of an object's environment, and says how many there were.

    `env` is a list of variables (`name` and `value`, or `NAME=value` in one text) or a map of them; so is what has a
    name that ends so, `extraEnv`.
    """
    count = _redact_env(holder.get("env"), keep)
    for field in [each for each in holder if each[-3:] == "Env"]:
        count += _redact_env(holder[field], keep)
    return count


def _redact_env(env: Any, keep: tuple[str, ...]) -> int:
    count = 0
    if isinstance(env, dict):
        for name, value in env.items():
            if is_kept(name, keep):
                continue
            if isinstance(value, dict):
                count += _redact_variable(value)
            elif value is not None and not isinstance(value, list):
                env[name] = REDACTED
                count += 1
    for index, variable in enumerate(env) if isinstance(env, list) else ():
        if isinstance(variable, dict):
            count += 0 if is_kept(variable.get("name"), keep) else _redact_variable(variable)
        elif isinstance(variable, str):
            name, is_literal, _ = variable.partition("=")
            if is_literal and not is_kept(name, keep):
                env[index] = f"{name}={REDACTED}"
                count += 1
    return count


def _redact_variable(variable: dict[str, Any]) -> int:
    if variable.get("value") is None:
        return 0
    variable["value"] = REDACTED
    return 1
