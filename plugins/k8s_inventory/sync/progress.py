"""How far a sync is, for whoever waits for it: a line in the log every few seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from k8s_inventory.printable import printable

log = logging.getLogger(__name__)

SECONDS = 5.0
"""Between two lines."""

_MOST_NAMED = 5
"""Targets that a line names, however many are read at once."""


class Progress:
    """Counts what the threads of a sync have read; `tell` is for the one that waits for them.

    `holds`: its targets have results at the very end alone. A listing says in any case that it is at it still; watches
    that are held open have nothing to say while nothing comes.
    """

    def __init__(self, *, holds: bool = False) -> None:
        self._holds = holds
        self._lock = threading.Lock()
        self._reading: dict[tuple[str, str], list[int]] = {}
        self._objects = self._pages = self._ended = 0
        self._told = ""
        self._tell_at = time.monotonic() + SECONDS

    @contextmanager
    def reading(self, context_name: str, kind: str) -> Iterator[None]:
        """A target is being read."""
        with self._lock:
            self._reading[context_name, kind] = [0, 0]
        try:
            yield
        finally:
            with self._lock:
                del self._reading[context_name, kind]

    def add(self, context_name: str, kind: str, *, objects: int, pages: int) -> None:
        """Of a target more was read; less, where its listing starts over."""
        with self._lock:
            self._objects += objects
            self._pages += pages
            counts = self._reading.get((context_name, kind))
            if counts:
                counts[0] += objects
                counts[1] += pages

    def end(self) -> None:
        """One more target has its result."""
        with self._lock:
            self._ended += 1

    def tell(self, left: int) -> None:
        """Logs how far it is, if it is time to; `left` is how many targets have no result yet."""
        now = time.monotonic()
        if now < self._tell_at:
            return
        self._tell_at = now + SECONDS
        line = self._line(left)
        if line != self._told or not self._holds:
            log.info("%s", line)
        self._told = line

    def _line(self, left: int) -> str:
        with self._lock:
            reading = [(*target, *counts) for target, counts in self._reading.items()]
            ended, objects, pages = self._ended, self._objects, self._pages
        named = [
            f"{printable(f'{context} · {kind}')} ({of_it} objects in {on} pages)"
            for context, kind, of_it, on in reading[:_MOST_NAMED]
        ]
        more = [f"{len(reading) - _MOST_NAMED} more"] if len(reading) > _MOST_NAMED else []
        kinds = f"{left} kinds are held up to date" if self._holds else f"{ended} of {ended + left} kinds are read"
        line = f"{kinds}, {objects} objects in {pages} pages"
        return f"{line}; being read: {', '.join((*named, *more))}" if reading else line
