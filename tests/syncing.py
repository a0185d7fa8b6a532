"""Kinds of one session through the engine of both front doors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, Sync, Targets
from k8s_inventory.sync.selection import NONE


def sync_kinds(
    session: Session,
    open_store: Callable[[], Store],
    kinds: Sequence[Kind],
    *,
    run: Run,
    settings: Settings,
    hold: float = 0.0,
    custom: Custom = NONE,
) -> Generator[Result]:
    """Syncs each kind, `settings.kinds_at_once` at a time, and yields its result as it ends."""
    targets = [Targets(session.context.name, lambda: session, kinds, custom)]
    at_once = settings.kinds_at_once
    return Sync(targets, run=run, settings=settings, open_store=open_store, kinds_at_once=at_once, hold=hold).results()
