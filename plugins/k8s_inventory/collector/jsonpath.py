"""The JSONPath of rules for redaction, as kubectl reads it, but that it takes more: filters over objects, quoted names
with dots, what does not fit every value. Those of printer columns are in `printer_paths`, read to the letter.

https://kubernetes.io/docs/reference/kubectl/jsonpath/: fields (`.spec.size`, `['a.b']`; a dot in a name is escaped),
elements (`[0]`, which is `[]`, too, `[-1]`, `[*]`, `[0:2]`, `[0,2]`), filters (`[?(@.type=="Ready")]`), fields at any
depth (`..name`).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from k8s_inventory.kinds.declaration import LONGEST_PATH
from k8s_inventory.mending import cut

Place = tuple[Any, Any, tuple[str, ...]]
"""Where a value is: its holder, its key there, and the names of the fields that lead to it, the first `_MOST_NAMES`."""

Step = Callable[[Place], Iterator[Place]]

_MOST_STEPS = 50
_MOST_NAMES = 16
_TOKEN = re.compile(
    r"""
    (?P<deep>\.\.)(?=[^.\[])
    | \.?\[\s*(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\]
    | \.?\[\s*(?P<index>-?\d+|)\s*\]
    | \.?\[\s*(?P<slice>-?\d*:-?\d*(?::\d+)?)\s*\]
    | \.?\[\s*(?P<all>\*)\s*\] | \.(?P<star>\*)
    | \.?\[\s*\?\s*\((?P<filter>.*?)\)\s*\]
    | \.?\[(?P<union>[^\[\],]+(?:,[^\[\],]*)*,[^\[\],]+)\]
    | \.?(?P<field>(?:[^.\[\]\\\s'"{}]|\\.)+)
    """,
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


_COMPARISON = re.compile("|".join(_COMPARE))


class JSONPathError(ValueError):
    """A path that is none; the message names it."""


class PathTooLong(JSONPathError):
    """A path of more characters or steps than one may have."""


def compile_places(path: str) -> Callable[[Any], list[Place]]:
    """A function that returns where `path` leads to in an object. Raises `JSONPathError`.

    No place comes twice, however many ways lead to it: time and memory are in proportion to the values of the object.
    """
    steps = _steps(path)

    def find(value: Any) -> list[Place]:
        places: list[Place] = [([value], 0, ())]
        for step in steps:
            found = (each for place in places for each in step(place))
            places = list({(id(each[0]), each[1]): each for each in found}.values())
        return places

    return find


def _follow(steps: Sequence[Step], place: Place) -> Iterator[Place]:
    if not steps:
        yield place
        return
    for each in steps[0](place):
        yield from _follow(steps[1:], each)


def fields_of_path(path: str) -> tuple[str, ...]:
    """The names that a path goes through, `*` for every element. Raises `JSONPathError`, also for one with other steps
    than fields and `[*]`."""
    names = []
    for token in _tokens(path):
        kind, text = str(token.lastgroup), token[str(token.lastgroup)]
        if kind not in ("field", "quoted", "all", "star"):
            raise JSONPathError(f"{path!r} may have fields and [*] alone, and has {token[0]!r}")
        names.append(_unescaped(text[1:-1] if kind == "quoted" else text))
    if not names:
        raise JSONPathError(f"{path!r} leads nowhere")
    return tuple(names)


def _steps(path: str) -> list[Step]:
    return [_step(token, path) for token in _tokens(path)]


def _tokens(path: str) -> list[re.Match[str]]:
    if len(path) > LONGEST_PATH:
        raise PathTooLong(f"{cut(path, 50)!r} is no JSONPath: it has more than {LONGEST_PATH} characters")
    text = path.strip().removeprefix("{").removesuffix("}").strip().removeprefix("$").removeprefix("@")
    tokens: list[re.Match[str]] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or token.end() == at:
            if text[at:] == ".":
                break
            raise JSONPathError(f"{path!r} is no JSONPath: nothing begins with {text[at:]!r}")
        tokens.append(token)
        at = token.end()
    if len(tokens) > _MOST_STEPS:
        raise PathTooLong(f"{cut(path, 50)!r} is no JSONPath: it has more than {_MOST_STEPS} steps")
    return tokens


def _step(token: re.Match[str], path: str) -> Step:
    kind, text = str(token.lastgroup), token[str(token.lastgroup)]
    if kind == "deep":
        return _descendants
    if kind in ("all", "star") or (kind, text) == ("field", "*"):
        return _children
    if kind == "index":
        at = int(text or 0)
        return _slice(slice(at, at + 1 or None))
    if kind == "slice":
        bounds = slice(*(int(part) if part else None for part in text.split(":")))
        if bounds.step == 0:
            raise JSONPathError(f"{path!r} is no JSONPath: [{text}] steps nowhere")
        return _slice(bounds)
    if kind == "filter":
        return _filtered(text, path)
    if kind == "union":
        return _union([_steps(f"[{each.strip()}]") for each in text.split(",")])
    if kind == "quoted":
        return _quoted(text[1:-1])
    return _field(text)


def _union(ways: Sequence[Sequence[Step]]) -> Step:
    return lambda place: (each for steps in ways for each in _follow(steps, place))


def _quoted(text: str) -> Step:
    """The field of this name, or else, as the API server reads a dot that is not escaped, the path of these names."""
    whole, names = _field(text), [_field(name) for name in re.findall(r"(?:[^.\\]|\\.)+", text)]
    return lambda place: iter(list(whole(place)) or list(_follow(names, place)))


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _field(escaped: str) -> Step:
    name = _unescaped(escaped)

    def step(place: Place) -> Iterator[Place]:
        holder, key, path = place
        value = holder[key]
        if isinstance(value, dict) and name in value:
            yield value, name, _longer(path, name)

    return step


def _longer(path: tuple[str, ...], name: str) -> tuple[str, ...]:
    return path if len(path) == _MOST_NAMES else (*path, name)


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
        yield from ((value, name, _longer(path, name)) for name in sorted(value))
    elif isinstance(value, list):
        yield from ((value, index, path) for index in range(len(value)))


def _descendants(place: Place) -> Iterator[Place]:
    left = [place]
    while left:  # not recursive: an object may be nested deeper than Python's stack
        one = left.pop()
        yield one
        left += reversed(list(_children(one)))


def _filtered(text: str, path: str) -> Step:
    condition = text.strip()
    if not condition.startswith("@"):
        raise JSONPathError(f"{path!r} is no JSONPath: the filter {text!r} does not begin with @")
    compared = _COMPARISON.search(condition)
    end = compared.start() if compared else len(condition)
    steps, wanted = _steps(condition[1:end]), _literal(condition[compared.end() :].strip()) if compared else None
    compare = _COMPARE[compared[0]] if compared else None

    def holds(value: Any) -> bool:
        values = [holder[key] for holder, key, _ in islice(_follow(steps, ([value], 0, ())), 1)]
        try:
            return bool(values) and (compare is None or compare(values[0], wanted))
        except TypeError:  # values of two types are in no order
            return False

    return lambda place: (each for each in _children(place) if holds(each[0][each[1]]))


def _literal(text: str) -> Any:
    if text[:1] in "'\"":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
