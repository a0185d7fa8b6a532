"""What is mended of a stranger's JSON, and that it takes time and memory in proportion to its size."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.mending import DEEPEST, cut, shallow, without_lone_surrogates, without_nul

TREES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


def nested(levels: int, inside: bytes = b"1") -> bytes:
    return b'{"a":' * levels + inside + b"}" * levels


@given(TREES)
def test_what_is_not_nested_deeply_stays_as_it_is(value: Any) -> None:
    body = json.dumps(value).encode()
    assert shallow(body) == without_lone_surrogates(body) == body


@pytest.mark.parametrize("levels", [DEEPEST, DEEPEST + 1, 900, 9000])
def test_what_is_nested_too_deeply_is_replaced(levels: int) -> None:
    body = b'{"items":[{"before":[[1]],"spec":' + nested(levels - 3, b'"]}\\"{"') + b',"after":{}}]}'
    found = json.loads(shallow(body))["items"][0]
    assert (found["before"], found["after"]) == ([[1]], {})
    depth, spec = 0, found["spec"]
    while isinstance(spec, dict):
        depth, spec = depth + 1, spec["a"]
    assert (depth, spec) == ((levels - 3, ']}"{') if levels <= DEEPEST else (28, "<nested too deeply>"))


@pytest.mark.parametrize("body", [b'{"a":' * 1000, b"[" * 1000 + b'"', b"]" * 1000 + b"[" * 1000])
def test_what_ends_in_the_middle_is_no_json(body: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(shallow(body))


@pytest.mark.parametrize(
    ("sent", "mended"),
    [
        (rb"\ud800", rb"\ufffd"),
        (rb"\ud83d\ude00", rb"\ud83d\ude00"),
        (rb"\ude00\ud83d", rb"\ufffd\ufffd"),
        (rb"\\ud83d\udc00", rb"\\ud83d\ufffd"),
        (rb"\\\ud83d", rb"\\\ufffd"),
        (rb"\\\\ud83d", rb"\\\\ud83d"),
        (rb"\uD83d\ud83D\uDE00", rb"\ufffd\ud83D\uDE00"),
    ],
)
def test_lone_surrogates(sent: bytes, mended: bytes) -> None:
    assert without_lone_surrogates(sent) == mended


@given(st.text(alphabet='\0\\"au0', max_size=30))
def test_nul(text: str) -> None:
    assert json.loads(without_nul(json.dumps(text).encode())) == text.replace("\0", "\ufffd")


WORST: dict[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "brackets": (shallow, b"["),
    "quotes": (shallow, b'"'),
    "escaped quotes": (shallow, rb"\""),
    "a string of escapes": (shallow, b'"' + rb"\"" * 7),
    "backslashes": (without_nul, rb"\\"),
    "NULs": (without_nul, rb"\u0000"),
    "escaped NULs": (without_nul, rb"\\u0000"),
    "surrogates": (without_lone_surrogates, rb"\ud800"),
    "pairs": (without_lone_surrogates, rb"\ud83d\ude00"),
}


@pytest.mark.parametrize("what", WORST)
@pytest.mark.parametrize("head", [b"", b'"', b"[" * 300, b"\\"])
def test_the_worst_takes_no_more_than_its_size(what: str, head: bytes) -> None:
    mend, block = WORST[what]
    start = time.process_time()
    mend(head + block * (500_000 // len(block)))
    assert time.process_time() - start < 2
    body = head + block * (30_000 // len(block))
    tracemalloc.start()
    mend(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(body)


def test_a_text_is_cut() -> None:
    assert cut("short", 5) == "short"
    assert cut("longer", 5) == "long…"
