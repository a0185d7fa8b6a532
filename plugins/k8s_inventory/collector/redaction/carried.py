"""Objects that others carry: pod templates and Secrets, anywhere in an object of a kind that nobody declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from k8s_inventory.collector.redaction.copies import is_copy, is_known_copy, is_plain, may_hold_copies
from k8s_inventory.collector.redaction.policy import Redaction, is_kept
from k8s_inventory.credentials import REDACTED
from k8s_inventory.decoders import decoder


def redact_carried(value: bytes, fields: Mapping[str, msgspec.Raw], redaction: Redaction, *, embedded: bool) -> bytes:
    """`value`, an object of these `fields`, with `REDACTED` for what it carries.

    If it is a Secret: its values; their keys stay. Where objects of this kind may have other objects `embedded`, so do
    the values of any Secret or ConfigMap in it, the literal values of every environment, and every text that is a copy.

    Secrets are listed by their metadata alone, and a list that holds one in the place of another kind is refused.
    This is for what has their data under another name: custom resources that wrap them, copies in another group,
    aggregated APIs that serve them. A Secret is what calls itself one (`kind`, of whatever group), an item of a
    SecretList, an item of whatever list that has the shape of one (a `type`, and a map of texts as its data), and at
    any depth what has `stringData`, or `data` and a type of Secrets.
    """
    may_be = "type" in fields and ("data" in fields or "stringData" in fields)
    may_hold = embedded and _may_hold_secrets(value)
    may_copy = embedded and may_hold_copies(value)
    has_env = embedded and redaction.env and _may_hold_env(value)
    if not (may_be or may_hold or may_copy or has_env):
        return value
    decoded = msgspec.json.decode(value)
    count = _redact_secrets(decoded, redaction, embedded=may_hold) if may_be or may_hold else 0
    for each in objects_within(decoded) if may_copy or has_env else ():
        if has_env:
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
        if "env" in each:
            _redact_env(each, "env", keep)
    return msgspec.json.encode(decoded)


def _redact_secrets(decoded: Any, redaction: Redaction, *, embedded: bool) -> int:
    found = [decoded] if _has_the_shape(decoded) else []
    for each in objects_within(decoded) if embedded else ():
        kind = _kind(each)
        if kind.endswith("List") and isinstance(each.get("items"), list):
            item_kind = kind.removesuffix("List")
            found += [
                item for item in each["items"] if isinstance(item, dict) and _has_values(item, item_kind, redaction)
            ]
        elif _has_values(each, kind, redaction):
            found.append(each)
    for each in found:
        for field in _DATA:
            if (values := each.get(field)) is not None:
                each[field] = dict.fromkeys(values, REDACTED) if isinstance(values, dict) else REDACTED
        metadata = each.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        if isinstance(annotations, dict) and _kind(each) != "ConfigMap":
            for name, text in annotations.items():
                if is_known_copy(name) or not (isinstance(text, str) and is_plain(text)):
                    annotations[name] = REDACTED
    return len(found)


def _kind(value: dict[str, Any]) -> str:
    kind = value.get("kind")
    return kind if isinstance(kind, str) else ""


def _has_values(value: dict[str, Any], kind: str, redaction: Redaction) -> bool:
    """Whether an object has what is redacted of a Secret, or of a ConfigMap where that is redacted."""
    if kind == "ConfigMap":
        return not redaction.config_map_values
    if kind == "Secret" or isinstance(value.get("stringData"), dict):
        return True
    of_type = value.get("type")
    return "data" in value and isinstance(of_type, str) and of_type.startswith(_SECRET_TYPES)


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
                texts = [index for index, text in enumerate(each) if isinstance(text, str)]
                is_lines = len(texts) > 1 and is_copy("\n".join(each[index] for index in texts), redaction)
                for index in texts:
                    if is_lines or is_copy(each[index], redaction):
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
    if not _may_hold_within(value):
        return value, 0
    decoded = msgspec.json.decode(value)
    held = [each["annotations"] for each in objects_within(decoded) if isinstance(each.get("annotations"), dict)]
    count = sum([_redact_copies(each, redaction) for each in held])
    return (msgspec.json.encode(decoded) if count else value), count


def _may_hold_within(value: bytes) -> bool:
    """Whether annotations in it may hold copies: a look at those alone, mostly the same as of the objects before."""
    at = value.find(_ANNOTATIONS)
    while at >= 0:
        at += len(_ANNOTATIONS)
        found = _FLAT.match(value, at)
        text = found[0] if found else value[at:]
        if (_remembered if len(text) <= _LONGEST_REMEMBERED else may_hold_copies)(text):
            return True
        at = value.find(_ANNOTATIONS, at + len(text))
    return False


_ANNOTATIONS = b'"annotations":'
_FLAT = re.compile(rb'\{(?:"(?:[^"\\]++|\\.)*+":"(?:[^"\\]++|\\.)*+",?)*+\}')
_remembered = lru_cache(1024)(may_hold_copies)
_LONGEST_REMEMBERED = 2048


def redact_annotations(values: list[bytes], redaction: Redaction, *, of_secrets: bool) -> tuple[list[bytes], int]:
    """JSON objects of annotations with `REDACTED` for each that is a copy, and how many are.

    Those `of_secrets` stay only where they are plain.
    """
    joined = b"\n".join(dict.fromkeys(values))
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


_annotations = decoder(dict[str, Any])
_SECRET_DATA = ("data", "stringData")
_DATA = (*_SECRET_DATA, "binaryData")
_SECRET_TYPES = ("Opaque", "kubernetes.io/", "bootstrap.kubernetes.io/", "helm.sh/")
_HELD = re.compile(rb"[SC](?:ecret|onfigMap)|\"stringData\"|Opaque|kubernetes\.io/|helm\.sh/")
_ENV_FIELD = re.compile(rb"env(?:ironment)?(?:s|[_-]?vars?|[_-]?variables?)?\"")
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


def _may_hold_secrets(value: bytes) -> bool:
    """A look at the text, which takes a tenth of what decoding it does. Names may be written with escapes."""
    if b"\\" in value and _ESCAPED_LETTER.search(value):
        return True
    return (b'"data"' in value or b'Data"' in value) and _HELD.search(value) is not None


def _may_hold_env(value: bytes) -> bool:
    if b"\\" in value and _ESCAPED_LETTER.search(value):
        return True
    lowered = value.lower()
    return b"env" in lowered and _ENV_FIELD.search(lowered) is not None


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

    `env` is a list of variables (`name` and `value`, or `NAME=value` in one text), a map of them, or lines of text; so
    is what has such a name, or one that ends so: `extraEnv`, `envVars`, `ENV`. What is called `environment` may be
    another thing: of a map there, only variables in capital letters count.
    """
    count = 0
    for field in [each for each in holder if "nv" in each or "NV" in each]:
        if names_env(field):
            count += _redact_env(holder, field, keep)
    return count


@lru_cache(4096)
def names_env(field: str) -> str | None:
    """`env` for a field that holds an environment, `environment` for one that may, by its name."""
    found = _NAMES_ENV.search(field)
    return found and found[1].lower()


_NAMES_ENV = re.compile(
    r"(?:^|(?<=[_-])|(?<=[a-z0-9])(?=E))([eE](?:nv|NV)(?:ironment|IRONMENT)?)"
    r"(?:s|S|[_-]?(?i:vars?|variables?))?$"
)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_ASSIGNED = re.compile(r"(?m)^(\s*(?:export\s+|-\s+)?([A-Za-z_][\w.-]*)\s*[=:])[^\n]*")


def _redact_env(holder: dict[str, Any], field: str, keep: tuple[str, ...]) -> int:
    env, count = holder[field], 0
    if isinstance(env, str) and "=" in env:
        redacted = _ASSIGNED.sub(lambda each: each[0] if is_kept(each[2], keep) else f"{each[1]}{REDACTED}", env)
        holder[field], count = redacted, int(redacted != env)
    elif isinstance(env, dict):
        count = _redact_variables(env, keep, any_name=names_env(field) == "env")
    for index, variable in enumerate(env) if isinstance(env, list) else ():
        if isinstance(variable, dict) and not (variable.keys() & _OF_VARIABLE):
            count += _redact_variables(variable, keep, any_name=True)
        elif isinstance(variable, dict):
            count += 0 if is_kept(variable.get("name"), keep) else _redact_variable(variable)
        elif isinstance(variable, str):
            name, is_literal, _ = variable.partition("=")
            if is_literal and not is_kept(name, keep):
                env[index] = f"{name}={REDACTED}"
                count += 1
    return count


_OF_VARIABLE = {"name", "value", "valueFrom"}


def _redact_variables(env: dict[str, Any], keep: tuple[str, ...], *, any_name: bool) -> int:
    """Of a map of variables."""
    count = 0
    for name, value in env.items():
        if is_kept(name, keep) or not (any_name or _VARIABLE.fullmatch(name)):
            continue
        if isinstance(value, dict):
            count += _redact_variable(value)
        elif value is not None:
            env[name] = REDACTED
            count += 1
    return count


def _redact_variable(variable: dict[str, Any]) -> int:
    if variable.get("value") is None:
        return 0
    variable["value"] = REDACTED
    return 1
