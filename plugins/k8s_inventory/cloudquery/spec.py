"""The `spec` of the source. One JSON schema says what it may be: to `cloudquery validate-config`, and to a sync.

The schema is that of the settings, narrowed to what JSON has types for: a number in quotes is text. The CLI is written
in Go, whose expressions know no lookahead, and only ASCII by `\\s`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from k8s_inventory.known_secrets import learn_kubeconfig
from k8s_inventory.settings import (
    AIRFLOW_ONLY,
    NAMESPACE,
    NOT_IN_SELECTORS,
    Settings,
    SettingsError,
    refuse_unknown_keys,
)

_BLANK = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What `str.strip` takes away, between brackets of an expression."""

_DATABASE_URL = rf"^[{_BLANK}]*$|^postgres(ql)?://|="
_NULL = {"type": "null"}
_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
_CALLED = {"string": "text", "array": "a list of texts", "object": "a mapping of texts"}


@cache
def json_schema() -> dict[str, Any]:
    """The settings, without those that mean something to Airflow alone. Each may be null: it is then as if left out."""
    schema = Settings.model_json_schema()
    schema["properties"] = {
        name: _narrowed(name, found) for name, found in schema["properties"].items() if name not in AIRFLOW_ONLY
    }
    schema["description"] = "Spec of the k8s-inventory source; each setting also by its environment variable."
    schema["allOf"] = [{"not": _both(privacy="strict", **{name: value})} for name, value in _NOT_STRICT.items()]
    return schema


_NOT_STRICT = {"redact_env": False, "config_map_values": True}


def _both(**values: Any) -> dict[str, Any]:
    return {"required": list(values), "properties": {name: {"const": value} for name, value in values.items()}}


def _narrowed(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """A setting's schema, with what its validators take beside its type, and refuse of it."""
    said = {key: found[key] for key in ("title", "description", "default") if key in found}
    kinds = found.get("anyOf") or [{key: value for key, value in found.items() if key not in said}]
    kinds = [each for kind in kinds if kind != _NULL for each in _alternatives(name, kind, found)]
    return {**said, "anyOf": [*kinds, _NULL]}


def _alternatives(name: str, kind: dict[str, Any], found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if kind["type"] == "array":
        names: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
        words: dict[str, Any] = {"type": "string"}
        if name == "namespaces":
            word = f"[{_BLANK}]*({NAMESPACE})?[{_BLANK}]*"
            names["items"]["pattern"], words["pattern"] = f"^({word})$", f"^{word}(,{word})*$"
        if found.get("default") is None:  # what stands for all where it is left out may not be empty
            names["contains"], words["allOf"] = {"pattern": f"[^{_BLANK}]"}, [{"pattern": f"[^,{_BLANK}]"}]
        yield from (names, words)
    elif kind["type"] == "object":
        yield {**kind, "additionalProperties": {"type": "string", "not": {"pattern": NOT_IN_SELECTORS}}}
    else:
        yield {**kind, "pattern": _DATABASE_URL} if name == "database_url" else kind


def load(spec: bytes) -> Settings:
    """The settings from a spec, as the CLI sends it, and the environment. Raises `SettingsError`."""
    given = _mapping(spec)
    learn_kubeconfig(given)
    foreign = sorted(AIRFLOW_ONLY & given.keys())
    if foreign:
        raise SettingsError(f"spec: {', '.join(foreign)}: of use to Airflow alone")
    try:
        refuse_unknown_keys(given, Settings.model_fields)
        _refuse_other_types(given)
        return Settings.load({name: _listed(name, value) for name, value in given.items()})
    except SettingsError as error:
        raise SettingsError(str(error).replace("settings:", "spec:", 1)) from None


def _mapping(spec: bytes) -> dict[str, Any]:
    try:
        given = json.loads(spec or b"null", parse_float=_number, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise SettingsError("spec: not JSON") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise SettingsError("spec: must be a mapping of settings")
    return given


def _number(text: str) -> int | float:
    """1.0 is an integer to JSON schemas, and Go writes large ones as 1e+21."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _refused(constant: str) -> None:
    raise ValueError(constant)


def _refuse_other_types(given: Mapping[str, Any]) -> None:
    """Raises `SettingsError` for values that are of no type that the schema has for them; none is repeated."""
    problems = []
    for name, value in given.items():
        kinds = json_schema()["properties"][name]["anyOf"]
        if not any(_is_of(value, kind) for kind in kinds):
            types = [kind["type"] for kind in kinds if kind != _NULL]
            problems.append(f"{name}: must be {' or '.join(_CALLED.get(each, each) for each in types)}")
        elif name == "database_url" and value and not re.search(_DATABASE_URL, value):
            problems.append(f"{name}: DATABASE_URL is malformed")
    if problems:
        raise SettingsError("settings: " + "; ".join(problems))


def _is_of(value: Any, kind: Mapping[str, Any]) -> bool:
    if type(value) not in _TYPES[kind["type"]]:  # of Python's types, bool is an int
        return False
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return all(isinstance(each, str) for each in parts)


def _listed(name: str, value: Any) -> Any:
    """Words that are separated by commas, as a list; what looks like JSON is none: the spec is JSON already."""
    takes_list = any(kind["type"] == "array" for kind in json_schema()["properties"][name]["anyOf"])
    return [word.strip() for word in value.split(",")] if takes_list and isinstance(value, str) else value
