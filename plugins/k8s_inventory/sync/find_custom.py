"""Which kinds without a declaration a context has: what it serves now, and what the inventory still holds."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from k8s_inventory.kinds import CUSTOM_OBJECTS, Kind, is_declared
from k8s_inventory.kinds.custom import as_json, custom_kind_named, from_json, is_custom
from k8s_inventory.kube.discovery import Discovery, describe, discover
from k8s_inventory.kube.errors import BadAnswer, NoSuchPath, NotFound
from k8s_inventory.kube.session import Session
from k8s_inventory.outcome import Outcome
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store
from k8s_inventory.sync.attempt import Result, Run, attempting, ended, reach
from k8s_inventory.sync.identity import confirm
from k8s_inventory.sync.selection import Custom


def find_custom(
    session: Session, store: Store, custom: Custom, *, run: Run, settings: Settings
) -> tuple[Result, list[Kind]]:
    """What `choose` returns, with a status row of its own: the target `custom`.

    Kinds that the inventory holds come even if discovery lacks them: their listing then proves that they are gone,
    or not. What one task of a run has found, the others take from it.
    """
    name = session.context.name
    attempt = Attempt()
    kinds: list[Kind] = []
    with attempting(session, store, CUSTOM_OBJECTS, attempt, run=run, settings=settings) as (_, ending):
        cluster = reach(session, store, run=run, settings=settings)
        known = [kind for kind in store.known_kinds(name) if is_custom(kind)]
        of_run = {"run_id": run.run_id, "invocation": run.invocation, "context_name": name}
        noted = _noted(store.discovery(**of_run))
        kinds, found = _choose(session, custom, settings, attempt, known, noted)
        confirm(session, cluster, wrote=False)
        if not found.failed and noted is None:
            store.discovered([as_json(kind) for kind in found.kinds.values()], **of_run)
    return ending.result, kinds


def _noted(found: Any) -> Discovery | None:
    """What another task of the run noted; None where nothing was, or what is no such note: then it is asked anew."""
    if not isinstance(found, list):
        return None
    try:
        return Discovery({kind.name: kind for kind in map(from_json, found)})
    except ValueError:
        return None


def choose(session: Session, custom: Custom, settings: Settings) -> tuple[Result, list[Kind]]:
    """The kinds of this context that `custom` chooses, and how discovery went.

    A group that can not be discovered makes that `failed`; the kinds of all others are returned.
    """
    attempt = Attempt()
    kinds: list[Kind] = []
    with ended(session, CUSTOM_OBJECTS, attempt) as ending:
        kinds, _ = _choose(session, custom, settings, attempt)
    return ending.result, kinds


def _choose(
    session: Session,
    custom: Custom,
    settings: Settings,
    attempt: Attempt,
    known: Collection[str] = (),
    found: Discovery | None = None,
) -> tuple[list[Kind], Discovery]:
    """The kinds, and what they were chosen from; sets the attempt's outcome. Raises a `KubeError`."""
    if found is None:
        try:
            found = discover(session)
        except (NotFound, NoSuchPath) as error:
            raise BadAnswer(str(error)) from None  # no kind is gone by it
        described = describe(
            session,
            list(found.kinds.values()),
            page_size=settings.page_size,
            most_columns=settings.max_printer_columns,
        )
        found = Discovery({kind.name: kind for kind in described}, found.failed)
    lacking = {each: custom_kind_named(each) for each in (*known, *custom.explicit) if each not in found.kinds}
    every = {**found.kinds, **lacking}.values()  # names of the database among them, which anybody may have written
    kinds = [kind for kind in every if custom.takes(kind.name) and not is_declared(kind)]
    attempt.outcome, attempt.objects = Outcome.COMPLETE, len(kinds)
    failed = {group: why for group, why in found.failed.items() if custom.takes(f"*.{group}")}
    if failed:
        reasons = "; ".join(f"{group}: {why}" for group, why in sorted(failed.items()))
        attempt.outcome = Outcome.FAILED
        attempt.error = (
            f"context {session.context.name}: what these API groups serve could not be had, so kinds of theirs may be "
            f"missing; their rows stay. {reasons}. Mend them, or leave them out: resources=-*.GROUP"
        )
    return kinds, found
