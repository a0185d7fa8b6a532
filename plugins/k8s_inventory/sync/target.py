"""One target (context x kind), from its lock to its status row."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.absence import Looks
from k8s_inventory.kube.cluster import ClusterInfo, read_cluster
from k8s_inventory.kube.errors import BadAnswer, ContextError, NoSuchPath, NotFound, Unreachable
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Statements, Store, StoreError, Target
from k8s_inventory.sync.identity import region, repointed
from k8s_inventory.sync.reading import FAILURES, Reading, Sink, failure


@dataclass(frozen=True)
class Run:
    """Which run this is, and the how-manieth attempt of its task, from 1."""

    run_id: str
    attempt: int = 1


@dataclass(frozen=True)
class Result:
    """How an attempt ended, as stored, and whether a later attempt may do better.

    `absence_proven`: the cluster serves no such kind any more, so that having no row of it is exact.
    """

    context_name: str
    kind: str
    attempt: Attempt
    retryable: bool
    absence_proven: bool = False


def sync_target(
    session: Session,
    store: Store,
    kind: Kind,
    *,
    run: Run,
    settings: Settings,
    statements: Statements | None = None,
    sink: Sink | None = None,
) -> Result:
    """Brings the rows of one kind of one cluster up to date, and writes how that went.

    Raises `StoreError` where the database refuses; every failure of the cluster is an outcome instead. However it
    ends, the status row says so.
    """
    context_name = session.context.name
    with Target.locked(store, kind, context_name, statements=statements, wait=settings.lock_wait) as target:
        reading = Reading(session, kind, settings, target=target, sink=sink)
        target.begin(run_id=run.run_id, attempt=run.attempt, scope=reading.attempt.scope)

        def read() -> None:
            refuse_dead_context(session, store, run)
            reading.read(identify(session, target, settings))

        try:
            result = _attempted(read, reading)
            if result.absence_proven:
                target.end_proven_absent(reading.attempt)
            elif reading.in_parts:
                target.end_without_rows(reading.attempt)
            else:
                target.end(reading.attempt, fingerprint=reading.fingerprint)
        except Exception as error:
            with suppress(StoreError):  # where the session itself is lost, the next holder of the lock ends the row
                target.end(Attempt(error=unforeseen(error, session, kind), scope=reading.attempt.scope))
            raise
        return result


def unforeseen(error: Exception, session: Session, kind: Kind) -> str:
    """The message for what ended a target and is no outcome. Of what is no `StoreError` it has no more than the
    class: other texts may quote an object."""
    if isinstance(error, StoreError):
        return str(error)
    return f"context {session.context.name}, {kind.name}: {type(error).__name__}; the task's log has more"


def read_target(session: Session, kind: Kind, *, settings: Settings, sink: Sink) -> Result:
    """Reads one kind of one cluster into the sink, and into no database."""
    reading = Reading(session, kind, settings, sink=sink)
    return _attempted(reading.read, reading)


def _attempted(read: Callable[[], None], reading: Reading) -> Result:
    """Runs the listing; what goes wrong with the cluster becomes the attempt's outcome and error."""
    session, kind, attempt = reading.session, reading.kind, reading.attempt
    retryable, proven = True, False
    try:
        read()
        retryable = reading.retryable
    except (NotFound, NoSuchPath) as error:
        proven, why = session.kept(Looks).absence(kind)
        attempt.outcome = "absent" if proven else error.outcome
        attempt.error = f"{error}; {why if proven else f'that it is gone is not proven, so its rows stay: {why}'}"
        retryable = attempt.outcome == "failed"
    except FAILURES as error:
        attempt.outcome, attempt.error, retryable = failure(error, session)
    return Result(session.context.name, kind.name, attempt, retryable, absence_proven=proven)


def refuse_dead_context(session: Session, store: Store, run: Run) -> None:
    """A context that does not answer costs its timeout once a run, not once a kind."""
    name = session.context.name
    dead = store.unreachable_in_run(run_id=run.run_id, attempt=run.attempt, context_name=name)
    if dead:
        raise Unreachable(f"{dead.removesuffix(_NOT_TRIED)}{_NOT_TRIED}")


_NOT_TRIED = " (found by another task of this run; not tried again)"


def identify(session: Session, target: Target, settings: Settings) -> ClusterInfo:
    """Refuses a context that leads to another cluster than last time, unless the user says it may."""
    name = session.context.name
    try:
        cluster = read_cluster(session)
    except (NotFound, NoSuchPath) as error:
        raise BadAnswer(str(error)) from None  # that the kind is gone could only be proven of a cluster that is known
    difference = repointed(target.cluster(), cluster)
    if difference and name not in settings.accept_repointed:
        raise ContextError(
            f"context {name} leads to another cluster than before: {difference}. Its rows stay. If this is "
            f"meant, run once with accept_repointed={name} (they are then replaced), or give the new cluster "
            "another context name"
        )
    target.cluster_seen(
        repointed=difference is not None,
        cluster_uid=cluster.uid or None,
        server=cluster.server,
        ca_fingerprint=cluster.ca_fingerprint,
        version=cluster.version,
        provider=cluster.provider,
        region=region(cluster.server),
    )
    return cluster
