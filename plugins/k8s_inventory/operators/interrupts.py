"""Work that ends when its task is ended: by its `execution_timeout`, by SIGTERM, by Ctrl-C."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

_GRACE = 10.0
"""Seconds that the work has to write how it ended. After them it is left behind: its threads keep no process alive."""


class Interruptible:
    """Does a task's work in a thread, while the main one only waits.

    A signal raises wherever the main thread is. In the middle of a statement it would leave a database session that
    can not write any more how its target ended.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._cancels: list[Callable[[], None]] = []

    def when_stopped(self, cancel: Callable[[], None]) -> None:
        """Has this called, too, when the work is to end; it must be quick, and safe in any thread."""
        self._cancels.append(cancel)

    def stop(self) -> None:
        self.stopped.set()
        for cancel in tuple(self._cancels):
            cancel()

    def run(self, work: Callable[[], T]) -> T:
        """What the work returns or raises. Where the wait for it is interrupted, so is the work."""
        done: Future[T] = Future()
        context = contextvars.copy_context()

        def do() -> None:
            try:
                done.set_result(context.run(work))
            except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
                done.set_exception(error)

        thread = threading.Thread(target=do, name="work", daemon=True)
        thread.start()
        try:
            return done.result()
        finally:
            if not done.done():
                self.stop()
                thread.join(_GRACE)
