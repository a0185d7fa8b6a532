"""Several kinds of one context, some at a time."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from queue import SimpleQueue

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.session import Session
from k8s_inventory.printable import printable
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store, StoreError
from k8s_inventory.sync.attempt import Result, Run, sync_target
from k8s_inventory.sync.writing import Writer, attempted

log = logging.getLogger(__name__)


def sync_kinds(
    session: Session,
    open_store: Callable[[], Store],
    kinds: Sequence[Kind],
    *,
    run: Run,
    settings: Settings,
    statements: Mapping[str, str] | None = None,
) -> Iterator[Result]:
    """Syncs each kind, `settings.kinds_at_once` at a time, and yields its result as it ends.

    Each has a session of its own, opened by `open_store` in any thread, and replaced when it is lost. What the database
    refuses, or nobody foresaw, fails one kind alone. The last kind goes first and by itself: if the context is dead, it
    is tried once, and the others need not wait for it. The threads keep no process from ending.
    """

    def sync(kind: Kind, writer: Writer) -> Result:
        def work(store: Store) -> Result:
            return sync_target(session, store, kind, run=run, settings=settings, statements=statements)

        return attempted(writer, session, kind, work, run=run, settings=settings)

    def failed(kind: Kind, error: Exception) -> Result:
        name = session.context.name
        if isinstance(error, StoreError):
            return Result(name, kind.name, Attempt(error=str(error), retryable=error.retryable))
        log.error("context %s, %s", printable(name), printable(kind.name), exc_info=error)
        message = f"context {name}, {kind.name}: {type(error).__name__}; the task's log has more"
        return Result(name, kind.name, Attempt(error=message, retryable=False))

    with ExitStack() as stack:
        at_once = max(1, min(settings.kinds_at_once, len(kinds)))
        writers = [stack.enter_context(Writer(open_store, stopped=session.stopped)) for _ in range(at_once)]
        for some, workers in ((kinds[-1:], writers[:1]), (kinds[:-1], writers)):
            queue = _Queue(some, len(workers))
            for writer in workers:
                threading.Thread(target=queue.work, args=(writer, sync, failed), name="kind", daemon=True).start()
            for _ in some:
                yield queue.ended.get()


class _Queue:
    """Kinds that wait for one of some workers.

    A worker that can have no session leaves them to the others, as long as there are any: it would be done with all of
    them in no time.
    """

    def __init__(self, kinds: Iterable[Kind], workers: int) -> None:
        self.ended: SimpleQueue[Result] = SimpleQueue()
        self._waiting = deque(kinds)
        self._workers = workers
        self._lock = threading.Lock()

    def work(
        self,
        writer: Writer,
        sync: Callable[[Kind, Writer], Result],
        failed: Callable[[Kind, Exception], Result],
    ) -> None:
        while (kind := self._next()) is not None:
            try:
                result = sync(kind, writer)
            except StoreError as error:
                if self._leave(kind):
                    return
                result = failed(kind, error)
            except Exception as error:  # noqa: BLE001 - whoever waits for the result would wait for ever
                result = failed(kind, error)
            self.ended.put(result)

    def _next(self) -> Kind | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._workers -= 1
            return None

    def _leave(self, kind: Kind) -> bool:
        """Gives a kind back for others to take; False where none are left to take it."""
        with self._lock:
            if self._workers == 1:
                return False
            self._waiting.appendleft(kind)
            self._workers -= 1
            return True
