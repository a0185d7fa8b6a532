"""The JSONPath of printer columns, as the API server and kubectl read it.

https://kubernetes.io/docs/reference/kubectl/jsonpath/: fields (`.spec.size`, `['a.b']`; a dot in a name is escaped),
elements (`[0]`, which is `[]`, too, `[-1]`, `[*]`, `[0:2]`, `[0,2]`), filters (`[?(@.type=="Ready")]`), fields at any
depth (`..name`).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Place = tuple[Any, Any, tuple[str, ...]]
"""Where a value is: its holder, its key there, and the names of the fields that lead to it."""

Step = Callable[[Place], Iterator[Place]]

_TOKEN = re.compile(
    r"""
    (?P<deep>\.\.)(?=[^.\[])
    | \.?\[\s*(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\]
    | \.?\[\s*(?P<index>-?\d+|)\s*\]
    | \.?\[\s*(?P<slice>-?\d*:-?\d*(?::\d+)?)\s*\]
    | \.?\[\s*(?P<all>\*)\s*\] | \.(?P<star>\*)
    | \.?\[\s*\?\s*\((?P<filter>.*?)\)\s*\]
    | \.?\[(?P<union>[^\[\]]+,[^\[\]]+)\]
    | \.?(?P<field>(?:[^.\[\]\\\s'"{}]|\\.)+)
    """,
    re.VERBOSE,
)
_FILTER = re.compile(r"^\s*@(?P<path>.*?)\s*(?:(?P<compare>==|!=|<=|>=|<|>)\s*(?P<value>.+?)\s*)?$")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class JSONPathError(ValueError):
    """A path that is none; the message names it."""


def compile_path(path: str) -> Callable[[Any], list[Any]]:
    """A function that returns everything that `path` leads to in an object. Raises `JSONPathError`."""
    find = compile_places(path)
    return lambda value: [holder[key] for holder, key, _ in find(value)]


def compile_places(path: str) -> Callable[[Any], list[Place]]:
    """The same, but for where each is. Raises `JSONPathError`."""
    text = path.strip().removeprefix("{").removesuffix("}").strip().removeprefix("$").removeprefix("@")
    steps: list[Step] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or token.end() == at:
            if text[at:] == ".":
                break
            raise JSONPathError(f"{path!r} is no JSONPath: nothing begins with {text[at:]!r}")
        steps.append(_step(token, path))
        at = token.end()

    return lambda value: _follow(steps, ([value], 0, ()))


def _follow(steps: Sequence[Step], place: Place) -> list[Place]:
    found = [place]
    for step in steps:
        found = [each for one in found for each in step(one)]
    return found


def _step(token: re.Match[str], path: str) -> Step:
    kind, text = str(token.lastgroup), token[str(token.lastgroup)]
    if kind == "deep":
        return _descendants
    if kind in ("all", "star"):
        return _children
    if kind == "index":
        at = int(text or 0)
        return _slice(slice(at, at + 1 or None))
    if kind == "slice":
        return _slice(slice(*(int(part) if part else None for part in text.split(":"))))
    if kind == "filter":
        return _filtered(text, path)
    if kind == "union":
        return _union([compile_places(f"[{each.strip()}]") for each in text.split(",")])
    if kind == "quoted":
        return _quoted(text[1:-1])
    return _field(text)


def _union(finders: Sequence[Callable[[Any], list[Place]]]) -> Step:
    def step(place: Place) -> Iterator[Place]:
        holder, key, path = place
        for find in finders:
            yield from ((found, at, (*path, *names)) for found, at, names in find(holder[key]))

    return step


def _quoted(text: str) -> Step:
    """The field of this name, or else, as the API server reads a dot that is not escaped, the path of these names."""
    whole, names = _field(text), [_field(name) for name in re.findall(r"(?:[^.\\]|\\.)+", text)]
    return lambda place: iter(list(whole(place)) or _follow(names, place))


def _field(escaped: str) -> Step:
    name = re.sub(r"\\(.)", r"\1", escaped)

    def step(place: Place) -> Iterator[Place]:
        holder, key, path = place
        value = holder[key]
        if isinstance(value, dict) and name in value:
            yield value, name, (*path, name)

    return step


def _slice(bounds: slice) -> Step:
    def step(place: Place) -> Iterator[Place]:
        holder, key, path = place
        value = holder[key]
        if isinstance(value, list):
            yield from ((value, index, path) for index in range(*bounds.indices(len(value))))

    return step


def _children(place: Place) -> Iterator[Place]:
    holder, key, path = place
    value = holder[key]
    if isinstance(value, dict):
        yield from ((value, name, (*path, name)) for name in sorted(value))
    elif isinstance(value, list):
        yield from ((value, index, path) for index in range(len(value)))


def _descendants(place: Place) -> Iterator[Place]:
    left = [place]
    while left:  # not recursive: an object may be nested deeper than Python's stack
        one = left.pop()
        yield one
        left += reversed(list(_children(one)))


def _filtered(text: str, path: str) -> Step:
    found = _FILTER.match(text)
    if found is None:
        raise JSONPathError(f"{path!r} is no JSONPath: the filter {text!r} does not begin with @")
    get = compile_path(found["path"])
    if found["compare"] is None:
        return lambda place: (each for each in _children(place) if get(each[0][each[1]]))
    compare, wanted = _COMPARE[found["compare"]], _literal(found["value"])

    def holds(place: Place) -> bool:
        holder, key, _ = place
        values = get(holder[key])
        try:
            return bool(values) and compare(values[0], wanted)
        except TypeError:  # values of two types are in no order
            return False

    return lambda place: (each for each in _children(place) if holds(each))


def _literal(text: str) -> Any:
    if text[:1] in "'\"":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
