"""Brings rows up to date from where they are, by watches: for a moment, or for as long as they are held open.

Nothing is locked while it waits. What was heard is stored under the target's lock, and only if its rows still are of
the revision that it went on from (`Target.commit`): whoever else writes a target in the meantime is no danger to it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import msgspec

from k8s_inventory.kinds import Kind
from k8s_inventory.kube import metadata
from k8s_inventory.kube.cluster_info import Alive, ApiServers, ClusterInfo, as_number
from k8s_inventory.kube.discovery import Definitions
from k8s_inventory.kube.errors import Interrupted, KubeError, Stopped, Unreachable
from k8s_inventory.kube.listing import Current, Listing
from k8s_inventory.kube.session import WEIGHT_OF_ONE, Session
from k8s_inventory.kube.watching import Event, Watch, Watches
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import printable
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, GoesOn, Listed, Moved, Revision, StoreError, Target, TargetBusy
from k8s_inventory.sync.attempt import Result, Run, reach
from k8s_inventory.sync.history import ignored
from k8s_inventory.sync.identity import confirm
from k8s_inventory.sync.progress import Progress
from k8s_inventory.sync.reading import FAILURES, Reading
from k8s_inventory.sync.writing import Writer, left_to_another

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two times that what was heard is stored."""

BRIEF = 3
"""Seconds that a watch is asked for which is to reach what is current: the API server sends a bookmark two seconds
before its end, and none to shorter ones."""

LONG = 30
"""The same of one that is held open, once it has: so often it is known anew as of when the rows are."""

_BEFORE_END = 3.5
"""Seconds before the end of a watch at which it is asked what is current: just before its bookmark."""

PATIENCE = 30.0
"""Seconds for a brief watch to reach what is current, where it has to be opened more than once."""

MOST_HELD, MOST_BYTES_HELD = 2000, 1 << 25
"""Events, and bytes of them, that all targets together may have waiting. Beyond, nothing is read."""

PERIOD = 300.0
"""Seconds after which a target that is held open has another row in k8s_sync_runs."""

_TRIES = 3
"""Times that a watch is opened which breaks off, or ends without saying how far it is."""

MOST_UNPROVEN = 600.0
"""Seconds after which a target is listed that watches have not shown to be exact: two runs of every five minutes."""

_PAUSE = 5.0
"""Seconds for which a target is left alone that another run writes, or an API server that can not be reached."""

_OTHERS = "its API servers are others than before"
_NOT_KNOWN = "which API servers there are is not known"


@dataclass
class _Followed:
    """One target: its rows are of `since`, `events` came after that, and its `watch` is further, or as far.

    `proven_at`, by the monotonic clock, is when it was current what is reached now, or was reached before; `exact_at`,
    when rows were exact that this goes on from, and `reached_at`, when what is reached now was no later than current.
    """

    kind: Kind
    reading: Reading
    since: Revision
    current: Current
    watch: Watch
    exact_at: float
    reached_at: float
    events: list[Event] = field(default_factory=list)
    size: int = 0
    tries: int = 0
    broken: KubeError | None = None
    has_bookmark: bool = False
    """Whether one came since it was opened."""
    is_due: bool = False
    """Whether what is current was asked for once more since it was opened."""
    unsure_since: float | None = None
    """Where it can not be asked who serves its watch: since then nothing of it is stored."""
    opened_from: tuple[int, float] = (0, 0.0)
    """The revision that its watch was opened from, and for how many seconds it had been reached."""
    proven_at: float | None = None
    claimed_at: float | None = None
    """The `proven_at` that is stored."""
    attempt: Attempt = field(default_factory=Attempt)
    attempt_id: int | None = None
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.prove()

    def prove(self) -> None:
        if self.watch.revision >= int(self.current.revision):
            self.proven_at = self.current.asked_at

    def is_served_by(self, alive: Alive) -> bool:
        """Whether these API servers are those that served the rows. A backup brings their names back, and not that one
        of them was alive at a later revision; short of that, no cluster is restored in the time between."""
        revision, age = self.opened_from
        is_since = alive.at > revision or age < ApiServers.WRITTEN_EVERY
        return is_since and alive.names == self.since.api_servers

    def unproven(self, now: float) -> float:
        """Seconds for which nothing has shown that rows are exact."""
        return now - max(self.exact_at, self.proven_at or self.exact_at)

    def take(self, event: Event) -> None:
        self.reached_at = time.monotonic()
        if event.change == "BOOKMARK":
            self.has_bookmark = True
        else:
            self.events.append(event)
            self.size += len(event.body)
        self.prove()

    @property
    def has_news(self) -> bool:
        return bool(self.events) or self.proven_at != self.claimed_at


class Following:
    """Follows targets of one context, in the thread that calls `run`.

    Without `hold`, each until it has reached what was current when it began; with it, all for so many seconds, and what
    must be listed meanwhile, `list_again` does, in other threads. `left` then has the kinds that still must be.
    """

    def __init__(
        self,
        session: Session,
        writer: Writer,
        *,
        run: Run,
        settings: Settings,
        progress: Progress,
        hold: float = 0.0,
        list_again: Callable[[Kind], Result] | None = None,
        stopped: threading.Event,
    ) -> None:
        self._session = session
        self._writer = writer
        self._run = run
        self._settings = settings
        self._progress = progress
        self._hold = hold
        self._list_again = list_again
        self._stopped = stopped
        self._name = session.context.name
        self._cluster: ClusterInfo
        self._watches: Watches[str] = Watches(session)
        self._followed: dict[str, _Followed] = {}
        self._results: dict[str, Result] = {}
        self._later: dict[str, tuple[float, Kind]] = {}
        """From when on to go on with a kind that is let be."""
        self._to_list: dict[str, tuple[float, Kind]] = {}
        """From when on to list a kind."""
        self._in_vain: dict[str, int] = {}
        """How often a kind was to be listed since a watch of it last ended as it should."""
        self._listing: dict[str, tuple[Kind, Future[Result]]] = {}
        self._ask_again = 0.0
        """When to ask once more who serves watches, where that could not be asked."""
        self._trouble = ""
        """What was last said of a database that is away."""
        self.left: list[Kind] = []

    def run(self, kinds: Sequence[Kind]) -> list[Result]:
        """How each target ended that is not `left`."""
        with self._watches, ThreadPoolExecutor(2, "list-again") as pool:
            try:
                self._follow(kinds, pool)
            except StoreError as error:  # whoever lists them has a session of its own, or says why there is none
                log.warning("context %s: nothing more can be gone on with: %s", printable(self._name), error)
                self.left = list(kinds)
            waiting = [kind for _, kind in (*self._later.values(), *self._to_list.values())]
            for name, (kind, future) in self._listing.items():
                if future.cancelled():
                    waiting.append(kind)
                else:  # what is under way is waited for, like any listing
                    self._results[name] = future.result()
        left = {kind.name for kind in self.left}  # whatever was stored of one before
        self.left += [kind for kind in waiting if kind.name not in left | self._results.keys()]
        return [result for name, result in self._results.items() if name not in left]

    def _follow(self, kinds: Sequence[Kind], pool: ThreadPoolExecutor) -> None:
        try:
            with self._waiting_for_database():
                self._begin(kinds)
            if self._trouble:
                self._begin(kinds)
            self._read(pool, time.monotonic() + (self._hold or PATIENCE))
            self._list_unproven(list(self._followed.values()))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if not self._stopped.is_set():
            self._leave_unproven()
            self._store(is_end=True)

    # -- begin -----------------------------------------------------------------------------------------

    def _begin(self, kinds: Sequence[Kind]) -> None:
        """Follows those that can go on from where they are; the others are to be listed."""
        store = self._writer.store()
        alive: Alive | None = None
        revisions = store.revisions(self._name)
        known = [kind for kind in kinds if kind.name in revisions and not kind.held_back]
        try:
            if known:
                self._cluster = reach(self._session, store, run=self._run, settings=self._settings)
                alive = self._session.kept(ApiServers).now()
        except KubeError as error:  # each of them will say so
            log.info("%s", error)
        current = self._current(known) if alive else {}
        followed = []
        for kind in kinds:
            stored, found = revisions.get(kind.name), current.get(kind.name)
            can = alive and stored and found and self._can_follow(kind, stored, found, alive)
            if can:
                followed.append(can)
            elif kind.shared_by and found is None and kind.name in self._results:  # nor may it be listed as it was
                self._later[kind.name] = (time.monotonic() + LONG, kind)
            else:
                self._must_list(kind)
        self._followed.update((each.kind.name, each) for each in followed)
        self._open(each for each in followed if self._hold or each.proven_at is None)

    def _can_follow(self, kind: Kind, stored: GoesOn, current: Current, alive: Alive) -> _Followed | None:
        since, verify_due, has_bookmarks, age = stored
        if not has_bookmarks and kind.name not in self._results:
            return None
        reading = Reading(self._session, kind, self._settings, progress=self._progress)
        now, then = as_number(current.revision), as_number(since.number)
        if now is None or then is None or now < then:
            return None
        if not reading.can_go_on(since, self._cluster, current.version, verify_due=verify_due):
            return None
        watch = Watch(
            self._session,
            kind,
            version=current.version,
            revision=then,
            seconds=BRIEF,
            selectors=reading.coverage.selectors,
        )
        exact_at = time.monotonic() - age
        followed = _Followed(kind, reading, since, current, watch, exact_at, exact_at, attempt=reading.attempt)
        followed.opened_from = then, age
        return followed if followed.is_served_by(alive) else None

    def _current(self, kinds: Sequence[Kind]) -> dict[str, Current]:
        """The revision at which each is now, where that can be had. Of custom kinds, it is as of when it was known that
        their definitions are as they were."""
        definitions = self._session.kept(Definitions)
        if any(kind.shared_by for kind in kinds) and not definitions.are_as_they_were():
            kinds = [kind for kind in kinds if not kind.shared_by]

        listings: dict[str, Listing[msgspec.Raw]] = {}
        for kind in kinds:
            selectors = Reading(self._session, kind, self._settings).coverage.selectors
            listings[kind.name] = Listing(self._session, kind, item=msgspec.Raw, page_size=1, selectors=selectors)
        asked = {name: query for name, each in listings.items() if (query := each.asks_current())}
        asked_at = time.monotonic()
        found = self._session.get_each(
            list(asked.values()),
            accept=metadata.ACCEPT,
            seconds=self._session.limits.listing_timeout,
            weight=WEIGHT_OF_ONE,
        )
        answers = {name: (answer, asked_at) for name, answer in zip(asked, found, strict=True)}

        def one(kind: Kind) -> Current | None:
            try:
                found = listings[kind.name].current(answers.get(kind.name))
            except KubeError as error:
                log.info("%s", error)
                return None
            return found._replace(asked_at=definitions.asked_at) if kind.shared_by and definitions.asked_at else found

        with ThreadPoolExecutor(self._session.limits.requests_in_flight, "current") as pool:
            revisions = zip((kind.name for kind in kinds), pool.map(one, kinds), strict=True)
            return {name: each for name, each in revisions if each}

    def _open(self, opened: Iterable[_Followed]) -> None:
        """Opens their watches, and then looks whether they are served by those who answered before: a cluster that was
        restored from a backup in the meantime has other API servers, and gives the same revisions to other writes."""
        opened = list(opened)
        if not opened:
            return
        now = time.monotonic()
        for each in opened:
            each.is_due = each.has_bookmark = False
            if each.unsure_since is None:
                each.opened_from = each.watch.revision, now - each.reached_at
        self._watches.open({each.kind.name: each.watch for each in opened})
        self._look_who_serves(opened)

    def _look_who_serves(self, opened: Iterable[_Followed]) -> None:
        alive, now = self._session.kept(ApiServers).now(), time.monotonic()
        for each in opened:
            if alive is not None and each.is_served_by(alive):
                each.unsure_since = None
            elif alive is not None:
                self._drop(each)
                self._must_list(each.kind, _OTHERS)
            elif self._hold:
                each.unsure_since = each.unsure_since or now
            elif self._watches.is_open(each.kind.name):
                self._drop(each)
                self._must_list(each.kind, _NOT_KNOWN)

    def _leave_unproven(self) -> None:
        """Of those that were held open, for too short a time to come to what is current, whatever was heard of them."""
        for each in [each for each in self._followed.values() if self._hold and self._is_unproven(each)]:
            self._drop(each)
            self._results.pop(each.kind.name, None)
            self._must_list(each.kind)

    def _list_unproven(self, among: Iterable[_Followed]) -> None:
        """Who cuts each watch off before it has come to what is current must not keep a target from being complete."""
        now = time.monotonic()
        for each in among if self._session.dead is None else ():
            if each.unproven(now) > MOST_UNPROVEN:
                self._drop(each)
                why = f"no watch has shown for {each.unproven(now):.0f} s that its rows are exact"
                self._must_list(each.kind, f"{why}: {each.broken}" if each.broken else why)

    def _must_list(self, kind: Kind, why: str = "") -> None:
        if why:
            log.info("%s is listed: %s", printable(f"{self._name} · {kind.name}"), printable(why))
        if not self._hold:
            self.left.append(kind)
            return
        times = self._in_vain[kind.name] = self._in_vain.get(kind.name, -1) + 1
        wait = min(PERIOD, 2.0**times) if times else 0.0  # who may list a kind may not be let watch it
        self._to_list[kind.name] = (time.monotonic() + wait, kind)

    def _drop(self, followed: _Followed) -> None:
        self._watches.drop(followed.kind.name)
        self._followed.pop(followed.kind.name, None)

    # -- read ------------------------------------------------------------------------------------------

    def _read(self, pool: ThreadPoolExecutor, end: float) -> None:
        tick = time.monotonic() + TICK
        while not self._stopped.is_set() and time.monotonic() < end and not self._is_done:
            again: list[_Followed] = []
            if not self._is_full:
                for name, event in self._watches.read(min(tick, end) - time.monotonic()):
                    followed = self._followed.get(name)
                    if followed is not None and not isinstance(event, Event):
                        again += self._ended(followed, event)
                    elif followed is not None and isinstance(event, Event):
                        followed.take(event)
                        if followed.proven_at is not None and not self._hold:
                            self._watches.drop(name)
            self._open(again)
            if time.monotonic() >= tick or self._is_full:
                if self._hold:
                    with self._waiting_for_database():
                        self._look_after(pool)
                if self._hold or self._is_full:
                    self._store()
                if self._is_full:  # it can not be stored now
                    self._stopped.wait(TICK)
                tick = time.monotonic() + TICK

    @property
    def _is_done(self) -> bool:
        """Whether no watch can tell more that is waited for."""
        return not self._hold and not any(name in self._watches for name in self._followed)

    @property
    def _is_full(self) -> bool:
        held = [each for each in self._followed.values() if each.events]
        return sum(len(each.events) for each in held) >= MOST_HELD or sum(each.size for each in held) >= MOST_BYTES_HELD

    def _ended(self, followed: _Followed, error: KubeError | None) -> list[_Followed]:
        """Of a watch that ended, as they all do in time, or because of something: itself where it is to be opened
        again."""
        if error is not None and not isinstance(error, Interrupted | Unreachable | Stopped):
            self._drop(followed)
            self._must_list(followed.kind, str(error))
            return []
        is_early = followed.watch.is_early
        if error is None and self._hold and not is_early:
            followed.tries = self._in_vain[followed.kind.name] = 0
            followed.watch.seconds = LONG
            return [followed]
        followed.tries += 1
        followed.broken = error
        is_told = error is not None or followed.has_bookmark or is_early
        if is_told and followed.tries < _TRIES and self._session.dead is None:
            return [followed]
        if error is None:
            self._drop(followed)
            early = "its watch ends before its time, as behind a proxy that holds none open"
            self._must_list(followed.kind, early if is_early else "no bookmark came that says how far its watch is")
            if not is_told:
                self._writer.store().note_no_bookmarks(self._name, followed.kind.name)
        elif self._hold:
            followed.tries = 0
            self._list_unproven([followed])
            if followed.kind.name in self._followed:
                self._pause(followed)
        return []

    def _pause(self, followed: _Followed) -> None:
        """Lets it be for a while; it then goes on from what is stored by that time."""
        if followed.events and self._session.dead is not None:
            return  # what was heard is stored all the same
        self._drop(followed)
        self._later[followed.kind.name] = (time.monotonic() + _PAUSE, followed.kind)

    def _look_after(self, pool: ThreadPoolExecutor) -> None:
        """Of those held open: asks what is current before a watch ends, and takes up again what was left alone."""
        now = time.monotonic()
        self._session.dead = None  # whatever it was: it is held open for longer than that
        self._list_unproven(list(self._followed.values()))
        self._look_at_unsure(now)
        due = [each for each in self._followed.values() if self._is_due(each, now)]
        current = self._current([each.kind for each in due])
        for each in due:
            each.is_due = True
            if (found := current.get(each.kind.name)) and as_number(found.revision) is not None:
                each.current = found
                each.prove()
            elif each.kind.shared_by:  # what is known of it stays so: if it is another now, a new run finds that out
                self._drop(each)
                self._later[each.kind.name] = (now + _PAUSE, each.kind)
        for name, (kind, future) in list(self._listing.items()):
            if future.done():
                del self._listing[name]
                result = self._results[name] = future.result()
                # While nothing answers, a listing follows another after twice the time: see `_must_list`.
                waits = {Outcome.COMPLETE: 0.0, Outcome.BUSY: _PAUSE, Outcome.UNREACHABLE: _PAUSE}
                wait = waits.get(result.outcome, PERIOD)
                self._later[name] = (now + wait, kind)
        closed = [each for name, each in self._followed.items() if name not in self._watches]
        for each in closed:
            if not each.events:
                self._pause(each)
        waiting = {name: (at, kind) for name, (at, kind) in self._later.items() if at <= now}
        for name in waiting:
            del self._later[name]
        try:
            if waiting:
                self._begin([kind for _, kind in waiting.values()])
        except StoreError:
            self._later.update(waiting)
            raise
        for name, (at, kind) in list(self._to_list.items()):
            if at <= now and self._list_again:
                del self._to_list[name]
                self._listing[name] = (kind, pool.submit(self._list_again, kind))

    def _look_at_unsure(self, now: float) -> None:
        """Asks once more who serves watches of which that is not known."""
        unsure = [each for each in self._followed.values() if each.unsure_since is not None]
        if unsure and now >= self._ask_again:
            self._look_who_serves(unsure)
            self._ask_again = time.monotonic() + min(_PAUSE, PATIENCE)
        for each in unsure:
            if each.unsure_since is not None and now - each.unsure_since > PATIENCE:
                self._drop(each)
                self._must_list(each.kind, _NOT_KNOWN)

    def _is_due(self, followed: _Followed, now: float) -> bool:
        watch = followed.watch
        return not followed.is_due and watch.seconds == LONG and watch.ends_at - now < _BEFORE_END

    # -- store -----------------------------------------------------------------------------------------

    def _store(self, *, is_end: bool = False) -> None:
        """Stores what was heard, and as of when rows are. A database that is away is waited for, as nothing is lost by
        it: what can not be held is not read."""
        with self._waiting_for_database(is_end=is_end):
            self._store_once(is_end=is_end)
            return
        if not self._hold or is_end:
            self._store_once(is_end=is_end)

    @contextmanager
    def _waiting_for_database(self, *, is_end: bool = False) -> Iterator[None]:
        """For what is done again where the database is away. One that refuses a session for good is none that is."""
        try:
            yield
            self._trouble = ""
        except StoreError as error:
            if not self._writer.is_lost or not error.retryable:
                raise
            if self._trouble != str(error):
                self._trouble = str(error)
                log.warning("%s; it is waited for", error)
            if self._hold and not is_end:
                self._stopped.wait(TICK)

    def _store_once(self, *, is_end: bool) -> None:
        news = [each for each in self._followed.values() if each.has_news or (is_end and self._is_unproven(each))]
        for each in [each for each in news if each.unsure_since is not None]:
            news.remove(each)
            if is_end:
                self._drop(each)
                self._must_list(each.kind, _NOT_KNOWN)
        if not news:
            return
        try:
            is_settled = confirm(self._session, self._cluster, wrote=any(each.events for each in news))
        except Stopped:
            return
        except KubeError as error:
            if isinstance(error, Interrupted | Unreachable) and self._hold and not is_end:
                return  # it is not known now what it leads to
            is_settled = False
        if not is_settled:
            for each in news:
                self._drop(each)
                self._must_list(each.kind, "it is not certain which cluster, or version of it, its watch was of")
            return
        quiet = [each for each in news if not each.events and each.proven_at is not None]
        whole = [each for each in quiet if each.reading.coverage.is_whole and not each.kind.kept_in]
        if whole:
            self._store_quiet(whole)
        for each in news:
            if each not in whole:
                self._store_changed(each)

    def _is_unproven(self, followed: _Followed) -> bool:
        result = self._results.get(followed.kind.name)
        return followed.proven_at is None and (result is None or result.outcome is not Outcome.COMPLETE)

    def _store_quiet(self, quiet: Sequence[_Followed]) -> None:
        """Those of which nothing came: all at once."""
        now = time.monotonic()
        noted = [
            {
                "kind": each.kind.name,
                "since": each.since.number,
                "revision": str(each.watch.revision),
                "read_by": each.since.read_by,
                "api_servers": each.since.api_servers,
                "keeps_history": ignored(self._settings, each.kind) is not None,
                "id": self._attempt_id(each),
                "seconds": now - each.began,
                "age": now - (each.proven_at or now),
                "bytes": each.attempt.bytes + each.watch.bytes,
            }
            for each in quiet
        ]
        found = self._writer.store().watched_quietly(noted, **vars(self._run), context_name=self._name)
        for each in quiet:
            if each.kind.name not in found:
                self._leave_to_another(each, "it has stored it in the meantime")
                continue
            each.attempt_id, each.attempt.objects = found[each.kind.name]
            each.since = replace(each.since, number=str(each.watch.revision))
            each.claimed_at = each.proven_at
            each.attempt.bytes += each.watch.bytes
            each.watch.bytes = 0
            each.attempt.outcome, each.attempt.error = Outcome.COMPLETE, None
            each.attempt.resource_version, each.attempt.seconds = each.since.number, now - each.began
            self._results[each.kind.name] = Result(self._name, each.kind.name, each.attempt)

    def _attempt_id(self, followed: _Followed) -> int | None:
        """The attempt to go on with; None once it is time for another."""
        if time.monotonic() - followed.began > PERIOD:
            followed.began, followed.attempt_id = time.monotonic(), None
            followed.attempt = Attempt(scope=followed.attempt.scope)
        return followed.attempt_id

    def _store_changed(self, followed: _Followed) -> None:
        name, kind = followed.kind.name, followed.kind
        try:
            with Target.locked(self._writer.store(), kind, self._name, wait=0.0) as target:
                self._store_locked(target, followed)
        except (TargetBusy, Moved) as error:
            self._leave_to_another(followed, str(error))
        except FAILURES as error:
            self._drop(followed)
            self._must_list(kind, str(error))
        else:
            self._results[name] = Result(self._name, name, followed.attempt)

    def _store_locked(self, target: Target, followed: _Followed) -> None:
        reading, kind = followed.reading, followed.kind
        goes_on_with = self._attempt_id(followed)
        target.begin(
            **vars(self._run),
            scope=followed.attempt.scope,
            rules=reading.redaction_rules,
            ignored=ignored(self._settings, kind),
            keeps_gone=self._settings.event_days > 0,
            goes_on_with=goes_on_with,
        )
        attempt = replace(followed.attempt)
        listed = Listed(bytes=followed.watch.bytes)
        if followed.proven_at is None:
            why = str(followed.broken) if followed.broken else "its watch has not come to what was current"
            listed.error = f"context {self._name}, {kind.name}: what was heard is stored, and is not all: {why}"
        try:
            since, attempt_id = reading.store_watched(
                target,
                followed.events,
                since=followed.since,
                to=followed.watch.revision,
                version=followed.watch.version,
                current_at=followed.proven_at,
                listed=listed,
                ends=attempt,
            )
        except Moved as error:
            if goes_on_with is None:
                target.end(Attempt(outcome=Outcome.BUSY, error=str(error), scope=attempt.scope))
            raise
        except FAILURES as error:
            target.end(Attempt(error=str(error), scope=attempt.scope))
            raise
        followed.since, followed.attempt, followed.attempt_id = since, attempt, attempt_id
        followed.claimed_at = followed.proven_at
        followed.events, followed.size, followed.watch.bytes = [], 0, 0

    def _leave_to_another(self, followed: _Followed, why: str) -> None:
        """Another run writes the target; nothing is lost by leaving it to that."""
        name, scope = followed.kind.name, followed.attempt.scope
        log.info("%s is left to another run: %s", printable(f"{self._name} · {name}"), printable(why))
        self._drop(followed)
        if self._hold:
            self._later[name] = (time.monotonic() + _PAUSE, followed.kind)
            return
        store = self._writer.store()
        self._results[name] = left_to_another(store, followed.kind, self._name, why, run=self._run, scope=scope)
