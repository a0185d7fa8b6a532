"""One target (context x kind), from its lock to its status row."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from k8s_inventory.collector import DECODER_VERSION, Decoder, Envelope, UndecodableObject
from k8s_inventory.kinds import Kind
from k8s_inventory.kube.cluster import ClusterInfo, read_cluster
from k8s_inventory.kube.discovery import proof_of_absence
from k8s_inventory.kube.errors import BadAnswer, ContextError, KubeError, NoSuchPath, NotFound, Unreachable, Unsupported
from k8s_inventory.kube.listing import Listing, Page
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, LastComplete, Statements, Store, StoreError, Target
from k8s_inventory.sync.identity import region, repointed
from k8s_inventory.sync.redaction import redaction_of

log = logging.getLogger(__name__)


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


class SinkError(Exception):
    """What kept a sink from taking rows; the message names the object if one is at fault."""


class Sink(Protocol):
    """Takes every row of a target, changed or not. Its methods raise `SinkError`, which ends the attempt."""

    def start(self) -> None:
        """A listing begins. Not always the first: what came before it counts no more."""

    def add(self, columns: list[list[Any]]) -> None:
        """A page's rows: the values of each of `Kind.columns`."""


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

    Raises `StoreError` where the database refuses; every failure of the cluster is an outcome instead.
    """
    context_name = session.context.name
    with Target.locked(store, kind, context_name, statements=statements, wait=settings.lock_wait) as target:
        target.begin(run_id=run.run_id, attempt=run.attempt)
        attempt = Attempt()

        def read() -> str | None:
            refuse_dead_context(session, store, run)
            cluster = identify(session, target, settings)
            return _read(session, kind, settings, attempt, target=target, cluster=cluster, sink=sink)

        try:
            result, fingerprint = _attempted(read, session, kind, attempt)
            if result.absence_proven:
                target.end_proven_absent(attempt)
            else:
                target.end(attempt, fingerprint=fingerprint)
        except StoreError as error:
            with suppress(StoreError):  # where the session itself is lost, the next holder of the lock ends the row
                target.end(Attempt(error=str(error)))
            raise
        return result


def read_target(session: Session, kind: Kind, *, settings: Settings, sink: Sink) -> Result:
    """Reads one kind of one cluster into the sink, and into no database."""
    attempt = Attempt()
    result, _ = _attempted(lambda: _read(session, kind, settings, attempt, sink=sink), session, kind, attempt)
    return result


def _attempted(
    read: Callable[[], str | None], session: Session, kind: Kind, attempt: Attempt
) -> tuple[Result, str | None]:
    """Runs the listing; what goes wrong with the cluster becomes the attempt's outcome and error."""
    name = session.context.name
    fingerprint, retryable, proof = None, True, None
    try:
        fingerprint = read()
    except (NotFound, NoSuchPath) as error:
        proof = proof_of_absence(session, kind)
        attempt.outcome = "absent" if proof else error.outcome
        attempt.error = f"{error}; {proof or 'that it is gone is not proven, so its rows stay'}"
        retryable = attempt.outcome == "failed"
    except KubeError as error:
        attempt.outcome, attempt.error, retryable = error.outcome, str(error), error.retryable
    except (UndecodableObject, SinkError) as error:
        attempt.outcome, attempt.error = "failed", f"context {name}, {error}; no row was changed"
    return Result(name, kind.name, attempt, retryable, absence_proven=proof is not None), fingerprint


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
    cluster = read_cluster(session)
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


def _read(
    session: Session,
    kind: Kind,
    settings: Settings,
    attempt: Attempt,
    *,
    target: Target | None = None,
    cluster: ClusterInfo | None = None,
    sink: Sink | None = None,
) -> str | None:
    """Lists the kind into the staging of the target and into the sink; returns the fingerprint of what it wrote."""
    decoder = Decoder(kind, redaction_of(settings, kind))
    # Where every object is decoded in the end, it is at once; else no further than to see whether it changed.
    item: type[Any] = decoder.item if sink else Envelope
    listing: Listing[Any] = Listing(session, kind, item=item, page_size=settings.page_size)
    last = target.last_complete() if target else None
    fingerprint: str | None = None
    for page in listing.pages():
        if page.number == 1:
            attempt.pages = attempt.objects = attempt.bytes = 0
            attempt.resource_version = page.resource_version
            if target and cluster and last:
                fingerprint = _fingerprint(kind, cluster, settings, page.api_version)
                target.start_staging(rewrite=settings.verify or _must_rewrite(last, fingerprint, page.resource_version))
            if sink:
                sink.start()
        versions = _versions(page, session, kind)
        wanted = target.see(list(versions), list(versions.values())) if target else []
        total = len(page.items)
        if sink:
            _to_sink(sink, decoder, page, target, wanted)
        elif target and wanted:
            target.stage(decoder.rows(page.body, api_version=page.api_version, wanted=wanted, total=total))
        attempt.pages += 1
        attempt.objects += total
        attempt.bytes += len(page.body)
        _log_page(session, kind, page, len(wanted))
    attempt.outcome = "partial" if listing.incomplete else "complete"
    attempt.error = listing.incomplete
    return fingerprint


def _to_sink(sink: Sink, decoder: Decoder, page: Page[Any], target: Target | None, wanted: Sequence[int]) -> None:
    """All rows of the page to the sink, those wanted to the target, too."""
    total = len(page.items)
    items = None if _is_raw(page.items) else page.items
    of_target = set(wanted)
    start = 0
    for columns in decoder.columns(
        page.body, api_version=page.api_version, wanted=range(total), total=total, items=items
    ):
        sink.add(columns)
        if target and of_target:
            target.stage(row for index, row in enumerate(zip(*columns, strict=True), start) if index in of_target)
        start += len(columns[0])


def _log_page(session: Session, kind: Kind, page: Page[Any], written: int) -> None:
    facts = {
        "context": session.context.name,
        "kind": kind.name,
        "page": page.number,
        "objects": len(page.items),
        "to_write": written,
        "bytes": len(page.body),
        "milliseconds": round(page.seconds * 1000),
    }
    message = (
        "context %(context)s, %(kind)s, page %(page)d: %(objects)d objects, %(to_write)d to write, %(bytes)d bytes, "
    )
    log.debug(message + "%(milliseconds)d ms", facts, extra=facts)


def _is_raw(items: list[Any]) -> bool:
    return bool(items) and isinstance(items[0], msgspec.Raw)


def _versions(page: Page[Any], session: Session, kind: Kind) -> dict[str, str]:
    """Version by uid, in the order of the page."""
    items = page.items
    try:
        if _is_raw(items):
            items = [msgspec.json.decode(item, type=Envelope) for item in items]
        versions = {item.metadata.uid: item.metadata.resource_version or "" for item in items}
    except msgspec.DecodeError:
        versions = {}
    if len(versions) < len(items) or versions.keys() & {"", None}:
        refusal = Unsupported if kind.shared_by else BadAnswer
        raise refusal(
            f"context {session.context.name}, {kind.name}, page {page.number}: objects without a uid of their own; "
            "such a list can not be stored"
        )
    return versions


def _must_rewrite(last: LastComplete, fingerprint: str, resource_version: str) -> bool:
    """Whether equal versions prove nothing: other rules than last time, or a cluster that went back in time."""
    if last.verify_due or last.fingerprint != fingerprint:
        return True
    stored = last.resource_version or ""
    if not (stored.isdecimal() and resource_version.isdecimal()):
        return True
    return int(resource_version) < int(stored)


def _fingerprint(kind: Kind, cluster: ClusterInfo, settings: Settings, api_version: str) -> str:
    """Everything that a row depends on beside its object's version."""
    parts = (DECODER_VERSION, kind, redaction_of(settings, kind), api_version, cluster.uid, cluster.version)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
