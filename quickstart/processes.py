"""Programs that end with this one, and with them everything that they have started."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import psutil

GRACE_SECONDS = 10
"""How long a program may take to end by itself before it is killed."""


def end_on_signals() -> None:
    """Has signals end this program as Ctrl-C does: through every `finally`, not on the spot.

    One that comes within a second of another is the same wish, and does not interrupt what ends because of that: who
    holds Ctrl-C down sends thirty a second, and make passes on what it is sent.
    """
    ends_at = -math.inf

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ends_at
        if time.monotonic() < ends_at + 1:
            return
        ends_at = time.monotonic()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, end)


@contextmanager
def started(*commands: Sequence[str], **popen: Any) -> Iterator[list[subprocess.Popen[str]]]:
    """Starts programs; when the block is left, none of them is left, nor anything that they have started.

    Each has a session of its own: a Ctrl-C reaches this program alone, and what a program leaves behind when it dies
    is still known by its session.
    """
    running: list[subprocess.Popen[str]] = []
    try:
        for command in commands:
            running.append(
                subprocess.Popen(command, start_new_session=True, encoding="utf-8", errors="backslashreplace", **popen)
            )
        yield running
    finally:
        _end({process.pid for process in running})
        for process in running:
            process.wait()


def _end(sessions: Collection[int]) -> None:
    patience = time.monotonic() + GRACE_SECONDS
    told: set[tuple[psutil.Process, int]] = set()
    while True:
        number = signal.SIGTERM if time.monotonic() < patience else signal.SIGKILL
        try:
            members = _members(sessions)
            if not members:
                return
            for member in members:
                if (member, number) not in told:
                    with suppress(psutil.Error):
                        member.send_signal(number)
                    told.add((member, number))
            time.sleep(0.1)
        except KeyboardInterrupt:  # somebody is losing patience
            patience = 0
        except SystemExit:  # a signal to all of a group comes twice: make passes it on
            pass


def _members(sessions: Collection[int]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
