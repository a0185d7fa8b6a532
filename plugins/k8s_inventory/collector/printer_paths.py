"""The JSONPath of printer columns, as the API server reads it: to the letter, oddities and refusals included.

The rules are those of util/jsonpath of client-go (Kubernetes 1.36), which knows fields, elements, unions, filters,
fields at any depth and literals. What it answers with an error is a cell without a value there, and so it is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from k8s_inventory.collector.jsonpath import JSONPathError, PathTooLong
from k8s_inventory.kinds.declaration import LONGEST_PATH
from k8s_inventory.mending import cut

Spend = Callable[[int], None]
"""Is told how many values are about to be looked at, and raises where that is too much."""

Found = Callable[[list[Any], Spend], list[Any]]
"""A step of a path: what it leads to from several values at once. Raises `Refused`."""

Each = Callable[[Any, Spend], Iterator[Any]]
"""A step that fits every value, and so may be taken from one value at a time."""

LARGEST, SMALLEST = (1 << 63) - 1, -(1 << 63)
"""Integers that are one to the API server; larger ones are floating-point numbers."""

_MOST_STEPS = 50
_NAME = re.compile(r"(?:\\.|[^\\ \t\r\n.,\[\]$@{}])*", re.DOTALL)
_WORD = re.compile(r"[^ \t\r\n.,\[\]$@{}]+")
_NUMBER = re.compile(r"[+-]?[0-9.]*")
_SLICE = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)")
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.?))", re.DOTALL
)
_ESCAPED = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))


class Byte(int):
    """A byte of a text, which is what the API server finds in one by `*`. It is no integer of an object."""


class Refused(Exception):
    """A step that the API server refuses to take from such values; `reached` says whether something stood before it,
    for which a filter that asks whether there is something takes it."""

    def __init__(self, *, reached: bool = True) -> None:
        self.reached = reached


def compile_cell(path: str) -> Callable[[Any, Spend], list[Any]]:
    """A function that returns the first value that `path` leads to, if there is one. It looks no further than the API
    server does, and ends where `Spend` raises. Raises `JSONPathError`."""
    steps, *others = _parts(path)
    if len(steps) > _MOST_STEPS:
        raise PathTooLong(f"{cut(path, 50)!r} is no JSONPath: it has more than {_MOST_STEPS} steps")
    safe = len(steps)
    while safe and isinstance(steps[safe - 1], _OfEach):
        safe -= 1
    head, tail = steps[:safe], [step.of for step in steps[safe:] if isinstance(step, _OfEach)]

    def find(value: Any, spend: Spend) -> list[Any]:
        try:
            for each in others:
                _reached(each, [value], spend)
            reached = _reached(head, [value], spend)
        except Refused:
            return []
        return list(islice((found for each in reached for found in _follow(tail, each, spend)), 1))

    return find


def _reached(steps: Sequence[Found], values: list[Any], spend: Spend) -> list[Any]:
    for step in steps:
        values = step(values, spend)
        spend(len(values))
    return values


def _follow(steps: Sequence[Each], value: Any, spend: Spend) -> Iterator[Any]:
    if not steps:
        yield value
        return
    for each in steps[0](value, spend):
        spend(1)
        yield from _follow(steps[1:], each, spend)


class _OfEach:
    """A step that fits every value."""

    def __init__(self, of: Each) -> None:
        self.of = of

    def __call__(self, values: list[Any], spend: Spend) -> list[Any]:
        found: list[Any] = []
        for value in values:
            for each in self.of(value, spend):
                spend(1)
                found.append(each)
        return found


# -- reading a path --------------------------------------------------------------------------------


def _steps(text: str) -> list[Found]:
    return _parts(text)[0]


def _parts(text: str) -> list[list[Found]]:
    """What stands between braces to the API server: up to the first brace that closes, and then from each that opens.

    Only the first part is shown, but a fault of the others counts.
    """
    if len(text) > LONGEST_PATH:
        raise PathTooLong(f"{cut(text, 50)!r} is no JSONPath: it has more than {LONGEST_PATH} characters")
    parts: list[list[Found]] = []
    opens, rest = "{", text
    while opens:
        steps, end = _part(rest)
        parts.append(steps)
        _, opens, rest = rest[end:].partition("{")
    return parts


def _part(text: str) -> tuple[list[Found], int]:
    """The steps up to a brace that closes, or the end; and where that is."""
    steps: list[Found] = []
    at, is_deep = 0, False
    while at < len(text) and text[at] != "}":
        was_deep, is_deep = is_deep, text.startswith("..", at)
        if is_deep:
            if was_deep:
                raise _refusal(text, at)
            steps.append(_OfEach(_descendants))
            at += 2
            if at < len(text) and _is_alphanumeric(text[at]):
                at, is_deep = _field(text, at, steps), False
        elif text.startswith("[?(", at):
            at = _filter(text, at, steps)
        elif text[at] in " @$":
            at, is_deep = at + 1, was_deep
        elif text[at] == ".":
            at = _field(text, at + 1, steps)
        elif text[at] == "[":
            at = _array(text, at, steps)
        else:
            at = _literal(text, at, steps)
    return steps, at


def _refusal(text: str, at: int) -> JSONPathError:
    return JSONPathError(f"{text!r} is no JSONPath: nothing begins with {text[at:]!r}")


def _is_alphanumeric(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()


def _field(text: str, at: int, steps: list[Found]) -> int:
    name = _NAME.match(text, at)
    assert name is not None
    steps.append(_OfEach(_children if name[0] == "*" else _member(name[0].replace("\\", ""))))
    return name.end()


def _array(text: str, at: int, steps: list[Found]) -> int:
    end = text.find("]", at)
    inside = text[at + 1 : end]
    if end < 0 or "\n" in inside:
        raise _refusal(text, at)
    parts = inside.split(",")
    if len(parts) > 1:
        steps.append(_union([_steps(f"[{part.strip(' ')}]") for part in parts]))
    elif re.fullmatch("'[^']*'", inside):
        steps += _steps(f".{inside[1:-1]}")
    else:
        found = _SLICE.fullmatch(":" if inside == "*" else inside)
        if found is None:
            raise _refusal(text, at)
        steps.append(_elements(*_bounds(found, text, at)))
    return end + 1


def _bounds(found: re.Match[str], text: str, at: int) -> tuple[int, int | None, int, bool]:
    """First, end (None: to the last), step, and whether it is one element alone."""
    try:
        first = int(found[1] or 0)
        end = int(found[2][1:]) if found[2] and found[2] != ":" else None
        step = int(found[3][1:]) if found[3] and found[3] != ":" else 1
    except ValueError:
        raise _refusal(text, at) from None
    if not all(SMALLEST <= each <= LARGEST for each in (first, end or 0, step)):
        raise _refusal(text, at)
    return first, end if found[2] else first + 1, step, not found[2]


def _filter(text: str, at: int, steps: list[Found]) -> int:
    start = at = at + len("[?(")
    quote, is_closed = "", False
    while True:
        if at == len(text) or text[at] == "\n":
            raise _refusal(text, start)
        if text[at] in "'\"":
            if not quote:
                quote = text[at]
            elif text[at] == quote and text[at - 1] != "\\":
                is_closed = True
        elif text[at] == ")" and bool(quote) == is_closed:
            break
        at += 1
    if not text.startswith(")]", at):
        raise _refusal(text, at)
    condition = text[start:at]
    compared = _COMPARISON.fullmatch(condition)
    if compared is None:
        steps.append(_having(_steps(condition)))
    else:
        steps.append(_comparing(_steps(compared[1]), compared[2], _steps(compared[3])))
    return at + len(")]")


def _literal(text: str, at: int, steps: list[Found]) -> int:
    if text[at] in "'\"":
        end = text.find(text[at], at + 1)
        while end > 0 and text[end - 1] == "\\":
            end = text.find(text[at], end + 1)
        if end < 0 or "\n" in text[at:end]:
            raise _refusal(text, at)
        unquoted = _unquoted(text[at + 1 : end], text, at)
        steps.append(lambda values, spend: [unquoted])
        return end + 1
    if text[at] in "+-" or text[at].isdecimal():
        written = _NUMBER.match(text, at)
        assert written is not None
        number: int | float
        try:
            number = float(written[0]) if "." in written[0] else int(written[0])
        except ValueError:
            raise _refusal(text, at) from None
        number = number if SMALLEST <= number <= LARGEST else float(number)
        steps.append(lambda values, spend: [number] * len(values))
        return written.end()
    word = _WORD.match(text, at)
    if word is None or not _is_alphanumeric(text[at]):
        raise _refusal(text, at)
    if word[0] in ("true", "false"):
        truth = word[0] == "true"
        steps.append(lambda values, spend: [truth] * len(values))
    else:
        steps.append(_nowhere)
    return word.end()


def _unquoted(quoted: str, text: str, at: int) -> str:
    quote = text[at]

    def character(escape: re.Match[str]) -> str:
        if escape[1]:
            if escape[1] in "'\"" and escape[1] != quote:
                raise _refusal(text, at)
            return _ESCAPED.get(escape[1], escape[1])
        code = escape[2] or escape[3] or escape[4]
        number = int(code, 16) if code else int(escape[5], 8) if escape[5] else None
        if number is None or number > 0x10FFFF or 0xD800 <= number < 0xE000 or (escape[5] and number > 0xFF):
            raise _refusal(text, at)
        return chr(number)

    return _ESCAPE.sub(character, quoted)


# -- following one ---------------------------------------------------------------------------------


def _member(name: str) -> Each:
    def step(value: Any, spend: Spend) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _children(value: Any, spend: Spend) -> Iterator[Any]:
    """Of an object in the order of its names; the API server has them in any."""
    if isinstance(value, dict):
        spend(len(value))
        yield from (value[name] for name in sorted(value))
    elif isinstance(value, list):
        yield from value
    elif isinstance(value, str):
        yield from map(Byte, value.encode())


def _descendants(value: Any, spend: Spend) -> Iterator[Any]:
    left = [value]
    while left:  # not recursive: an object may be nested deeper than Python's stack
        one = left.pop()
        if one and isinstance(one, dict | list | str):
            yield one
        if isinstance(one, dict | list):
            spend(len(one))
            left += reversed([one[name] for name in sorted(one)] if isinstance(one, dict) else one)


def _elements(first: int, end: int | None, step: int, alone: bool) -> Found:
    def found(values: list[Any], spend: Spend) -> list[Any]:
        elements: list[Any] = []
        for value in values:
            if value is None:
                continue
            if not isinstance(value, list):
                raise Refused
            size = len(value)
            start = first + size if first < 0 else first
            stop = size if end is None else end + size if end < 0 or (end == 0 and alone) else end
            if start == stop:
                return elements
            if not 0 <= start < size or not start <= stop <= size or step <= 0:
                raise Refused
            spend((stop - start) // step)
            elements += value[start:stop:step]
        return elements

    return found


def _union(ways: Sequence[Sequence[Found]]) -> Found:
    def found(values: list[Any], spend: Spend) -> list[Any]:
        try:
            return [each for steps in ways for each in _reached(steps, values, spend)]
        except Refused:
            raise Refused(reached=bool(values)) from None

    return found


def _nowhere(values: list[Any], spend: Spend) -> list[Any]:
    """What a word leads to that is neither true nor false."""
    raise Refused(reached=bool(values))


def _lists(values: list[Any], spend: Spend) -> Iterator[list[Any]]:
    for value in values:
        if not isinstance(value, list):
            raise Refused
        spend(len(value))
        yield value


def _having(steps: Sequence[Found]) -> Found:
    """Elements that have something there, or something that the path does not fit."""

    def has(value: Any, spend: Spend) -> bool:
        try:
            return bool(_reached(steps, [value], spend))
        except Refused as refused:
            return refused.reached

    return lambda values, spend: [each for value in _lists(values, spend) for each in value if has(each, spend)]


def _comparing(left: Sequence[Found], operator: str, right: Sequence[Found]) -> Found:
    def holds(value: Any, spend: Spend) -> bool:
        pair = []
        for steps in (left, right):
            found = _reached(steps, [value], spend)
            if not found:
                return False
            if len(found) > 1:
                raise Refused
            pair += found
        return _compared(operator, *pair)

    return lambda values, spend: [each for value in _lists(values, spend) for each in value if holds(each, spend)]


def _compared(operator: str, left: Any, right: Any) -> bool:
    """Values of two types are not compared, an integer and a floating-point number neither, nor is null with any."""
    sort, other = _sort(left), _sort(right)
    if sort is None or sort != other or (sort is bool and operator not in ("==", "!=")):
        raise Refused
    if sort is str and operator not in ("==", "!="):
        left, right = left.encode(), right.encode()
    match operator:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return not left <= right
        case ">=":
            return not left < right
    raise Refused


def _sort(value: Any) -> type | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return int if SMALLEST <= value <= LARGEST else float
    return type(value) if isinstance(value, bool | float | str) else None
