"""One attempt's listing of a target: whole, or in parts that are stored one by one."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Protocol

import msgspec

from k8s_inventory.collector import DECODER_VERSION, Columns, Decoder, Envelope, PrinterBounds, UndecodableObject
from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.kube.cluster import ClusterInfo
from k8s_inventory.kube.confirming import is_gone
from k8s_inventory.kube.errors import BadAnswer, Forbidden, KubeError, NoSuchPath, NotFound, Unsupported
from k8s_inventory.kube.listing import LONGEST_VERSION, Listing, Page
from k8s_inventory.kube.session import UNREADABLE, Session
from k8s_inventory.mending import cut
from k8s_inventory.printable import ReportedError, printable
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, LastComplete, Part, Target
from k8s_inventory.sync.redaction import redaction_of
from k8s_inventory.sync.scope import Scope, scope_of

log = logging.getLogger(__name__)

MOST_CONFIRMATIONS = 1000
"""Requests for single objects that one listing under a selector may make, to learn which are gone."""

MOST_NAMESPACES = 100_000

ROWS_TO_DATABASE, ROWS_TO_SINK = 50, 250
"""Rows that are made at once. The database works on some while the next are made; Arrow's arrays are best long."""


class SinkError(ReportedError):
    """What kept a sink from taking rows; the message names the object if one is at fault."""


class Sink(Protocol):
    """Takes every row of a target, changed or not. Its methods raise `SinkError`, which ends the attempt."""

    def start(self) -> None:
        """A listing begins. Not always the first: what came before it counts no more."""

    def add(self, columns: Columns) -> None:
        """Some of the rows."""


FAILURES = (KubeError, UndecodableObject, SinkError)
"""What ends an attempt, and none beside it."""


def failure(error: Exception, session: Session) -> tuple[str, str, bool]:
    """Outcome, message and whether a later attempt may do better."""
    if isinstance(error, KubeError):
        return error.outcome, str(error), error.retryable
    return "failed", f"context {session.context.name}, {error}; no row was changed", True


class _Name(msgspec.Struct, frozen=True, gc=False):
    class Metadata(msgspec.Struct, frozen=True, gc=False):
        name: str = ""
        uid: str = ""

    metadata: Metadata


class Reading:
    """Lists one kind into the staging of a target, into a sink, or into both.

    What is narrower than the whole kind is read in parts (`in_parts`), each of which is merged, and prunes what it
    covered, in a transaction of its own. `attempt` is what came of it all.
    """

    def __init__(
        self,
        session: Session,
        kind: Kind,
        settings: Settings,
        *,
        target: Target | None = None,
        sink: Sink | None = None,
    ) -> None:
        self.session = session
        self.kind = kind
        self.attempt = Attempt()
        self.fingerprint: str | None = None
        self.retryable = True
        self._settings = settings
        self._target = target
        self._sink = sink
        self._sink_started = False
        self._redaction = redaction_of(settings, kind)
        self._bounds = PrinterBounds(
            settings.max_printer_columns, settings.max_printer_values, settings.max_printer_bytes
        )
        self._decoder = Decoder(kind, self._redaction, self._bounds)
        self._cluster: ClusterInfo | None = None
        self._decodes_all = True
        self._cover(scope_of(settings, kind))

    def _cover(self, scope: Scope) -> None:
        self.scope = scope
        self.in_parts = not scope.is_whole
        self.attempt.scope = str(scope)

    def read(self, cluster: ClusterInfo | None = None) -> None:
        """Sets `attempt` and `fingerprint`. Raises one of `FAILURES`."""
        self._cluster = cluster
        self._read()
        for message in self._decoder.warnings():
            self._warn(message)
        if self._decodes_all and self.attempt.outcome == "complete" and self.attempt.objects:
            for path in sorted(self._decoder.unmatched_paths):
                objects = self.attempt.objects
                self._warn(f"the path {path} of the setting `redact` leads nowhere in any of its {objects} objects")

    def _warn(self, message: str) -> None:
        """Says, in the log and in the attempt's row, what to know although the attempt may succeed."""
        warning = cut(printable(f"context {self.session.context.name}, {self.kind.name}: {message}"))
        log.warning("%s", warning)
        self.attempt.warning = "\n".join(filter(None, (self.attempt.warning, warning)))

    def _read(self) -> None:
        live: list[str] | None = None
        if self.scope.namespaces is None:
            try:
                self._read_at_once()
                return
            except Forbidden as error:
                if not self.kind.namespaced or self.attempt.pages:  # or rights were lost on the way
                    raise
                try:
                    live = self._live_namespaces()
                except KubeError:
                    raise error from None
                log.info("%s; reading namespace by namespace", error)
                self._cover(replace(self.scope, namespaces=("*",)))
        elif self.scope.needs_namespaces:
            live = self._live_namespaces()
        self._read_by_namespace(self.scope.names(live), live)

    def _read_at_once(self) -> None:
        if self.in_parts:
            self._read_part(Part(selection=self.scope.selection), self.attempt)
        else:
            self._list(None, self.attempt)

    def _live_namespaces(self) -> list[str]:
        """Every namespace there is now. Raises a `KubeError` where that can not be had."""
        listing = Listing(self.session, KINDS["namespaces"], item=_Name, page_size=self._settings.page_size)
        found = islice(listing.items(), MOST_NAMESPACES + 1)
        names = list(dict.fromkeys(each.metadata.name for each in found))
        if len(names) > MOST_NAMESPACES:
            raise BadAnswer(
                f"context {self.session.context.name}: it has more than {MOST_NAMESPACES} namespaces, which can not be "
                "read one by one"
            )
        if "" in names:
            raise BadAnswer(f"context {self.session.context.name}, namespaces: one has no name")
        return names

    def _read_by_namespace(self, names: Sequence[str], live: Sequence[str] | None) -> None:
        """Each namespace for itself; one that fails keeps its rows and stops no other, unless all would fail so."""
        ended: dict[str, Attempt] = {}
        for name in names:
            part = ended[name] = Attempt()
            try:
                self._read_part(Part(name, self.scope.selection), part)
            except FAILURES as error:
                part.outcome, part.error, _ = failure(error, self.session)
                if isinstance(error, NotFound | NoSuchPath) and not _has_complete(ended):
                    raise  # it is a question about the kind
                if self._target:
                    self._target.end_part(Part(name, self.scope.selection), part)
            if part.outcome in ("unauthorized", "unreachable"):
                break
        self._sum_up(ended, len(names))
        if self._target and live:  # a cluster without any namespace is none; better keep
            self.attempt.deleted += self._target.prune_gone_namespaces(live)

    def _sum_up(self, ended: dict[str, Attempt], total: int) -> None:
        attempt = self.attempt
        for name in ("pages", "objects", "changed", "deleted", "bytes", "redacted"):
            setattr(attempt, name, sum(getattr(each, name) for each in ended.values()))
        failed = {name: each for name, each in ended.items() if each.outcome != "complete"}
        if not failed:
            attempt.outcome = "complete"
            return
        attempt.outcome = next(each for each in _WORST_FIRST if each in {part.outcome for part in failed.values()})
        self.retryable = attempt.outcome in ("unreachable", "failed", "partial")
        shown = ", ".join(list(failed)[:10]) + (f" and {len(failed) - 10} more" if len(failed) > 10 else "")
        first = next(part for part in failed.values() if part.outcome == attempt.outcome)
        attempt.error = (
            f"context {self.session.context.name}, {self.kind.name}: {total - len(ended) + len(failed)} of {total} "
            f"namespaces are not complete, their rows stay: {shown}. {first.error}"
        )

    def _read_part(self, part: Part, attempt: Attempt) -> None:
        """Raises one of `FAILURES`, before anything of the part is stored."""
        version = self._list(part, attempt)
        if self._target:
            gone = self._confirmed_gone(part, version) if part.selection and attempt.outcome == "complete" else None
            self._target.end_part(part, attempt, fingerprint=self.fingerprint, gone=gone)

    def _confirmed_gone(self, part: Part, version: str) -> list[str]:
        """Of the stored objects that the selection lacks, those that are gone and have not just left it."""
        assert self._target
        label_selector = self.scope.label_selector or None
        missing = self._target.missing(part, label_selector=label_selector, most=MOST_CONFIRMATIONS)
        gone = []
        unconfirmed: list[KubeError] = []
        end = time.monotonic() + self.session.limits.listing_timeout
        for uid, namespace, name in missing:
            try:
                where: dict[str, Any] = {"namespace": namespace or None, "name": name, "uid": uid}
                if is_gone(self.session, self.kind, version, **where, seconds=end - time.monotonic()):
                    gone.append(uid)
            except KubeError as error:
                unconfirmed.append(error)
        if unconfirmed:
            count = len(unconfirmed)
            self._warn(
                f"whether {count} stored objects are gone could not be confirmed, so they stay: {unconfirmed[0]}"
            )
        if len(missing) == MOST_CONFIRMATIONS:
            self._warn(
                f"{MOST_CONFIRMATIONS} stored objects that the selection lacks were looked for; "
                "others may stay until a later listing looks for them"
            )
        return gone

    def _list(self, part: Part | None, attempt: Attempt) -> str:
        """Lists one part, or the whole, into staging and sink; returns the version of the group that was read."""
        session, kind, target, sink, decoder = self.session, self.kind, self._target, self._sink, self._decoder
        # Where every object is decoded in the end, it is at once; else no further than to see whether it changed.
        whole = sink is not None
        listing: Listing[Any] = Listing(
            session,
            kind,
            item=decoder.item if whole else Envelope,
            page_size=self._settings.page_size,
            namespace=part.namespace or None if part else None,
            selectors=self.scope.selectors,
        )
        last = target.last_complete(part) if target else None
        first = True
        for page in listing.pages():
            if page.number == 1:
                attempt.pages = attempt.objects = attempt.bytes = attempt.redacted = 0
                attempt.resource_version = page.resource_version
                if target and last:
                    self._start_staging(target, last, page, part)
                if sink:
                    self._start_sink(sink, again=not first)
                first = False
            versions = _versions(page, session, kind)
            listing.brought(versions)
            wanted = target.see(list(versions), list(versions.values())) if target else []
            total = len(page.items)
            self._take(page, wanted, page.items if whole and not _is_raw(page.items) else None)
            like_this = sink is not None or (0 < len(wanted) == total and decoder.item is not msgspec.Raw)
            if whole is not like_this:  # pages are mostly like the one before
                whole = like_this
                listing.decode_items_to(decoder.item if whole else Envelope)
            attempt.pages += 1
            attempt.objects += total
            attempt.bytes += len(page.body)
            attempt.redacted += decoder.redacted
            decoder.redacted = 0
            _log_page(session, kind, page, len(wanted))
        attempt.outcome = "partial" if listing.incomplete else "complete"
        attempt.error = listing.incomplete
        return listing.version

    def _take(self, page: Page[Any], wanted: Sequence[int], items: Sequence[Any] | None) -> None:
        """All rows of the page to the sink, those wanted to the target. `items` where they are decoded already."""
        target, sink, total = self._target, self._sink, len(page.items)
        columns = partial(
            self._decoder.columns,
            page.body,
            api_version=page.api_version,
            total=total,
            is_mended=page.is_mended,
        )
        if sink is None:
            if target and wanted:
                items = items and [items[index] for index in wanted]
                target.stage(columns(wanted=wanted, items=items, at_once=ROWS_TO_DATABASE))
            return
        of_target = set(wanted)
        start = 0
        for made in columns(wanted=range(total), items=items, at_once=ROWS_TO_SINK):
            sink.add(made)
            count = len(made[0])
            if target and (chosen := [index for index in range(count) if start + index in of_target]):
                target.stage([[[values[index] for index in chosen] for values in made]])
            start += count

    def _start_staging(self, target: Target, last: LastComplete, page: Page[Any], part: Part | None) -> None:
        self.fingerprint = self._fingerprint(page.api_version) + (part.selection if part else "")
        rewrite = (
            self._settings.verify
            or not _is_defined(self.kind)
            or _must_rewrite(last, self.fingerprint, page.resource_version)
        )
        self._decodes_all &= rewrite or self._sink is not None
        target.start_staging(rewrite=rewrite)

    def _start_sink(self, sink: Sink, *, again: bool) -> None:
        """A sink forgets as a whole, so what it has of other namespaces must not be forgotten for one of them."""
        if again and self.scope.namespaces is not None:
            raise SinkError(f"{self.kind.name}: the snapshot of a namespace expired, and its rows were sent already")
        if again or not self._sink_started:
            sink.start()
        self._sink_started = True

    def _fingerprint(self, api_version: str) -> str:
        """Everything that a row depends on beside its object's version."""
        cluster = (self._cluster.uid, self._cluster.version) if self._cluster else ()
        bounds = (self._bounds,) if self.kind.printer_columns else ()
        parts = (DECODER_VERSION, self.kind, self._redaction, api_version, *cluster, *bounds)
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _has_complete(parts: Mapping[str, Attempt]) -> bool:
    return any(each.outcome == "complete" for each in parts.values())


_WORST_FIRST = ("unauthorized", "unreachable", "failed", "partial", "forbidden", "absent", "unsupported")


def _log_page(session: Session, kind: Kind, page: Page[Any], written: int) -> None:
    facts = {
        "context": printable(session.context.name),
        "kind": printable(kind.name),
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
    except (*UNREADABLE, AttributeError):  # no metadata at all
        versions = {}
    if len(versions) < len(items) or versions.keys() & {"", None}:
        refusal = Unsupported if kind.shared_by else BadAnswer
        raise refusal(
            f"context {session.context.name}, {kind.name}, page {page.number}: objects without a uid of their own; "
            "such a list can not be stored"
        )
    if "\0" in "".join((*versions, *versions.values())):
        raise BadAnswer(
            f"context {session.context.name}, {kind.name}, page {page.number}: a uid or resourceVersion holds U+0000; "
            "such a list can not be stored"
        )
    if max(map(len, (*versions, *versions.values())), default=0) > LONGEST_VERSION:
        raise BadAnswer(
            f"context {session.context.name}, {kind.name}, page {page.number}: a uid or resourceVersion has more than "
            f"{LONGEST_VERSION} characters; such a list can not be stored"
        )
    return versions


def _is_defined(kind: Kind) -> bool:
    """Whether it is known what makes its objects read as they do. It is not of an aggregated API, nor of a CRD that may
    not be read: its objects may read otherwise at equal versions, so they are always compared."""
    return not kind.shared_by or kind.revision != ""


def _must_rewrite(last: LastComplete, fingerprint: str, resource_version: str) -> bool:
    """Whether equal versions prove nothing: other rules than last time, or a cluster that went back in time."""
    if last.verify_due or last.fingerprint != fingerprint:
        return True
    stored = last.resource_version or ""
    if not (stored.isdecimal() and resource_version.isdecimal()):
        return True
    return int(resource_version) < int(stored)
