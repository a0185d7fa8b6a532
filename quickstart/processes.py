"""Programs that end with this one, and with them everything that they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import psutil

GRACE_SECONDS = 10
"""How long a program may take to end by itself before it is killed."""


def end_on_signals() -> None:
    """Has signals end this program as Ctrl-C does: through every `finally`, not on the spot."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda number, _: sys.exit(128 + number))


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Within, a signal that ends this program is the last that it hears: whoever presses Ctrl-C again and again must
    not interrupt what gives the terminal back as it was."""
    if threading.current_thread() is not threading.main_thread():  # which alone hears signals
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: found for number in numbers if callable(found := signal.getsignal(number))}

    def end(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        before[signal.Signals(number)](number, frame)

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, found in before.items():
            signal.signal(number, found)


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
