"""A session with the database that is replaced when it is lost, and the row of the target that was lost with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.session import Session
from k8s_inventory.outcome import Outcome
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store, StoreError, Target, TargetBusy
from k8s_inventory.sync.attempt import Result, Run

PATIENCE = 30.0
"""Seconds for which a database that can not be reached is tried again. A server that was restarted is there by then."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class Writer:
    """One session at a time, for one thread; opened when it is first needed, and anew once it was lost.

    Where the database could not be reached for `PATIENCE`, it is tried no more than once each time it is asked for. One
    that `is_spare` does not wait for its first session: the database may have no more to give, and others do its work.
    """

    def __init__(
        self, open_store: Callable[[], Store], *, stopped: threading.Event | None = None, is_spare: bool = False
    ) -> None:
        self._open_store = open_store
        self._stopped = stopped or threading.Event()
        self._store: Store | None = None
        self._is_patient = not is_spare
        self._failing_since: float | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def cancel(self) -> None:
        """Ends the statement that its thread is at, if there is one."""
        if (store := self._store) is not None:
            store.cancel()

    @property
    def is_lost(self) -> bool:
        """Whether it has no session that could be asked anything."""
        return self._store is None or self._store.is_lost

    def store(self) -> Store:
        """Raises `StoreError` where no session can be had."""
        if self._store is None or self._store.is_lost:
            self.close()
            self._store = None
            self._store = self._opened()
        return self._store

    def _opened(self) -> Store:
        pause = _FIRST_PAUSE
        while True:
            try:
                store = self._open_store()
            except StoreError as error:
                now = time.monotonic()
                self._failing_since = self._failing_since or now
                waits = error.retryable and self._is_patient and now - self._failing_since < PATIENCE
                if not waits or self._stopped.wait(pause):
                    raise
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._failing_since, self._is_patient = None, True
                return store


def attempted(
    writer: Writer,
    session: Session,
    kind: Kind,
    work: Callable[[Store], Result],
    *,
    run: Run,
    settings: Settings,
) -> Result:
    """What the work on a target returns; what the database refuses is a result, too.

    A target that lost its session is failed, and has its row in the status, written in the next session. What keeps the
    first session from being opened is raised.
    """
    store = writer.store()
    name = session.context.name
    try:
        return work(store)
    except TargetBusy as error:
        if run.mode == "full":
            return Result(name, kind.name, Attempt(error=str(error), retryable=True))
        return left_to_another(store, kind, name, str(error), run=run)
    except StoreError as error:
        message = str(error)
        if writer.is_lost:
            message += ". Its database session was lost; a new one is opened, and the next attempt reads it again"
            with suppress(StoreError):  # where no session can be had, there is none to write the row in
                _note_lost(writer.store(), session, kind, message, run=run, settings=settings)
        return Result(name, kind.name, Attempt(error=message, retryable=error.retryable))


def left_to_another(store: Store, kind: Kind, context_name: str, why: str, *, run: Run, scope: str = "all") -> Result:
    """Of a target that another run writes; nothing is lost by leaving it to that."""
    error = f"context {context_name}, {kind.name}: left to another run, which writes it at this time: {why}"
    store.note_busy(**vars(run), context_name=context_name, kind=kind.name, scope=scope, error=error)
    return Result(context_name, kind.name, Attempt(outcome=Outcome.BUSY, error=error, scope=scope))


def _note_lost(store: Store, session: Session, kind: Kind, message: str, *, run: Run, settings: Settings) -> None:
    name = session.context.name
    if not store.end_lost(**run.task, context_name=name, kind=kind.name, error=message):  # it was lost at the lock
        with Target.locked(store, kind, name, wait=settings.lock_wait, stopped=session.stopped) as target:
            target.begin(**vars(run))
            target.end(Attempt(error=message))
