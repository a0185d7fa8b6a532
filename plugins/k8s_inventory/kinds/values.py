"""What the columns of several kinds are computed with.

Each function takes the decoded object (or, for a column with a path, the value there) and returns the column's value.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

objects = msgspec.json.Decoder(list[dict[str, Any]] | None)
texts = msgspec.json.Decoder(dict[str, str] | None)


def object_or_empty(raw: msgspec.Raw) -> bytes:
    value = bytes(raw)
    return value if value.startswith(b"{") else b"{}"


def array_or_empty(raw: msgspec.Raw) -> bytes:
    value = bytes(raw)
    return value if value.startswith(b"[") else b"[]"


def names(containers: Any) -> list[str]:
    return [each.name or "" for each in containers or ()]


def images(containers: Any) -> list[str]:
    return [each.image or "" for each in containers or ()]


def objects_at(path: str, field: str) -> Callable[[Any], Any]:
    """The values of one field in a list of objects, those that have one, each once."""
    get = attrgetter(path)
    return lambda item: list(dict.fromkeys(each[field] for each in objects.decode(get(item)) or () if each.get(field)))


def int_or_string(path: str) -> Callable[[Any], Any]:
    """IntOrString of k8s.io/apimachinery, as text."""
    get = attrgetter(path)

    def text(item: Any) -> str | None:
        value = msgspec.json.decode(get(item))
        return None if value is None else str(value)

    return text


def condition(item: Any, of_type: str) -> Any:
    return next((each for each in item.status.conditions or () if each.type == of_type), None)


def holds(item: Any, of_type: str) -> bool:
    found = condition(item, of_type)
    return found is not None and found.status == "True"


def condition_part(of_type: str, part: str) -> Callable[[Any], Any]:
    return lambda item: getattr(condition(item, of_type), part, None)


_LONGEST_NAME = 500
"""Characters: an index of PostgreSQL takes 2,704 bytes, and what answers may be no API server."""


def stored_name(text: str | None) -> str:
    """A name, as it is stored. One that is not stored whole ends in U+FFFD, and is never asked for."""
    if text is None or len(text) <= _LONGEST_NAME:
        return text or ""
    return f"{text[:_LONGEST_NAME]}\ufffd"
