"""One target (context x kind), from its lock to its status row."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass

from k8s_inventory.collector import DECODER_VERSION, Decoder, Envelope, UndecodableObject
from k8s_inventory.kinds import Kind
from k8s_inventory.kube.cluster import ClusterInfo, proof_of_absence, read_cluster
from k8s_inventory.kube.errors import BadAnswer, ContextError, KubeError, NoSuchPath, NotFound, Unreachable
from k8s_inventory.kube.listing import Listing, Page
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, LastComplete, Statements, Store, StoreError, Target
from k8s_inventory.sync.identity import region, repointed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """Which run this is, and the how-manieth attempt of its task, from 1."""

    run_id: str
    attempt: int = 1


@dataclass(frozen=True)
class Result:
    """How an attempt ended, as stored, and whether a later attempt may do better."""

    context_name: str
    kind: str
    attempt: Attempt
    retryable: bool


def sync_target(
    session: Session,
    store: Store,
    kind: Kind,
    *,
    run: Run,
    settings: Settings,
    statements: Statements | None = None,
) -> Result:
    """Brings the rows of one kind of one cluster up to date, and writes how that went.

    Raises `StoreError` where the database refuses; every failure of the cluster is an outcome instead.
    """
    context_name = session.context.name
    with Target.locked(store, kind, context_name, statements=statements, wait=settings.lock_wait) as target:
        target.begin(run_id=run.run_id, attempt=run.attempt)
        attempt = Attempt()
        fingerprint: str | None = None
        retryable = True
        try:
            _refuse_dead_context(session, store, run)
            cluster = _identify(session, target, settings)
            fingerprint = _read(session, target, kind, settings, cluster, attempt)
            target.end(attempt, fingerprint=fingerprint)
        except (NotFound, NoSuchPath) as error:
            _end_unserved(session, target, kind, attempt, error)
            retryable = attempt.outcome == "failed"
        except KubeError as error:
            attempt.outcome, attempt.error, retryable = error.outcome, str(error), error.retryable
            target.end(attempt)
        except UndecodableObject as error:
            attempt.outcome, attempt.error = "failed", f"context {context_name}, {error}; no row was changed"
            target.end(attempt)
        except StoreError as error:
            attempt = Attempt(error=str(error))
            with suppress(StoreError):  # where the session itself is lost, the next holder of the lock ends the row
                target.end(attempt)
            raise
        return Result(context_name, kind.name, attempt, retryable)


def _refuse_dead_context(session: Session, store: Store, run: Run) -> None:
    """A context that does not answer costs its timeout once a run, not once a kind."""
    name = session.context.name
    dead = store.unreachable_in_run(run_id=run.run_id, attempt=run.attempt, context_name=name)
    if dead:
        raise Unreachable(f"{dead.removesuffix(_NOT_TRIED)}{_NOT_TRIED}")


_NOT_TRIED = " (found by another task of this run; not tried again)"


def _identify(session: Session, target: Target, settings: Settings) -> ClusterInfo:
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
    session: Session, target: Target, kind: Kind, settings: Settings, cluster: ClusterInfo, attempt: Attempt
) -> str | None:
    """Lists the kind into the staging of the target; returns the fingerprint of what it wrote."""
    last = target.last_complete()
    decoder = Decoder(kind, redact_env=settings.redact_env)
    listing = Listing(session, kind, item=Envelope, page_size=settings.page_size)
    fingerprint: str | None = None
    for page in listing.pages():
        if page.number == 1:
            attempt.pages = attempt.objects = attempt.bytes = 0
            attempt.resource_version = page.resource_version
            fingerprint = _fingerprint(kind, cluster, settings, page.api_version)
            target.start_staging(rewrite=settings.verify or _must_rewrite(last, fingerprint, page.resource_version))
        versions = _versions(page, session, kind)
        wanted = target.see(list(versions), list(versions.values()))
        if wanted:
            rows = decoder.rows(page.body, api_version=page.api_version, wanted=wanted, total=len(page.items))
            target.stage(rows)
        attempt.pages += 1
        attempt.objects += len(versions)
        attempt.bytes += len(page.body)
        log.debug(
            "context %s, %s, page %d: %d objects, %d to write, %d bytes, %.0f ms",
            *(
                session.context.name,
                kind.name,
                page.number,
                len(page.items),
                len(wanted),
                len(page.body),
                page.seconds * 1000,
            ),
        )
    attempt.outcome = "partial" if listing.incomplete else "complete"
    attempt.error = listing.incomplete
    return fingerprint


def _versions(page: Page[Envelope], session: Session, kind: Kind) -> dict[str, str]:
    """Version by uid, in the order of the page."""
    versions = {item.metadata.uid: item.metadata.resource_version for item in page.items}
    if "" in versions or len(versions) < len(page.items):
        raise BadAnswer(
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
    parts = (DECODER_VERSION, kind, settings.redact_env, api_version, cluster.uid, cluster.version)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _end_unserved(session: Session, target: Target, kind: Kind, attempt: Attempt, error: NotFound | NoSuchPath) -> None:
    """The cluster answered 404: its rows go only where discovery proves that the kind is gone."""
    proof = proof_of_absence(session, kind)
    attempt.outcome = "absent" if proof else error.outcome
    attempt.error = f"{error}; {proof or 'that it is gone is not proven, so its rows stay'}"
    if proof:
        target.end_proven_absent(attempt)
    else:
        target.end(attempt)
