"""Takes out of an object what PostgreSQL can not hold, and the userinfo of URLs, which nobody may."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from k8s_inventory.credentials import json_holds_userinfo, json_without_userinfo
from k8s_inventory.mending import holds_large_numbers, without_large_numbers, without_nul

_NUL = rb"\u0000"
_ESCAPE = re.compile(rb"\\(?:u00(?:2[fF]|3[aA]|40)|.)")
_UNESCAPED = {rb"\u002f": b"/", rb"\u003a": b":", rb"\u0040": b"@", rb"\/": b"/"}
_SUSPECT = re.compile(rb"\\u00(?:00|2[fF]|3[aA]|40)")


def is_unstorable(sql_type: str, values: Iterable[Any], *, raw: bool = False) -> bool:
    """Whether a column of these values holds what `storable` takes out. Looking for it here takes a fifth of what it
    takes in the page. Numbers are looked at only in JSON that is `raw`, which somebody else than the server wrote."""
    present: Iterator[Any] = filter(None, values)
    if sql_type == "jsonb":
        whole = b"".join(present)
        if b"\\" in whole and rb"\u00" in whole and _SUSPECT.search(whole):
            return True
        if raw and holds_large_numbers(whole):
            return True
        return b"@" in whole and json_holds_userinfo(whole)
    if sql_type == "text[]":
        present = map("\n".join, present)
    elif sql_type != "text":
        return False
    text = "\n".join(present)
    return "\0" in text or ("@" in text and json_holds_userinfo(msgspec.json.encode(text)))


def storable(body: bytes) -> bytes:
    """JSON with U+0000, which PostgreSQL refuses, as U+FFFD, the replacement character of Unicode; and without numbers
    that it refuses, and the userinfo of URLs.

    https://www.postgresql.org/docs/current/datatype-json.html names what jsonb refuses.
    """
    if _NUL in body:
        body = without_nul(body)
    if b"\\/" in body or rb"\u00" in body:
        body = _ESCAPE.sub(lambda escape: _UNESCAPED.get(escape[0].lower(), escape[0]), body)
    if holds_large_numbers(body):
        body = without_large_numbers(body)
    return json_without_userinfo(body)
