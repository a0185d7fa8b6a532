"""A program on a terminal: a real pseudo-terminal, of a size, and all that was written to it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len

_CONTROL = re.compile(r"\x1b\[(?:[0-9;]*m|[0-9]*[AK]|\?25[lh])")
"""What bars are made of: style, up, clear to the end of the line, and whether the cursor shows."""
_STYLE = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh])")


@dataclass(frozen=True)
class Shown:
    """What a program wrote, and the status with which it ended."""

    written: str
    status: int

    @property
    def text(self) -> str:
        """Without control sequences of ours: whatever is left of others is still in it."""
        return re.sub(r"\r\n|\r", "\n", _CONTROL.sub("", self.written))

    @property
    def screen(self) -> list[str]:
        """The lines as they are in the end, as far as bars and plain lines go."""
        lines, at = [""], 0
        for part in re.split(rf"({_CONTROL.pattern}|\r\n|\n)", self.written):
            if part in ("\r\n", "\n"):
                at += 1
                lines += [""] * (at + 1 - len(lines))
            elif re.fullmatch(r"\x1b\[\d*A", part):
                at = max(at - int(part[2:-1] or 1), 0)
            elif re.fullmatch(r"\x1b\[\d*K", part):
                lines[at] = ""
            elif not _CONTROL.fullmatch(part):
                lines[at] += part.replace("\r", "")
        return [line.rstrip() for line in lines]

    @property
    def styles(self) -> set[str]:
        return set(re.findall(r"\x1b\[([0-9;]*)m", self.written))

    @property
    def hid_the_cursor(self) -> bool:
        """At any time: what gives it back is lost where Ctrl-C is pressed before the terminal was read."""
        return "\x1b[?25l" in self.written

    @property
    def widest(self) -> int:
        """Cells of the widest line that was drawn, at any time."""
        return max(map(cell_len, re.split(r"\r\n|\r|\n|\x1b\[\d*[AK]", _STYLE.sub("", self.written))))


def _take_terminal() -> None:
    """And its Ctrl-C, which whoever runs in the background has been told to pass over."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def on_terminal(
    command: Sequence[str | Path],
    *,
    columns: int = 80,
    rows: int = 24,
    env: Mapping[str, str],
    cwd: Path | None = None,
    interrupt_at: str | None = None,
    signal_number: signal.Signals = signal.SIGINT,
    times: int = 1,
    seconds: float = 120,
) -> Shown:
    """Runs it; once `interrupt_at` was written, it is sent a signal, so many `times`; SIGINT is Ctrl-C, pressed."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        # Whoever runs this may have noted the size of another.
        env={name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")},
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    written, end = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if interrupt_at and interrupt_at.encode() in written and times:
                times -= 1
                if signal_number is signal.SIGINT:
                    os.write(master, b"\x03")
                else:
                    process.send_signal(signal_number)
            if not select.select([master], [], [], 0.05)[0]:
                continue
            try:
                block = os.read(master, 1 << 16)
            except OSError:  # nobody has it open any more
                break
            written += block
        return Shown(written.decode(), process.wait(max(end - time.monotonic(), 1)))
    finally:
        process.kill()
        process.wait()
        os.close(master)
