"""What is mended of a stranger's text and JSON before anything is made of it.

Every function takes time and memory in proportion to what it is given, whatever that is.
"""

from __future__ import annotations

import re

LONGEST_MESSAGE = 2000
"""Characters of a message that quotes what others said."""

DEEPEST = 256
"""Levels to which JSON may be nested. msgspec, and Python with it, ends at some 900, sooner where the stack is used."""

TOO_DEEP = b'"<nested too deeply>"'
"""Stands where a value was that is nested deeper than that."""

_CUT_AT = 32
"""The level at which such a value is replaced as a whole: what is replaced is then longer than what replaces it."""

_SYMBOL = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[][{}]', re.DOTALL)
_TEXT_OR_NUMBER = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?\d[\d.eE+-]*+', re.DOTALL)
_NUMBER = re.compile(rb"-?([\d.]++)(?:[eE]([+-]?\d++))?")
_LARGE_EXPONENT = re.compile(rb"[:,\[\s]-?\d[\d.]*+[eE][+-]?\d{4}")
_MOST_DIGITS = 10_000
_MARKS = bytes(ord("0") if each in b"0123456789." else ord("e") if each in b"eE" else ord(" ") for each in range(256))
_MANY_DIGITS = b"0" * _MOST_DIGITS
OUT_OF_RANGE = b'"<number out of range>"'
"""Stands where a number was with more digits than PostgreSQL takes, written out: 16,383 after the point."""
_NUL = re.compile(rb"\\u0000")
_SURROGATES = re.compile(rb"\\u[dD][89aAbB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..", re.DOTALL)
_ESCAPE, _REPLACEMENT = 6, rb"\ufffd"
_BACKSLASH = ord("\\")
_QUOTE = ord('"')


def cut(text: str, most: int = LONGEST_MESSAGE) -> str:
    """The text, at most so long."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def without_nul(body: bytes) -> bytes:
    """JSON with U+0000 as U+FFFD, the replacement character of Unicode."""
    return _without(_NUL, body)


def without_lone_surrogates(body: bytes) -> bytes:
    """JSON with each surrogate that has no other half as U+FFFD. JSON may hold them, no decoder takes them."""
    return _without(_SURROGATES, body)


def holds_large_numbers(body: bytes) -> bool:
    """Whether there may be any for `without_large_numbers` to take out. Digests, which look alike, are none."""
    marks = body.translate(_MARKS, b"+-")
    return (b"0e0000" in marks and _LARGE_EXPONENT.search(body) is not None) or _MANY_DIGITS in marks


def without_large_numbers(body: bytes) -> bytes:
    """JSON with `OUT_OF_RANGE` for each number of too many digits."""
    return _TEXT_OR_NUMBER.sub(_in_range, body)


def _in_range(found: re.Match[bytes]) -> bytes:
    text = found[0]
    number = None if text[0] == _QUOTE or len(text) < 6 else _NUMBER.fullmatch(text)
    if number is None:
        return text
    digits, exponent = number.groups(b"0")
    is_large = len(exponent) > 9 or len(digits) + abs(int(exponent)) > _MOST_DIGITS
    return OUT_OF_RANGE if is_large else text


def _without(escapes: re.Pattern[bytes], body: bytes) -> bytes:
    """In place: both escapes are equally long. A match of two escapes is a pair of surrogates, and stays."""
    mended, at = bytearray(body), 0
    while found := escapes.search(body, at):
        start, at = found.span()
        if _is_text(body, start):
            at = start + _ESCAPE
        elif at - start == _ESCAPE:
            mended[start:at] = _REPLACEMENT
    return bytes(mended)


def _is_text(body: bytes, at: int) -> bool:
    """Whether the backslash at this place is itself escaped."""
    start = at
    while start and body[start - 1] == _BACKSLASH:
        start -= 1
    return (at - start) % 2 == 1


def shallow(body: bytes) -> bytes:
    """JSON in which nothing is nested deeper than `DEEPEST`: `TOO_DEEP` stands for what was."""
    kept: list[bytes] = []
    depth = start = opened = deepest = 0
    for symbol in _SYMBOL.finditer(body):
        at = symbol.start()
        if body[at] in b"[{":
            depth += 1
            if depth == _CUT_AT:
                opened, deepest = at, depth
            deepest = max(deepest, depth)
        elif body[at] in b"]}":
            if depth == _CUT_AT and deepest > DEEPEST:
                kept += (body[start:opened], TOO_DEEP)
                start = at + 1
            depth -= 1
    if depth >= _CUT_AT and deepest > DEEPEST:  # it ends in the middle, and is no JSON
        return b""
    return b"".join([*kept, body[start:]])
