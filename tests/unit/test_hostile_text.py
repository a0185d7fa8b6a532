"""What is looked for in a stranger's text takes time in proportion to it."""

from __future__ import annotations

import json
import time

import pytest

from k8s_inventory.collector.storable import is_unstorable, storable
from k8s_inventory.credentials import without_userinfo
from k8s_inventory.kinds.quantities import quantity

TEXTS = {
    "backslashes": "https://u:x" + "\\" * 200_000,
    "backslashes before a host": "https://u:x" + "\\" * 200_000 + "\x01@host",
    "schemes": "://u:x/" * 40_000,
    "escaped slashes": ":\\\\/\\\\" * 40_000,
    "users": "://u@" * 40_000,
    "digits": "9" * 9_999 + "e1" * 100_000,
}


@pytest.mark.parametrize("text", TEXTS)
def test_userinfo_is_looked_for_in_linear_time(text: str) -> None:
    whole = TEXTS[text]
    within = json.dumps([whole, "a@b"])
    start = time.monotonic()
    without_userinfo(whole)
    for each in (within, json.dumps([within])):
        is_unstorable("jsonb", [each.encode()], raw=True)
        storable(each.encode())
    assert time.monotonic() - start < 15  # a few tenths of a second; what is quadratic takes minutes


@pytest.mark.parametrize(
    "text", ["https://u:x\\\\\\y@host", "https:\\/\\/u:x\\/y@host", "https://u:p\\?\\\\#@host", "https://u:p\\@host"]
)
def test_backslashes_hide_no_userinfo(text: str) -> None:
    assert "u:" not in without_userinfo(text)
    assert b"u:" not in storable(json.dumps(text).encode())
    assert b"u:" not in storable(json.dumps(json.dumps(text)).encode())


def test_numbers_of_too_many_digits_are_not_kept() -> None:
    body = b'{"a":1e-20000,"b":"1e-20000","c":[-1E+99999,1.5e3,' + b"9" * 20_000 + b'],"1e99999":1e308}'
    assert is_unstorable("jsonb", [body], raw=True)
    out = "<number out of range>"
    assert json.loads(storable(body)) == {"a": out, "b": "1e-20000", "c": [out, 1500, out], "1e99999": 1e308}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e30", "1" + "0" * 30),
        ("9" * 40, "9" * 40),
        ("1" + "0" * 30 + "Ki", "1024" + "0" * 30),
        ("1e999", "1" + "0" * 999),
    ],
)
def test_large_quantities_keep_all_their_digits(text: str, number: str) -> None:
    assert f"{quantity(text):f}" == number


def test_a_quantity_that_is_too_long_is_none() -> None:
    assert quantity("9" * 1001) is None
