"""Several kinds of one context, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Statements, Store, StoreError
from k8s_inventory.sync.target import Result, Run, sync_target


def sync_kinds(
    session: Session,
    stores: Sequence[Store],
    kinds: Sequence[Kind],
    *,
    run: Run,
    settings: Settings,
    statements: Statements | None = None,
) -> Iterator[Result]:
    """Syncs each kind, as many at a time as there are stores, and yields its result as it ends.

    What the database refuses fails one kind alone. The last kind goes first and by itself: if the context is dead, it
    is tried once, and the others need not wait for it.
    """
    free: SimpleQueue[Store] = SimpleQueue()
    for store in stores:
        free.put(store)

    def sync(kind: Kind) -> Result:
        store = free.get()
        try:
            return sync_target(session, store, kind, run=run, settings=settings, statements=statements)
        except StoreError as error:
            return Result(session.context.name, kind.name, Attempt(error=str(error)), error.retryable)
        finally:
            free.put(store)

    if not kinds:
        return
    yield sync(kinds[-1])
    with ThreadPoolExecutor(len(stores), thread_name_prefix="kind") as pool:
        for ended in as_completed([pool.submit(sync, kind) for kind in kinds[:-1]]):
            yield ended.result()
