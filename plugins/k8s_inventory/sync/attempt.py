"""One attempt on a target (context x kind): from its lock to its status row."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.absence import Absence, Looks
from k8s_inventory.kube.cluster_info import ClusterInfo
from k8s_inventory.kube.errors import KubeError, NoSuchPath, NotFound
from k8s_inventory.kube.session import DEAD, Session
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import printable
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Coverage, Listed, Proof, Store, StoreError, Target
from k8s_inventory.sync.history import ignored
from k8s_inventory.sync.identity import confirm, first_led_to, identify
from k8s_inventory.sync.progress import Progress
from k8s_inventory.sync.reading import FAILURES, Reading, Sink, failure
from k8s_inventory.sync.restating import restate, restate_history
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """Which run this is, and the how-manieth attempt of its task, from 1.

    An id is not one run for ever: it may be used again, and a task that is cleared is done again. `invocation` is
    another then; what an earlier one found or completed means nothing to it.
    """

    run_id: str
    attempt: int = 1
    invocation: str = ""
    mode: str = "full"
    """`incremental` and `watch` go on from where rows are, where they can."""

    @property
    def task(self) -> dict[str, Any]:
        """What tells it from others, in the database."""
        return {"run_id": self.run_id, "attempt": self.attempt, "invocation": self.invocation}


@dataclass(frozen=True)
class Result:
    """How an attempt ended, as stored; the `sink`, if there is one, holds the rows.

    `absence_proven`: the cluster serves no such kind any more, so that having no row of it is exact.
    """

    context_name: str
    kind: str
    attempt: Attempt
    absence_proven: bool = False
    sink: Sink | None = None

    @property
    def outcome(self) -> Outcome:
        return self.attempt.outcome

    @property
    def error(self) -> str | None:
        return self.attempt.error

    @property
    def retryable(self) -> bool:
        return self.attempt.retryable


class Ending:
    """How it ended, once it has; whoever reads says which `cluster` it reads from."""

    result: Result
    cluster: ClusterInfo | None = None
    proof: str | None = None


def sync_target(
    session: Session,
    store: Store,
    kind: Kind,
    *,
    run: Run,
    settings: Settings,
    statements: Mapping[str, str] | None = None,
    sink: Sink | None = None,
    progress: Progress | None = None,
) -> Result:
    """Brings the rows of one kind of one cluster up to date, and writes how that went.

    Raises `StoreError` where the database refuses; everything else that goes wrong is an outcome. However it ends, the
    status row says so.
    """
    reading = Reading(session, kind, settings, sink=sink, progress=progress)
    with attempting(
        session, store, kind, reading.attempt, run=run, settings=settings, reading=reading, statements=statements
    ) as (target, ending):
        ending.cluster = reach(session, store, run=run, settings=settings)
        reading.read(target, ending.cluster)
    return ending.result


def read_target(
    session: Session, kind: Kind, *, settings: Settings, sink: Sink, progress: Progress | None = None
) -> Result:
    """Reads one kind of one cluster into the sink, and into no database."""
    reading = Reading(session, kind, settings, sink=sink, progress=progress)
    with ended(session, kind, reading.attempt) as ending:
        ending.cluster = first_led_to(session)
        reading.read(None, ending.cluster)
    return ending.result


@contextmanager
def attempting(
    session: Session,
    store: Store,
    kind: Kind,
    attempt: Attempt,
    *,
    run: Run,
    settings: Settings,
    reading: Reading | None = None,
    statements: Mapping[str, str] | None = None,
) -> Iterator[tuple[Target, Ending]]:
    """The target under its lock, from before anything is asked of the cluster until the status row is written.

    Whatever is raised within becomes the result, but for `StoreError`: its message goes into the row where that can
    still be written, and it is raised again. Where it can not, the next holder of the lock ends the row. However the
    `reading` ended, rows that it left under other rules of redaction get those of now; but once all is stopped, nothing
    is waited for any more.
    """
    name, stopped = session.context.name, session.stopped
    wait = settings.lock_wait if run.mode == "full" else 0.0  # the next one comes soon
    with Target.locked(store, kind, name, statements=statements, wait=wait, stopped=stopped) as target:
        rules = reading.redaction_rules if reading else None
        keeps_gone = settings.event_days > 0
        target.begin(
            **vars(run), scope=attempt.scope, rules=rules, ignored=ignored(settings, kind), keeps_gone=keeps_gone
        )
        try:
            with ended(session, kind, attempt) as ending:
                yield target, ending
            if ending.proof:
                target.commit(Coverage(), Listed(attempt.outcome), Proof(kind_is_gone=ending.proof), ends=attempt)
            else:
                if reading and not target.is_ended and not stopped.is_set():
                    restate(target, reading.new_decoder())
                target.end(attempt, at_once=stopped.is_set())
            if reading and not stopped.is_set():
                restate_history(target, reading.new_decoder())
        except StoreError as error:
            with suppress(StoreError):
                target.end(Attempt(error=str(error), scope=attempt.scope), at_once=stopped.is_set())
            raise


@contextmanager
def ended(session: Session, kind: Kind, attempt: Attempt) -> Iterator[Ending]:
    """Turns what is raised within into the attempt's outcome and error, and sets `result` in the end."""
    ending = Ending()
    try:
        yield ending
    except (NotFound, NoSuchPath) as error:
        is_proven, why = _absence(session, kind, ending.cluster)
        ending.proof = why if is_proven else None
        attempt.outcome = Outcome.ABSENT if is_proven else error.outcome
        attempt.error = f"{error}; {why if is_proven else f'that it is gone is not proven, so its rows stay: {why}'}"
        attempt.retryable = attempt.outcome is not Outcome.ABSENT
    except FAILURES as error:
        attempt.outcome, attempt.error, attempt.retryable = failure(error, session)
        attempt.whole_context = session.dead is not None
    except StoreError:
        raise
    except Exception as error:
        # No more than the class: other texts may quote an object.
        where = f"{session.context.name}, {kind.name}"
        log.error("context %s", printable(where), exc_info=without_texts(error))
        attempt.outcome, attempt.retryable = Outcome.FAILED, False
        attempt.error = (
            f"context {session.context.name}, {kind.name}: an error that nobody foresaw ended it "
            f"({type(error).__name__}); the log has its traceback"
        )
    ending.result = Result(session.context.name, kind.name, attempt, ending.proof is not None)


def _absence(session: Session, kind: Kind, cluster: ClusterInfo | None) -> Absence:
    """Whether the kind is gone from the cluster that was identified, and what proves it or does not."""
    if cluster is None:
        return Absence(False, "it is not known which cluster this is")
    found = session.kept(Looks).absence(kind)
    try:
        confirm(session, cluster, wrote=False)
    except KubeError as error:
        return Absence(False, str(error))
    return found


def reach(session: Session, store: Store, *, run: Run, settings: Settings) -> ClusterInfo:
    """The cluster that the context leads to; raises a `KubeError` where that is another than before.

    A context that can not be used costs its timeouts once a run, not once a kind. One that is held open outlasts that.
    """
    dead = store.dead_in_run(**run.task, context_name=session.context.name) if run.mode != "watch" else None
    if dead and session.dead is None:
        session.dead = DEAD[dead["outcome"]](dead["error"])
        session.dead.retryable = dead["retryable"]
    return identify(session, store, settings)
