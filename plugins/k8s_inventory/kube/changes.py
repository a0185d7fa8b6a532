"""Which kinds of a context change: heard of watches of metadata alone, of which nothing is kept."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.cluster_info import as_number
from k8s_inventory.kube.errors import BadAnswer, Expired, Interrupted, KubeError
from k8s_inventory.kube.listing import Listing
from k8s_inventory.kube.session import DEAD, Session
from k8s_inventory.kube.watching import Event, Watch, Watches
from k8s_inventory.printable import printable

log = logging.getLogger(__name__)

LIMITS: dict[str, float] = {
    "attempts": 1,
    "connect_timeout": 5.0,
    "read_timeout": 15.0,
    "request_timeout": 30.0,
    "context_timeout": 30.0,
    "listing_timeout": 30.0,
    "credential_timeout": 20.0,
    "requests_in_flight": 1,
    "max_page_bytes": 1 << 22,
}
"""Those of a session for this: an answer that does not come soon is asked for again later, after all others."""

_SECONDS = 300
"""That a watch is asked for. One whose connection died unseen is found out ten seconds after them."""

_STANDS = 30.0
"""Seconds after which a watch is not taken for one that breaks off at once."""

_LONGEST_PAUSE = 300.0

_SESSION_LASTS = 600.0
"""Seconds after which a context has another session, though nothing is wrong with it: its configuration may lead to
another cluster by then, while the one before is still there."""

_MOST_ROUNDS = 8
"""Of reading what has come, a megabyte of each watch, before others have their turn."""


_OF_CONTEXT = tuple(DEAD.values())


@dataclass
class _Followed:
    """A kind, from which revision on its changes are not known yet, and when to ask for them again.

    `was_heard`: something came from that revision on, were it a bookmark. From one of the future, as of a cluster that
    was restored from a backup, nothing comes, and no error. `is_lost`: it had one that can not be gone on from.
    """

    kind: Kind
    version: str = ""
    revision: int | None = None
    was_heard: bool = False
    is_lost: bool = False
    due: float = 0.0
    opened_at: float | None = None
    failures: int = 0
    trouble: type[KubeError] | None = None

    def stands(self, now: float) -> bool:
        return self.opened_at is not None and now - self.opened_at >= _STANDS

    def pause(self, now: float, *, failed: bool) -> None:
        self.failures = self.failures + 1 if failed else 0
        self.opened_at = None
        self.due = now + min(_LONGEST_PAUSE, 2.0 ** min(self.failures, 10)) * random.uniform(0.5, 1.5)  # noqa: S311


class Changes:
    """The changes of some kinds of one context, as long as `look` is called.

    What can not be watched is asked for again after a pause that grows, with jitter, to minutes; the log says once what
    is wrong with it, and once that it is watched again. A watch goes on from where it was. Where the API server has
    forgotten that, or it can not be known, the kind counts as changed.

    `open_session` may raise a `KubeError`, too. `stopped` ends whatever is under way, within a second; `close` waits
    for that.
    """

    def __init__(
        self, name: str, open_session: Callable[[], Session], kinds: Sequence[Kind], stopped: threading.Event
    ) -> None:
        self._name = name
        self._open_session = open_session
        self._followed = {kind.name: _Followed(kind) for kind in kinds}
        self._stopped = stopped
        self._trouble: type[KubeError] | None = None
        self._session: Session | None = None
        self._watches: Watches[str] | None = None
        self._ends_at = 0.0
        self._server: str | None = None
        self._changed: set[str] = set()
        self._lock = threading.Lock()

    @property
    def due(self) -> float:
        """When to look again though nothing can be read, by the monotonic clock."""
        waiting = [each.due for each in self._followed.values() if not self._is_open(each)]
        return min([*waiting, time.monotonic() + _STANDS])

    def fileno(self) -> int | None:
        """Of what can be read as soon as there is something to look at; None where nothing is watched."""
        return self._watches.fileno() if self._watches is not None else None

    def look(self) -> set[str]:
        """The kinds that have changed since the last look. It does not wait for changes; for the answers that begin a
        watch, it does."""
        with self._lock:
            self._read()
            now = time.monotonic()
            if self._session is not None and now > self._ends_at:
                self._renew(now)
            due = [each for each in self._followed.values() if not self._is_open(each) and each.due <= now]
            if due and not self._stopped.is_set():
                self._open(due)
            self._say_what_stands()
            changed, self._changed = self._changed, set()
            return changed

    def close(self) -> None:
        with self._lock:
            self._end_session()

    def _is_open(self, followed: _Followed) -> bool:
        return self._watches is not None and followed.kind.name in self._watches

    def _read(self) -> None:
        of_context: KubeError | None = None
        for _ in range(_MOST_ROUNDS):
            came = False
            for name, event in self._watches.read(0.0) if self._watches is not None else ():
                came = True
                if isinstance(event, Event):
                    self._followed[name].revision, self._followed[name].was_heard = event.revision, True
                    if event.change != "BOOKMARK":
                        self._changed.add(name)
                elif isinstance(event, _OF_CONTEXT):
                    of_context = event
                else:
                    self._ended(self._followed[name], event)
            if not came:
                break
        if of_context is not None:
            self._context_failed(of_context)

    def _open(self, due: Sequence[_Followed]) -> None:
        """Begins their watches."""
        try:
            session, watches = self._current_session()
            opened = self._begun(session, due)
        except _OF_CONTEXT as error:
            self._context_failed(error)
            return
        watches.open(opened)
        for name in opened:
            self._followed[name].opened_at = time.monotonic()
        self._read()  # it says which of them could not be opened

    def _begun(self, session: Session, due: Sequence[_Followed]) -> dict[str, Watch]:
        opened: dict[str, Watch] = {}
        for followed in due:
            try:
                if not followed.was_heard:
                    self._begin(session, followed)
            except _OF_CONTEXT:
                raise
            except KubeError as error:
                self._ended(followed, error)
                continue
            assert followed.revision is not None
            followed.was_heard = False
            opened[followed.kind.name] = Watch(
                session,
                followed.kind,
                version=followed.version,
                revision=followed.revision,
                seconds=random.randint(_SECONDS * 4 // 5, _SECONDS),  # noqa: S311 - so that not all end at once
                metadata_alone=True,
            )
        return opened

    def _begin(self, session: Session, followed: _Followed) -> None:
        """Finds the revision to go on from. Where it was another one before, changes may have been missed: it counts as
        changed."""
        current = Listing(session, followed.kind, item=msgspec.Raw, page_size=1).current()
        revision = as_number(current.revision)
        if revision is None:
            raise BadAnswer(f"context {self._name}, {followed.kind.name}: its revision is no number: it is not watched")
        followed.version = current.version
        if followed.revision is not None and followed.revision <= revision:
            return
        if followed.revision is not None or followed.is_lost:
            self._changed.add(followed.kind.name)
        followed.revision, followed.is_lost = revision, False

    def _current_session(self) -> tuple[Session, Watches[str]]:
        if self._session is None or self._watches is None:
            self._session = self._open_session()
            self._watches = Watches(self._session)
            self._ends_at = time.monotonic() + _SESSION_LASTS * random.uniform(0.8, 1.2)  # noqa: S311 - not all at once
            if self._server not in (None, self._session.server):  # revisions are of the cluster before
                for each in self._followed.values():
                    each.is_lost = each.is_lost or each.revision is not None
                    each.revision, each.was_heard = None, False
            self._server = self._session.server
        return self._session, self._watches

    def _renew(self, now: float) -> None:
        """Has all that is watched begun anew in another session, from where it is."""
        for each in self._followed.values():
            if self._is_open(each):
                each.due, each.opened_at = now, None
            each.was_heard = False
        self._end_session()

    def _end_session(self) -> None:
        if self._watches is not None:
            self._watches.close()
        if self._session is not None:
            self._session.close()
        self._session = self._watches = None

    # -- what ends -------------------------------------------------------------------------------------

    def _ended(self, followed: _Followed, error: KubeError | None) -> None:
        """Of a watch that ended in time, as they all do, or because of an error, or could not begin."""
        now = time.monotonic()
        stood = followed.stands(now)
        is_wrong = isinstance(error, BadAnswer) and not isinstance(error, Interrupted)
        if isinstance(error, Expired) or (is_wrong and (stood or followed.failures)):  # it is not to be gone on from
            followed.revision, followed.was_heard, followed.is_lost = None, False, True
        followed.pause(now, failed=not stood)
        if error is None or stood or isinstance(error, Expired) or self._stopped.is_set():
            return
        if followed.trouble is not type(error):
            followed.trouble = type(error)
            log.warning("%s; it is asked for again, at last every five minutes", printable(str(error)))

    def _context_failed(self, error: KubeError) -> None:
        """All its kinds wait for the same, and then for another session, which reads its configuration anew."""
        self._end_session()
        now = time.monotonic()
        first = max(self._followed.values(), key=lambda each: each.failures)
        first.pause(now, failed=True)
        for each in self._followed.values():
            each.failures, each.due, each.opened_at, each.was_heard = first.failures, first.due, None, False
        if self._trouble is not type(error) and not self._stopped.is_set():
            self._trouble = type(error)
            log.warning("%s; until it can be asked again, its changes start nothing", printable(str(error)))

    def _say_what_stands(self) -> None:
        """That what was in trouble is watched again, once it has been for a while."""
        now = time.monotonic()
        standing = [each for each in self._followed.values() if self._is_open(each) and each.stands(now)]
        again = [each.kind.name for each in standing if each.trouble or self._trouble]
        for each in standing:
            each.trouble, each.failures = None, 0
        if again:
            self._trouble = None
            log.info("context %s: watched again: %s", printable(self._name), ", ".join(again))
