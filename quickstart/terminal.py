"""What there is at the other end of a stream: a terminal that can draw a line anew, or something that takes lines."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from rich.console import Console


def terminal(stream: TextIO) -> Console | None:
    """The terminal, if there is one, and it is not a dumb one. Whether it has colours, `NO_COLOR` says.

    What else rich goes by, such as `FORCE_COLOR`, does not make a terminal of a file.
    """
    console = Console(file=stream)
    return console if stream.isatty() and console.is_interactive else None


def width() -> int:
    """Columns of the terminal at stdout; elsewhere as many as there are on a wide one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 110
