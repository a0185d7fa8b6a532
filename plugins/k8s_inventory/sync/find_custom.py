"""Which kinds without a declaration a context has: what it serves now, and what the inventory still holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from k8s_inventory.kinds import CUSTOM_OBJECTS, Kind, is_declared
from k8s_inventory.kinds.custom import as_json, custom_kind_named, from_json, is_custom
from k8s_inventory.kube.absence import Looks, Seen
from k8s_inventory.kube.discovery import Definitions, Discovery, describe
from k8s_inventory.kube.errors import BadAnswer, NoSuchPath, NotFound
from k8s_inventory.kube.session import Session
from k8s_inventory.outcome import Outcome
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store
from k8s_inventory.sync.attempt import Result, Run, attempting, ended, reach
from k8s_inventory.sync.identity import confirm
from k8s_inventory.sync.reading import redaction_rules
from k8s_inventory.sync.selection import Custom


def find_custom(
    session: Session, store: Store, custom: Custom, *, run: Run, settings: Settings
) -> tuple[Result, list[Kind]]:
    """What `choose` returns, with a status row of its own: the target `custom`.

    Kinds that the inventory holds come even if discovery lacks them: their listing then proves that they are gone,
    or not. Where discovery fails, they are all, and are not listed: each says so, and stricter rules reach its rows.
    What one task of a run has found, the others take from it, if it is proven to be all there is.
    """
    name = session.context.name
    attempt = Attempt()
    kinds: list[Kind] | None = None
    with attempting(session, store, CUSTOM_OBJECTS, attempt, run=run, settings=settings) as (_, ending):
        cluster = reach(session, store, run=run, settings=settings)
        known = _Known(_called(store, name, settings), partial(store.versions_read, name))
        of_run = {"run_id": run.run_id, "invocation": run.invocation, "context_name": name}
        noted = _noted(store.discovery(**of_run))
        digest = None
        if noted is None:
            digest = session.kept(Definitions).first()  # before anything else is asked
        if run.mode != "full" and digest:
            noted = _noted(store.discovery(**of_run, definitions=digest))
        chosen, seen = _choose(session, custom, settings, attempt, known, noted)
        confirm(session, cluster, wrote=False)
        kinds = chosen
        if not seen.doubt and not seen.discovery.failed and noted is None:
            store.discovered([as_json(kind) for kind in seen.discovery.kinds.values()], **of_run, definitions=digest)
    if kinds is None:
        kinds = _held_back(store, name, custom, settings, f"not read, and its rows stay: {ending.result.error}")
    return ending.result, kinds


def _called(store: Store, name: str, settings: Settings) -> dict[str, str | None]:
    """The custom kinds that the inventory holds of a context, and what each is called: those that may have rows, and
    those whose former values are by other rules of redaction than those of now."""
    known = [row for row in store.known_kinds(name) if is_custom(row["kind"])]
    return {
        row["kind"]: row["called"]
        for row in known
        if not row["is_gone"]
        or row["history_rules"] != redaction_rules(settings, custom_kind_named(row["kind"], called=row["called"]))
    }


def _held_back(store: Store, name: str, custom: Custom, settings: Settings, why: str) -> list[Kind]:
    """The kinds that the inventory holds of a context."""
    read_in = store.versions_read(name)
    known = {each: called for each, called in _called(store, name, settings).items() if custom.takes(each)}
    kinds = [custom_kind_named(each, read_in.get(each, "v1"), called) for each, called in known.items()]
    return [replace(kind, held_back=why) for kind in kinds if not is_declared(kind)]


def _noted(found: Any) -> Seen | None:
    """What another task of the run noted; None where nothing was, or what is no such note: then it is asked anew."""
    if not isinstance(found, list):
        return None
    try:
        return Seen(Discovery({kind.name: kind for kind in map(from_json, found)}))
    except ValueError:
        return None


def choose(session: Session, custom: Custom, settings: Settings) -> tuple[Result, list[Kind]]:
    """The kinds of this context that `custom` chooses, and how discovery went.

    A group that can not be discovered makes that `failed`; the kinds of all others are returned. So does an API server
    that does not show all it has. Where only the rights are lacking to know whether it does, `warning` says so: rows of
    kinds that are not returned must stay.

    A kind that may be served by another source than the one that its rows are of comes `held_back`.
    """
    attempt = Attempt()
    kinds: list[Kind] = []
    with ended(session, CUSTOM_OBJECTS, attempt) as ending:
        kinds, _ = _choose(session, custom, settings, attempt, _Known())
    return ending.result, kinds


@dataclass(frozen=True)
class _Known:
    """What the inventory holds of a context: kinds by name, with what each is called, and in which version rows of
    kinds were read."""

    kinds: Mapping[str, str | None] = field(default_factory=dict)
    versions_read: Callable[[], dict[str, str]] = dict


def _choose(
    session: Session,
    custom: Custom,
    settings: Settings,
    attempt: Attempt,
    known: _Known,
    seen: Seen | None = None,
) -> tuple[list[Kind], Seen]:
    """The kinds, and what they were chosen from; sets the attempt's outcome. Raises a `KubeError`."""
    if seen is None:
        try:
            seen = session.kept(Looks).seen()
        except (NotFound, NoSuchPath) as error:
            raise BadAnswer(str(error)) from None  # no kind is gone by it
        described = describe(
            session,
            list(seen.discovery.kinds.values()),
            page_size=settings.page_size,
            most_columns=settings.max_printer_columns,
        )
        seen = replace(seen, discovery=replace(seen.discovery, kinds={kind.name: kind for kind in described}))
    found = seen.discovery
    lacking = [each for each in dict.fromkeys((*known.kinds, *custom.explicit)) if each not in found.kinds]
    read_in = known.versions_read() if lacking or seen.doubt or found.unread else {}
    every = [
        *found.kinds.values(),
        *(custom_kind_named(each, read_in.get(each, "v1"), known.kinds.get(each)) for each in lacking),
    ]
    kinds = [
        replace(kind, held_back=_why_not_now(kind, seen, read_in.get(kind.name)))
        for kind in every  # names of the database among them, which anybody may have written
        if custom.takes(kind.name) and not is_declared(kind)
    ]
    _end(attempt, session.context.name, custom, seen, len(kinds))
    return kinds, seen


def _why_not_now(kind: Kind, seen: Seen, read_in: str | None) -> str:
    """Why what now serves the kind may be another source than the one that its rows are of; empty where it is not.

    A group may have several: a CRD's version, and another that an aggregated API server answers for. Where one of them
    can not be had, a kind is read in no other version than its rows were: those of the other would be taken for gone.
    """
    found = seen.discovery
    is_found, is_as_before = kind.name in found.kinds, read_in == kind.version
    if kind.group in found.unread and not (is_found and is_as_before):
        now = f"shows it in version {kind.version}" if is_found else "does not show it"
        before = f"its rows were read in {read_in}" if read_in else "nobody knows in which it should be read"
        return (
            f"not read, and its rows stay: not all of its API group could be had ({found.failed[kind.group]}), which "
            f"now {now}; {before}. Mend that API server, or delete its APIService if it is gone for good"
        )
    if seen.doubt and is_found and read_in and not is_as_before and read_in not in found.served.get(kind.group, ()):
        return (
            f"not read, and its rows stay: they were read in version {read_in}, which the API server does not show any "
            f"more, and whether that is gone is not proven: {seen.doubt}"
        )
    return ""


def _end(attempt: Attempt, name: str, custom: Custom, seen: Seen, chosen: int) -> None:
    attempt.outcome, attempt.objects = Outcome.COMPLETE, chosen
    failed = {group: why for group, why in seen.discovery.failed.items() if custom.takes(f"*.{group}")}
    if seen.doubt and seen.lacks_right:
        attempt.warning = (
            f"context {name}: that it serves no other custom kinds is not proven, so that rows of those that seem "
            f"to be gone stay. {seen.doubt}"
        )
    elif seen.doubt:
        attempt.outcome = Outcome.FAILED
        attempt.error = (
            f"context {name}: its API server may serve more custom kinds than it shows now; all rows of those stay. "
            f"{seen.doubt}. Run it again; if it recurs, look at `kubectl get --raw /readyz?verbose`"
        )
    if failed:
        reasons = "; ".join(f"{group}: {why}" for group, why in sorted(failed.items()))
        attempt.outcome = Outcome.FAILED
        attempt.error = (
            f"context {name}: what these API groups serve could not be had, so kinds of theirs may be "
            f"missing; their rows stay. {reasons}. Mend them, or leave them out: resources=-*.GROUP"
        )
