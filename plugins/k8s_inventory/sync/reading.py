"""One attempt's listing of a target: whole, or in parts that are stored one by one."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import islice
from typing import Any, Protocol

import msgspec

from k8s_inventory.collector import (
    DECODER_VERSION,
    BareEnvelope,
    Columns,
    Decoder,
    Envelope,
    EnvelopeMetadata,
    PrinterBounds,
    UndecodableObject,
    last_write,
    names,
    redaction_of,
)
from k8s_inventory.decoders import decoder
from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.kinds.custom import as_json
from k8s_inventory.kube.cluster_info import ApiServers, ClusterInfo, as_number
from k8s_inventory.kube.confirming import is_gone
from k8s_inventory.kube.errors import BadAnswer, Forbidden, KubeError, NoSuchPath, NotFound, Unsupported
from k8s_inventory.kube.listing import LONGEST_VERSION, Listing, Page, are_few
from k8s_inventory.kube.session import UNREADABLE, Session
from k8s_inventory.kube.watching import Event
from k8s_inventory.mending import cut, shallow
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import ReportedError, printable
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Coverage, LastComplete, Listed, MetadataFirst, Proof, Revision, Target
from k8s_inventory.sync.identity import confirm
from k8s_inventory.sync.progress import Progress
from k8s_inventory.sync.scope import Scope, scope_of

log = logging.getLogger(__name__)

MOST_CONFIRMATIONS = 1000
"""Requests for single objects that one listing under a selector may make, to learn which are gone."""

MOST_NAMESPACES = 100_000

LEAST_BYTES = 1 << 18
"""Of a listing for which it is worth while to ask for the metadata first: below, what counts is how often one asks."""

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

    def close(self) -> None:
        """Nobody wants the rows any more."""


FAILURES = (KubeError, UndecodableObject, SinkError)
"""What ends an attempt, and none beside it."""


def failure(error: Exception, session: Session) -> tuple[Outcome, str, bool]:
    """Outcome, message and whether a later attempt may do better."""
    if isinstance(error, KubeError):
        return error.outcome, str(error), error.retryable
    return Outcome.FAILED, f"context {session.context.name}, {error}; no row was changed", True


@dataclass(frozen=True)
class _Fetching:
    """What was asked for of a page of metadata: to be taken as `item`, and what each object wanted is made of."""

    parts: Iterator[tuple[Page[Any], int | None]]
    item: type[Any]
    wanted: Sequence[int]
    made_of: Sequence[str]


class _Name(msgspec.Struct, frozen=True, gc=False):
    class Metadata(msgspec.Struct, frozen=True, gc=False):
        name: str = ""
        uid: str = ""

    metadata: Metadata


def redaction_rules(settings: Settings, kind: Kind) -> str:
    """What tells these settings of redaction from others that would leave something else of this kind."""
    return _hash(DECODER_VERSION, redaction_of(settings, kind))


class Reading:
    """Lists one kind into the staging of a target, into a sink, or into both.

    What is narrower than the whole kind is read in parts, each of which is committed by itself. `attempt` is what came
    of it all. What rows are made of (`made_of`) begins with `redaction_rules`.
    """

    def __init__(
        self,
        session: Session,
        kind: Kind,
        settings: Settings,
        *,
        sink: Sink | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.session = session
        self.kind = kind
        self.attempt = Attempt()
        self._settings = settings
        self._target: Target | None = None
        self._sink = sink
        self._progress = progress or Progress()
        self._sink_started = False
        self._redaction = redaction_of(settings, kind)
        self._bounds = PrinterBounds(
            settings.max_printer_columns, settings.max_printer_values, settings.max_printer_bytes
        )
        self.redaction_rules = redaction_rules(settings, kind)
        self._cluster: ClusterInfo
        self._decodes_all = True
        self._cover(scope_of(settings, kind))

    @cached_property
    def _decoder(self) -> Decoder:
        """Made when it is needed: of most kinds a watch brings nothing."""
        return self.new_decoder()

    def new_decoder(self) -> Decoder:
        """A decoder by the rules of now."""
        return Decoder(self.kind, self._redaction, self._bounds)

    def _cover(self, scope: Scope) -> None:
        self._scope = scope
        self.attempt.scope = str(scope)

    def read(self, target: Target | None, cluster: ClusterInfo) -> None:
        """Reads from the cluster that the session was seen to lead to; sets `attempt`. Raises one of `FAILURES`."""
        self._target, self._cluster = target, cluster
        live: list[str] | None = None
        if self._scope.namespaces is None:
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
                self._cover(replace(self._scope, namespaces=("*",)))
        elif self._scope.needs_namespaces:
            live = self._live_namespaces()
        names = self._scope.names(live)
        if self._target and live is not None:
            # Of namespaces that are not in the list there may be objects: a proxy lists those of a tenant alone, and a
            # namespace that was deleted by force leaves its objects behind. They are listed, too.
            names = list(dict.fromkeys((*names, *self._scope.names(self._target.namespaces_stored()))))
        self._read_by_namespace(names)
        if self._target and live is not None:
            self._target.forget_gone_parts(live)

    def _read_at_once(self) -> None:
        coverage, listed, attempt = self._scope.coverage(), Listed(), self.attempt
        try:
            proof = self._list(coverage, listed)
        finally:
            attempt.take(listed)
        attempt.outcome, attempt.error, attempt.retryable = listed.outcome, listed.error, listed.retryable
        attempt.resource_version = listed.resource_version
        self._warn_of_decoding()
        if self._target:
            self._target.commit(coverage, listed, proof, ends=attempt)

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
        confirm(self.session, self._cluster, wrote=False)
        return names

    def _read_by_namespace(self, names: Sequence[str]) -> None:
        """Each namespace for itself; one that fails keeps its rows and stops no other, unless all would fail so."""
        ended: dict[str, Listed] = {}
        for name in names:
            coverage, listed, proof = self._scope.coverage(name), Listed(), None
            ended[name] = listed
            try:
                proof = self._list(coverage, listed)
            except FAILURES as error:
                listed.outcome, listed.error, listed.retryable = failure(error, self.session)
                if isinstance(error, NotFound | NoSuchPath) and not _has_complete(ended):
                    raise  # it is a question about the kind
            if self._target:
                self._target.commit(coverage, listed, proof)
            if listed.outcome in (Outcome.UNAUTHORIZED, Outcome.UNREACHABLE):
                break
        self.attempt.take(*ended.values())
        self._sum_up(ended, len(names))
        self._warn_of_decoding()

    def _sum_up(self, ended: dict[str, Listed], total: int) -> None:
        attempt = self.attempt
        failed = {name: each for name, each in ended.items() if each.outcome is not Outcome.COMPLETE}
        if not failed:
            attempt.outcome = Outcome.COMPLETE
            return
        worst = max(failed.values(), key=lambda listed: listed.outcome.severity)
        attempt.outcome = worst.outcome
        attempt.retryable = any(each.retryable for each in failed.values() if each.outcome is worst.outcome)
        shown = ", ".join(list(failed)[:10]) + (f" and {len(failed) - 10} more" if len(failed) > 10 else "")
        attempt.error = (
            f"context {self.session.context.name}, {self.kind.name}: {total - len(ended) + len(failed)} of {total} "
            f"namespaces are not complete, their rows stay: {shown}. {worst.error}"
        )

    def _warn(self, message: str) -> None:
        """Says, in the log and in the attempt's row, what to know although the attempt may succeed."""
        warning = cut(printable(f"context {self.session.context.name}, {self.kind.name}: {message}"))
        log.warning("%s", warning)
        self.attempt.warning = "\n".join(filter(None, (self.attempt.warning, warning)))

    def _warn_of_decoding(self) -> None:
        for message in self._decoder.warnings():
            self._warn(message)
        if self._decodes_all and self.attempt.outcome is Outcome.COMPLETE and self.attempt.objects:
            for path in sorted(self._decoder.unmatched_paths):
                objects = self.attempt.objects
                self._warn(f"the path {path} of the setting `redact` leads nowhere in any of its {objects} objects")

    def _confirmed_gone(self, coverage: Coverage, version: str) -> tuple[str, ...]:
        """Of the stored objects that the selection lacks, those that are gone and have not just left it."""
        assert self._target
        missing = self._target.missing(coverage, most=MOST_CONFIRMATIONS, labels_are_whole=not self._redaction.by_rule)
        return self._confirmed(missing, version)

    def _confirmed(self, missing: Sequence[tuple[str, str | None, str]], version: str) -> tuple[str, ...]:
        """Of these objects (uid, namespace, name), those that are gone."""
        gone = []
        unconfirmed: list[KubeError] = []
        end = time.monotonic() + self.session.limits.listing_timeout
        for uid, namespace, name in missing[:MOST_CONFIRMATIONS]:
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
        if len(missing) >= MOST_CONFIRMATIONS:
            self._warn(
                f"{MOST_CONFIRMATIONS} stored objects that the selection lacks were looked for; "
                "others may stay until a later listing looks for them"
            )
        return tuple(gone)

    def _list(self, coverage: Coverage, listed: Listed) -> Proof | None:
        """Lists the coverage into staging and sink, and sets `listed`; returns what shows that more is gone.

        Raises one of `FAILURES`, before anything of it is stored.
        """
        session, kind, target, sink, decoder = self.session, self.kind, self._target, self._sink, self._decoder
        api_servers = session.kept(ApiServers).first() if target else None
        # Where every object is decoded in the end, it is at once; else no further than to see whether it changed.
        whole = sink is not None
        last = target.last_complete(coverage) if target else None
        listing: Listing[Any] = Listing(
            session,
            kind,
            item=decoder.item if whole else Envelope,
            page_size=self._settings.page_size,
            namespace=coverage.namespace,
            selectors=coverage.selectors,
            asks_metadata=last is not None and self._asks_metadata(last),
        )
        first = True
        duplicates, proof = 0, None
        as_metadata = changed = 0  # pages
        sent: set[int] = set()  # hashes of uids, where no database knows them
        fetching: _Fetching | None = None
        for page in listing.pages():
            if page.number == 1:
                fetching = None
                self._has_read(-listed.objects, -listed.pages)
                listed.pages = listed.objects = listed.bytes = listed.redacted = 0
                listed.resource_version = page.resource_version or None
                duplicates = as_metadata = changed = 0
                sent.clear()
                decoder.unstored.clear()
                if target and last:
                    listed.snapshot_at = self._start_staging(target, last, page)
                if sink:
                    self._start_sink(sink, again=not first)
                first = False
            versions, last_writes = _versions(page, session, kind)
            listing.brought(versions)
            total = len(page.items)
            wanted: list[int] = []
            made_of: list[str] = []
            repeated = 0
            if target:
                made_of = [f"{self._by}{each:08x}" for each in last_writes]
                wanted, again = target.see(list(versions), list(versions.values()), made_of)
                if again:
                    listed.bytes += self._take_fetched(fetching)
                    fetching = None
                    repeated = len(again)
                    wanted = sorted((*wanted, *self._newer(target, page, versions, again)))
            else:
                hashes = set(map(hash, versions))
                repeated = len(hashes & sent)
                sent |= hashes
            duplicates += repeated
            listed.bytes += self._take_fetched(fetching)
            fetching = None
            if page.is_metadata:
                as_metadata += 1
                fetching = self._fetch(listing, page, wanted, made_of)
                if page.is_last or not are_few(len(wanted), total):  # only what is asked for one by one is under way
                    listed.bytes += self._take_fetched(fetching)
                    fetching = None
            else:
                self._take(page, wanted, made_of, page.items if whole and not _is_raw(page.items) else None)
            is_changed = not are_few(len(wanted), total)
            changed += is_changed
            listing.judge(asks_metadata=not is_changed)
            like_this = sink is not None or (0 < len(wanted) == total and decoder.item is not msgspec.Raw)
            if whole is not like_this:  # pages are mostly like the one before
                whole = like_this
                listing.decode_items_to(decoder.item if whole else Envelope)
            listed.pages += 1
            listed.objects += total - repeated
            self._has_read(total - repeated, 1)
            listed.bytes += len(page.body)
            listed.redacted += decoder.redacted
            decoder.redacted = 0
            _log_page(session, kind, page, len(wanted))
        incomplete = listing.incomplete
        if duplicates:
            incomplete = incomplete or f"{duplicates} objects came on two pages" + (
                ", of which the newest is stored" if target else ""
            )
        if decoder.unstored:
            incomplete = (
                incomplete or f"{decoder.unstored} can not be read; of their rows no more than the names is certain"
            )
        if last and (how := self._how_to_read_next(listing, listed, changed, as_metadata)) != last.metadata_first:
            listed.metadata_first = how
        listed.outcome = Outcome.PARTIAL if incomplete else Outcome.COMPLETE
        listed.error = incomplete
        if target and coverage.selection and listed.outcome is Outcome.COMPLETE:
            proof = Proof(gone=self._confirmed_gone(coverage, listing.version))
        is_settled = confirm(session, self._cluster, wrote=target is not None and target.has_staged)
        if target and (not is_settled or decoder.unstored):
            target.unsettle()
        elif target and listed.outcome is Outcome.COMPLETE and coverage.namespace is None:
            listed.revision = self._revision(coverage, listing.version, listed.resource_version, api_servers)
        return proof

    def _has_read(self, objects: int, pages: int) -> None:
        self._progress.add(self.session.context.name, self.kind.name, objects=objects, pages=pages)

    # -- watching ------------------------------------------------------------------------------------

    def can_go_on(self, since: Revision, cluster: ClusterInfo, version: str, *, verify_due: bool) -> bool:
        """Whether what is stored, up to `since`, was read as it would be now, so that what came later is enough."""
        self._cluster = cluster
        if self._settings.verify or verify_due or self._scope.namespaces is not None:
            return False
        return since == self._revision(self._scope.coverage(), version, since.number, since.api_servers)

    @property
    def coverage(self) -> Coverage:
        """Of what is read at once."""
        return self._scope.coverage()

    def _revision(
        self, coverage: Coverage, version: str, number: str | None, api_servers: str | None
    ) -> Revision | None:
        """From where a watch may go on. None where revisions can not be compared, or nobody knows whether what defines
        the kind is as it was."""
        if as_number(number) is None or not api_servers or self._cluster.version is None:
            return None
        if self.kind.shared_by and not self.kind.revision:
            return None
        by = self.redaction_rules + self._rest_of_rules(self.kind.api_version(version)) + _hash(coverage)
        return Revision(str(number), by, api_servers, as_json(self.kind) if self.kind.shared_by else None)

    def store_watched(
        self,
        target: Target,
        events: Sequence[Event],
        *,
        since: Revision,
        to: int,
        version: str,
        current_at: float | None,
        listed: Listed,
        ends: Attempt,
    ) -> tuple[Revision, int]:
        """Stores what a watch has brought since a revision: of each object, what became of it last.

        `current_at`, by the monotonic clock, is when `to` was current; None where it is not known to have been.
        Returns the revision that rows are of then, and the id of the attempt.
        Raises one of `FAILURES`, and `Moved` where somebody else was at the target.
        """
        self._target = target
        by_object = {event.uid: event for event in events}
        there = [event for event in by_object.values() if event.change != "DELETED"]
        self._has_read(len(events), 0)
        self._by = since.read_by[: -len(_hash())]
        age = time.monotonic() - current_at if current_at else 0.0
        instant = target.start_staging(rewrite=False, age=age)
        self._decodes_all = False
        if there:
            self._stage_watched(target, there, version, to)
        gone = {event.uid: event for event in by_object.values() if event.change == "DELETED"}
        self._refuse_replaced(target, there, gone)
        proof = Proof(deleted={uid: str(event.revision) for uid, event in gone.items()})
        if self.coverage.selection:  # it may only have left the selection
            proof = Proof(
                gone=self._confirmed([(each.uid, each.namespace, each.name) for each in gone.values()], version)
            )
            listed.lacks_rows = len(proof.gone) < len(gone)
        listed.since, listed.revision = since, replace(since, number=str(to))
        listed.resource_version, listed.redacted = str(to), self._decoder.redacted
        self._decoder.redacted = 0
        listed.outcome = Outcome.COMPLETE if current_at else Outcome.PARTIAL
        if current_at:
            listed.snapshot_at = instant
        ends.resource_version, ends.outcome, ends.error = str(to), listed.outcome, listed.error
        attempt_id = target.attempt_id
        target.commit(self.coverage, listed, proof, ends=ends)
        target.end(ends)
        return listed.revision, attempt_id

    def _refuse_replaced(self, target: Target, there: Sequence[Event], gone: Collection[str]) -> None:
        """Raises `BadAnswer` where two objects would have a name: of one that is gone a watch says so first."""
        places = {(event.namespace, event.name) for event in there}
        if len(places) < len(there) or (target.has_staged and target.replaced(list(gone))):
            raise BadAnswer(
                f"context {self.session.context.name}, {self.kind.name}: its watch brought an object by the name of "
                "another, and not that the other one is gone"
            )

    def _stage_watched(self, target: Target, events: Sequence[Event], version: str, revision: int) -> None:
        api_version = self.kind.api_version(version)
        head = msgspec.json.encode({"kind": self.kind.list_kind, "apiVersion": api_version})
        body = head[:-1] + b',"items":[' + b",".join(event.body for event in events) + b"]}"
        page: Page[Any] = Page(
            number=1,
            body=body,
            items=[msgspec.Raw(event.body) for event in events],
            api_version=api_version,
            resource_version=str(revision),
            seconds=0.0,
            asked_at=time.monotonic(),
            is_mended=any(event.is_mended for event in events),
        )
        versions, last_writes = _versions(page, self.session, self.kind)
        made_of = [f"{self._by}{each:08x}" for each in last_writes]
        wanted, _ = target.see(list(versions), list(versions.values()), made_of)
        self._take(page, wanted, made_of, None)
        if self._decoder.unstored:
            message = f"{self._decoder.unstored} can not be read"
            self._decoder.unstored.clear()
            raise BadAnswer(f"context {self.session.context.name}, {self.kind.name}: {message}")

    def _newer(
        self, target: Target, page: Page[Any], versions: Mapping[str, str], again: Sequence[int]
    ) -> Iterator[int]:
        """Of the objects on a page that an earlier one held, too, those that are newer here: to be written."""
        uids = list(versions)
        known = target.see_again([uids[position] for position in again])
        for position, (namespace, name) in zip(again, _names(page, again), strict=True):
            uid = uids[position]
            before, *place = known[uid]
            if place != [namespace, name] and "\ufffd" not in str(place):  # else it was cut, or mended
                raise _not_told_apart(self.session, self.kind, page)
            if _is_newer(versions[uid], before):
                target.unstage([uid])
                yield position

    def _take(
        self, page: Page[Any], wanted: Sequence[int], made_of: Sequence[str], items: Sequence[Any] | None
    ) -> None:
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
                made_of = [made_of[index] for index in wanted]
                target.stage(columns(wanted=wanted, items=items, at_once=ROWS_TO_DATABASE), made_of)
            return
        of_target = set(wanted)
        start = 0
        for made in columns(wanted=range(total), items=items, at_once=ROWS_TO_SINK):
            sink.add(made)
            count = len(made[0])
            if target and (chosen := [index for index in range(count) if start + index in of_target]):
                staged = [[values[index] for index in chosen] for values in made]
                target.stage([staged], [made_of[start + index] for index in chosen])
            start += count

    def _fetch(
        self, listing: Listing[Any], page: Page[Any], wanted: Sequence[int], made_of: Sequence[str]
    ) -> _Fetching | None:
        """Asks for what is wanted of a page of metadata, of which an empty one says too little: of any kind it looks
        the same."""
        if not wanted and page.items:
            return None
        item = self._decoder.item if len(wanted) > len(page.items) // 2 else Envelope
        return _Fetching(listing.fetched(page, wanted, item), item, wanted, made_of)

    def _take_fetched(self, fetching: _Fetching | None) -> int:
        """The rows of what was asked for. Returns the bytes that were read for it."""
        if fetching is None:
            return 0
        wanted, made_of, size = fetching.wanted, fetching.made_of, 0
        for part, start in fetching.parts:
            size += len(part.body)
            end = (start or 0) + len(part.items)
            if start is None:
                chosen, made = list(range(len(wanted))), [made_of[position] for position in wanted]
            else:
                chosen, made = [each - start for each in wanted if start <= each < end], list(made_of[start:end])
            decoded = fetching.item is self._decoder.item and not _is_raw(part.items)
            self._take(part, chosen, made, part.items if decoded else None)
        return size

    def _asks_metadata(self, last: LastComplete) -> bool:
        """Whether most objects can be expected to be as they were, and may then be passed over."""
        if last.metadata_first != "yes" or self._sink or self._settings.verify or self.kind.table_cells:
            return False
        return not self._must_rewrite(last, last.resource_version or "")

    def _how_to_read_next(self, listing: Listing[Any], listed: Listed, changed: int, as_metadata: int) -> MetadataFirst:
        """`changed` and `as_metadata` are pages."""
        assert self._target
        if listing.refused:
            log.info(
                "context %s, %s: from now on it is read without asking for metadata first: %s",
                printable(self.session.context.name),
                printable(self.kind.name),
                printable(listing.refused),
            )
            return "never"
        mostly_changes = changed > listed.pages // 2 and not self._target.is_rewritten
        is_small = listed.bytes < LEAST_BYTES and not as_metadata
        return "no" if mostly_changes or is_small or not listed.objects or self.kind.table_cells else "yes"

    def _start_staging(self, target: Target, last: LastComplete, page: Page[Any]) -> datetime:
        self._by = self.redaction_rules + self._rest_of_rules(page.api_version)
        rewrite = self._settings.verify or self._must_rewrite(last, page.resource_version)
        self._decodes_all &= rewrite or self._sink is not None
        return target.start_staging(rewrite=rewrite, age=time.monotonic() - page.asked_at)

    def _start_sink(self, sink: Sink, *, again: bool) -> None:
        """A sink forgets as a whole, so what it has of other namespaces must not be forgotten for one of them."""
        if again and self._scope.namespaces is not None:
            raise SinkError(f"{self.kind.name}: the snapshot of a namespace expired, and its rows were sent already")
        if again or not self._sink_started:
            sink.start()
        self._sink_started = True

    def _rest_of_rules(self, api_version: str) -> str:
        """Everything that a row depends on beside the redaction and its object."""
        cluster = self._cluster
        identity = (cluster.uid,) if cluster.uid else (cluster.server, cluster.ca_fingerprint)
        bounds = (self._bounds,) if self.kind.printer_columns else ()
        return _hash(DECODER_VERSION, self.kind.signature, api_version, *identity, cluster.version, *bounds)

    def _must_rewrite(self, last: LastComplete, resource_version: str) -> bool:
        """Whether nothing may count as unchanged: of a cluster that went back in time, and of what may be no version.

        Versions come of etcd. What an API server keeps elsewhere may change without one, or begin to count anew; and
        what a CRD says that may not be read, nobody knows. So all is compared that neither is declared nor has a CRD.
        So it is where the version of the API server is not known, which may be another each time.
        """
        if last.verify_due or self._cluster.version is None or (self.kind.shared_by and not self.kind.revision):
            return True
        stored = last.resource_version or "0"
        if not (stored.isdecimal() and resource_version.isdecimal()):
            return True
        return int(resource_version) < int(stored)


def _hash(*parts: Any) -> str:
    """Short: every byte is on every row, and a pod that just fits into its page should."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def _is_newer(version: str, than: str) -> bool:
    """Of two versions of an object; where they are no numbers, the one that was read later."""
    return not (version.isdecimal() and than.isdecimal()) or int(version) > int(than)


def _has_complete(parts: Mapping[str, Listed]) -> bool:
    return any(each.outcome is Outcome.COMPLETE for each in parts.values())


def _names(page: Page[Any], positions: Sequence[int]) -> list[tuple[str | None, str]]:
    if not page.is_metadata:
        return names(page.body, positions)
    found = (page.items[position].metadata for position in positions)
    return [(each.namespace, each.name) for each in found]


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


def _versions(page: Page[Any], session: Session, kind: Kind) -> tuple[dict[str, str], list[int]]:
    """Version by uid, and what each says of its last write, in the order of the page."""
    items = page.items
    try:
        if _is_raw(items):
            items = [_envelope(item) for item in items]
        versions = {item.metadata.uid: item.metadata.resource_version or "" for item in items}
        last_writes = [last_write(item.metadata) for item in items]
    except (*UNREADABLE, AttributeError):  # no metadata at all
        versions, last_writes = {}, []
    if len(versions) < len(items) or versions.keys() & {"", None}:
        raise _not_told_apart(session, kind, page)
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
    return versions, last_writes


_envelopes = decoder(Envelope)
_bare_envelopes = decoder(BareEnvelope)


def _envelope(item: msgspec.Raw) -> Envelope:
    try:
        return _envelopes.decode(item)
    except RecursionError:  # what was just not too deep for the listing, which is called from less far down
        return _envelope(msgspec.Raw(shallow(bytes(item))))
    except msgspec.ValidationError:  # of what is only good to have
        bare = _bare_envelopes.decode(item)
        return Envelope(EnvelopeMetadata(bare.metadata.uid, resource_version=bare.metadata.resource_version))


def _not_told_apart(session: Session, kind: Kind, page: Page[Any]) -> KubeError:
    refusal = Unsupported if kind.shared_by else BadAnswer
    return refusal(
        f"context {session.context.name}, {kind.name}, page {page.number}: objects without a uid of their own; "
        "such a list can not be stored"
    )
