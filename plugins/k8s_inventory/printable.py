"""Text from outside, as it may be shown: in a message, a log, a terminal, a note.

Names, images and messages of a cluster, contexts of a kubeconfig and what PostgreSQL says of them may hold anything: an
escape sequence that takes over the terminal, a line break that forges the next line of a log, an override of the
direction of writing. All of these show as escapes of Python; what people read stays as it is. Secrets that are known do
not show.
"""

from __future__ import annotations

import re

from k8s_inventory.known_secrets import without_known

_FORMULA = re.compile(r"""(^|[;\r\n])(?=[\s"']*[=+\-@＝＋－＠])|^(?=[\t\r\n])""")
"""Where a cell may begin that a spreadsheet takes for a formula: where numbers have a comma, cells end at `;`, and
quotes count for nothing then (https://owasp.org/www-community/attacks/CSV_Injection)."""


def printable(text: object) -> str:
    r"""The text on one line; what does not print by itself as `\x1b`, `\n`, `\u202e`.

    What prints is what https://docs.python.org/3/library/stdtypes.html#str.isprintable says: no character of the
    Unicode categories "Other" and "Separator", but for the space.
    """
    return _printable(without_known(str(text)))


def printable_lines(text: object) -> str:
    """The same for text of several lines that are lines of ours."""
    return "\n".join(map(_printable, without_known(str(text)).split("\n")))


def in_markdown(text: object, *, most: int = 80) -> str:
    """The text, its first `most` characters, as a code span of Markdown: nothing in it is markup, a link or an image.

    By https://spec.commonmark.org/0.31.2/#code-spans it ends at as many backticks as it begins with, and one space at
    either end is none of it.
    """
    shown = printable(text)
    shown = shown if len(shown) <= most else f"{shown[: most - 1]}…"
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if not shown.strip(" ") or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def no_formula(text: str) -> str:
    """The text of a CSV's cell, which no spreadsheet takes for a formula: strangers name objects."""
    return _FORMULA.sub(r"\1'", text)


def _printable(shown: str) -> str:
    if shown.isprintable():
        return shown
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in shown)


class ReportedError(Exception):
    """An error whose message is for people, and quotes what comes from outside: it is one printable line."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))
