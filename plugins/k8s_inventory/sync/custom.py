"""Which kinds without a declaration a context has: what it serves now, and what the inventory still holds."""

from __future__ import annotations

from collections.abc import Collection

from k8s_inventory.kinds import CUSTOM_OBJECTS, Kind
from k8s_inventory.kinds.custom import custom_kind_named, is_custom
from k8s_inventory.kube.discovery import described, discover
from k8s_inventory.kube.errors import KubeError
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store, Target
from k8s_inventory.sync.plan import Custom
from k8s_inventory.sync.target import Result, Run, identify, refuse_dead_context


def find_custom(
    session: Session, store: Store, custom: Custom, *, run: Run, settings: Settings
) -> tuple[Result, list[Kind]]:
    """The kinds of this context that `custom` chooses, and how discovery went, as a target of its own: `custom`.

    A group that can not be discovered makes that target `failed`; the kinds of all others are returned. Kinds that
    the inventory holds come even if discovery lacks them: their listing then proves that they are gone, or not.
    """
    name, attempt, kinds, retryable = session.context.name, Attempt(), [], True
    with Target.locked(store, CUSTOM_OBJECTS, name, wait=settings.lock_wait) as target:
        target.begin(run_id=run.run_id, attempt=run.attempt)
        try:
            refuse_dead_context(session, store, run)
            identify(session, target, settings)
            known = [kind for kind in store.known_kinds(name) if is_custom(kind)]
            kinds, attempt.error = choose(session, custom, settings, known)
            attempt.objects = len(kinds)
            attempt.outcome = "failed" if attempt.error else "complete"
        except KubeError as error:
            attempt.outcome, attempt.error, retryable = error.outcome, str(error), error.retryable
        target.end_without_rows(attempt)
    return Result(name, CUSTOM_OBJECTS.name, attempt, retryable), kinds


def choose(
    session: Session, custom: Custom, settings: Settings, known: Collection[str] = ()
) -> tuple[list[Kind], str | None]:
    """The kinds, and what keeps them from being all. Raises a `KubeError` where there is no discovery at all."""
    found = discover(session)
    explicit = [pattern for pattern in custom.include if not set(pattern) & set("*?[")]
    for name in (*known, *explicit):
        if name not in found.kinds:
            found.kinds[name] = custom_kind_named(name)
    kinds = described(
        session, [kind for kind in found.kinds.values() if custom.takes(kind.name)], page_size=settings.page_size
    )
    failed = {group: why for group, why in found.failed.items() if custom.takes(f"x.{group}")}
    if not failed:
        return kinds, None
    reasons = "; ".join(f"{group}: {why}" for group, why in sorted(failed.items()))
    return kinds, (
        f"context {session.context.name}: what these API groups serve could not be had, so kinds of theirs may be "
        f"missing; no row was changed for it. {reasons}. Mend them, or leave them out: resources=-*.GROUP"
    )
