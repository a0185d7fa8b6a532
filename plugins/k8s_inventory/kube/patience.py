"""How long a context may keep us waiting and give nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BLOCK = 1 << 16
"""Bytes of answers that show that somebody is there. One byte a second does not."""


class Exhausted(Exception):
    """Nothing came for as long as it may take, and no sign of life when it was asked for one."""


class Patience:
    """Of one session: `seconds` of waiting, by whatever requests, without a whole answer or a good part of one.

    Time in which nothing is asked does not count. One kind may be slow where others are well, and the task at hand may
    be about that one alone: so once it is spent, `is_alive` is asked, and only where that is false is it at an end.
    """

    def __init__(self, seconds: float, is_alive: Callable[[], bool]) -> None:
        self._seconds = seconds
        self._is_alive = is_alive
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._requests = 0
        self._since = 0.0
        self._spent = 0.0
        self._received = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While a request is under way, its retries and what its credentials take included."""
        with self._lock:
            if self._requests == 0:
                self._since = time.monotonic()
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1
                if self._requests == 0:
                    self._spent += time.monotonic() - self._since

    def rewarded(self) -> None:
        """An answer came, and it is one of an API server."""
        with self._lock:
            self._spent, self._received, self._since = 0.0, 0, time.monotonic()

    def received(self, count: int) -> None:
        """So many bytes of an answer came."""
        self._received += count
        if self._received >= _BLOCK:
            self.rewarded()

    def check(self) -> None:
        """Raises `Exhausted` once it is. To be called now and then by whoever waits."""
        if not self._is_spent():
            return
        with self._asking:
            if self._is_spent():
                if not self._is_alive():
                    raise Exhausted
                self.rewarded()

    def _is_spent(self) -> bool:
        with self._lock:
            now = time.monotonic() - self._since if self._requests else 0.0
            return self._spent + now >= self._seconds
