"""All that is stored of a context, deleted on the user's word."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from k8s_inventory.kinds import TABLES, Kind
from k8s_inventory.store.database import Store
from k8s_inventory.store.refusals import LOST_LOCK, StoreError, TargetBusy, explained, holder
from k8s_inventory.store.statements import forget_rows, sql

_POLL_SECONDS = 0.2


def forget_context(
    store: Store, context_name: str, kinds: Iterable[Kind] = TABLES, *, wait: float = 60.0
) -> dict[str, int]:
    """Deletes all rows of a context, in one transaction, while nobody writes it; returns rows by table.

    Waits `wait` seconds at most for those that write or forget it. Whoever comes later waits for this. Raises
    `TargetBusy`, naming who is in the way, and `StoreError` where there is no such context.
    """
    doing, of_context = f"forgetting {context_name}", {"context_name": context_name}
    with explained(doing), _alone(store, context_name, doing, wait) as lock, store.connection.transaction():
        if not store.rows("lock_held", lock):
            raise StoreError(f"{doing}: {LOST_LOCK}")
        deleted = {}
        for kind in kinds:
            for each in (kind, kind.kept) if kind.kept_in else (kind,):
                deleted[each.table] = store.connection.execute(forget_rows(each).encode(), of_context).rowcount
        known = [store.connection.execute(statement.encode(), of_context).rowcount for statement in _of_a_context()]
        if not any((*deleted.values(), *known)):
            there_is = ", ".join(store.known_contexts()) or "none"
            raise StoreError(f"context {context_name} is not in the inventory; there is: {there_is}")
        _refuse_left(store, doing, context_name, [*deleted, "k8s_changes"])
    return deleted


def _refuse_left(store: Store, doing: str, context_name: str, tables: Iterable[str]) -> None:
    """What a trigger or a rule of others keeps raises nothing, and nobody would know of it any more."""
    query = "SELECT 1 FROM {} WHERE context_name = %s LIMIT 1"
    left = [each for each in tables if store.connection.execute(query.format(each).encode(), [context_name]).fetchone()]
    if left:
        raise StoreError(
            f"{doing}: a trigger or a rule of yours on {', '.join(left)} keeps rows of it. "
            "Change or drop it: nothing was deleted"
        )


def _of_a_context() -> list[str]:
    names: tuple[str, ...] = (
        "changes",
        "runs",
        "all_parts",
        "revisions",
        "targets",
        "discovery",
        "sources",
        "answers",
        "context",
    )
    names += ("dead_locks",)
    return [sql(f"forget_{name}") for name in names]


@contextmanager
def _alone(store: Store, context_name: str, doing: str, wait: float) -> Iterator[dict[str, Any]]:
    """While nobody writes the context, and nobody begins to; yields the lock that says so.

    It is that of a target without a name: it is taken first, and then looked who holds others. A target's is taken
    first, too, and then looked for this one (`Target`): so one of the two sees the other, whatever comes between.
    """
    lock = {"context_name": context_name, "kind": "", "number": secrets.randbits(63)}
    deadline = time.monotonic() + wait
    try:
        while not store.rows("lock", lock):
            store.unlock(lock)
            _wait(deadline, f"{doing}: another task is at it")
        while held := store.rows("held_locks", {**lock, "forgetting": False}):
            _wait(deadline, f"{doing}: {held[0]['kind']} is still being written by {holder(held[0])}")
        yield lock
    finally:
        store.unlock(lock)


def _wait(deadline: float, problem: str) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TargetBusy(f"{problem}, so nothing was deleted: try again later, or end what is in the way")
    time.sleep(min(_POLL_SECONDS, left))
