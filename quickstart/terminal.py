"""What there is at the other end of a stream: a terminal that can draw a line anew, or something that takes lines."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from rich.console import Console


class _Terminal(Console):
    """Never without a cursor, so that none is missing, however a program ends.

    What would show it again may never arrive: a terminal throws away what it was not yet read of when Ctrl-C is
    pressed (termios(3), NOFLSH), and who is killed writes nothing.
    """

    def show_cursor(self, show: bool = True) -> bool:
        return False


def terminal(stream: TextIO) -> Console | None:
    """The terminal, if there is one, and it is not a dumb one. Whether it has colours, `NO_COLOR` says.

    What else rich goes by, such as `FORCE_COLOR`, does not make a terminal of a file.
    """
    console = _Terminal(file=stream)
    return console if stream.isatty() and console.is_interactive else None


def width() -> int:
    """Columns of the terminal at stdout; elsewhere as many as there are on a wide one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 110
