"""Several kinds of one context, some at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store, StoreError
from k8s_inventory.sync.attempt import Result, Run, sync_target


def sync_kinds(
    session: Session,
    stores: Sequence[Store],
    kinds: Sequence[Kind],
    *,
    run: Run,
    settings: Settings,
    statements: Mapping[str, str] | None = None,
) -> Iterator[Result]:
    """Syncs each kind, as many at a time as there are stores, and yields its result as it ends.

    What the database refuses fails one kind alone. The last kind goes first and by itself: if the
    context is dead, it is tried once, and the others need not wait for it. The threads keep no process from ending.
    """
    waiting: SimpleQueue[Kind] = SimpleQueue()
    ended: SimpleQueue[Result] = SimpleQueue()

    def sync(kind: Kind, store: Store) -> Result:
        try:
            return sync_target(session, store, kind, run=run, settings=settings, statements=statements)
        except StoreError as error:
            return Result(session.context.name, kind.name, Attempt(error=str(error), retryable=error.retryable))

    def work(store: Store) -> None:
        with suppress(Empty):
            while True:
                ended.put(sync(waiting.get_nowait(), store))

    for some, at_once in ((kinds[-1:], 1), (kinds[:-1], len(stores))):
        for kind in some:
            waiting.put(kind)
        for store in stores[: min(at_once, len(some))]:
            threading.Thread(target=work, args=(store,), name="kind", daemon=True).start()
        for _ in some:
            yield ended.get()
