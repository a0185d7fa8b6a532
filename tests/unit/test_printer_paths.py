"""What bounds the paths of printer columns. Where they lead to is in the test of printer columns."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from k8s_inventory.collector.jsonpath import JSONPathError, PathTooLong
from k8s_inventory.collector.printer_paths import compile_cell

LONG = 1000
WORST_PATHS = [
    "." + "a" * 200_000,
    "..a" * 60_000,
    "['" + "a." * 100_000 + "']",
    "[" + "a," * (LONG // 2 - 1) + "[",
    "[" + "a," * (LONG // 2 - 2) + "a]",
    "[" + " " * (LONG - 1),
    "['" + "\\\\" * (LONG // 2 - 2) + "x",
    "[?(@" + " " * (LONG - 4),
    "[?(@" + "<" * 400 + " " * 400 + "\nx)]",
    "[?(" + ") " * (LONG // 2 - 2),
    "[?(@[?(@" * 100,
    ".a" * (LONG // 2),
    "{" * LONG,
]
WORST_PATHS += [".a}{" * (LONG // 4), "}{" * (LONG // 2), ".a['" + "[?(@" * 200, ".a" + "[?(@.a)]" * 120]


@pytest.mark.parametrize("path", WORST_PATHS, ids=[each[:12] for each in WORST_PATHS])
def test_no_path_takes_long_to_refuse_or_to_read(path: str) -> None:
    start = time.process_time()
    with suppress(JSONPathError):
        compile_cell(path)({"a": [{"a": 1}]}, lambda count: None)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(("path", "problem"), [("." + "a" * LONG, "1000 characters"), (".a" * 51, "50 steps")])
def test_what_is_too_long_a_path_says_so(path: str, problem: str) -> None:
    with pytest.raises(PathTooLong, match=problem):
        compile_cell(path)


def _chain(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


class Enough(Exception):
    pass


def _spender(values: int) -> Callable[[int], None]:
    left = [values]

    def spend(count: int) -> None:
        left[0] -= count
        if left[0] < 0:
            raise Enough

    return spend


@pytest.mark.parametrize(
    "path",
    ["..a..a..a..b", "...*...*...*.b", "..a..a[?(@..a..b)]..b", ".a..a..a['b','c']", "..a..a[0]", "...*...*[0]"],
)
def test_looking_for_the_first_ends_where_it_is_told_to(path: str) -> None:
    value, find = _chain(300), compile_cell(path)
    start = time.process_time()
    with pytest.raises(Enough):
        find(value, _spender(500))
    assert time.process_time() - start < 0.5


def test_the_children_of_one_value_count_before_they_are_looked_at() -> None:
    with pytest.raises(Enough):
        compile_cell(".*")(dict.fromkeys(map(str, range(100_000)), 1), _spender(1000))


def test_the_first_is_found_without_looking_further() -> None:
    assert compile_cell("..a..a..a..a")(_chain(300), _spender(50)) == [_chain(296)]
    assert compile_cell(".spec.none")({"spec": {}}, _spender(50)) == []
