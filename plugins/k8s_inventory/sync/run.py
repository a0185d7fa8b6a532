"""One run, whoever asked for it: contexts side by side, some kinds of each at a time, a result for every target."""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial

from k8s_inventory.kinds import CUSTOM_OBJECTS, Kind
from k8s_inventory.kube.absence import Looks
from k8s_inventory.kube.session import Session
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import ReportedError, printable
from k8s_inventory.settings import Settings
from k8s_inventory.store import Attempt, Store, StoreError
from k8s_inventory.sync.attempt import Result, Run, read_target, sync_target
from k8s_inventory.sync.find_custom import choose, find_custom
from k8s_inventory.sync.following import Following
from k8s_inventory.sync.progress import Progress
from k8s_inventory.sync.reading import Sink
from k8s_inventory.sync.selection import NONE, Custom
from k8s_inventory.sync.writing import Writer, attempted
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger(__name__)

_GRACE = 10.0
"""Seconds that targets have to write how they ended, once all is stopped. After them they are left behind: the threads
keep no process from ending."""

_SLICE = 0.2
"""Seconds after which one who waits looks whether all is stopped."""


@dataclass(frozen=True)
class Targets:
    """What to read of one context; `custom` chooses kinds without a declaration, of which the context tells itself."""

    context_name: str
    open_session: Callable[[], Session]
    kinds: Sequence[Kind]
    custom: Custom = NONE


class Sync:
    """Reads targets, `contexts_at_once` and of each `kinds_at_once`, until they are done or `stopped` is set.

    With `open_store` the rows go to the database: each target has a session of its own, opened in any thread, and
    replaced when it is lost. With `make_sink` they go to the sink of each target, or to both. `statements` is the SQL
    of the store, rendered, if all kinds share it.

    With a database and another mode than `full`, targets go on from where their rows are, and are listed only where
    they can not; in mode `watch` they are held open for `hold` seconds.

    What a cluster, the database or a mistake of ours does to one target is its result, and no other's. Of each context
    the last kind goes first and by itself: if the context is dead, it is tried once, and the others need not wait.
    Kinds without a declaration are looked for last: that takes two looks, seconds apart, with the rest in between.
    """

    def __init__(
        self,
        targets: Sequence[Targets],
        *,
        run: Run,
        settings: Settings,
        open_store: Callable[[], Store] | None = None,
        make_sink: Callable[[Kind, str], Sink] | None = None,
        statements: Mapping[str, str] | None = None,
        contexts_at_once: int = 1,
        kinds_at_once: int = 1,
        hold: float = 0.0,
        stopped: threading.Event | None = None,
    ) -> None:
        self._run = run
        self._hold = hold if run.mode == "watch" else 0.0
        self._settings = settings
        self._open_store = open_store
        self._make_sink = make_sink
        self._statements = statements
        self._kinds_at_once = kinds_at_once
        self._stopped = stopped or threading.Event()
        self._progress = Progress(holds=bool(self._hold))
        self._given_up: float | None = None  # when what has not ended is left behind, by the monotonic clock
        self._waiting = deque(targets)
        self._is_one_context = len(targets) == 1
        self._readers = min(contexts_at_once, len(targets))
        self._writers: list[Writer] = []
        self._ended: queue.Queue[Result | None] = queue.Queue(maxsize=2)  # a sink may hold what memory can not
        self._left = {
            (each.context_name, kind.name): kind
            for each in targets
            for kind in (*each.kinds, *([CUSTOM_OBJECTS] if each.custom.include else []))
        }

    def stop(self) -> None:
        """Ends all that is under way, at its next page or statement; quick, and safe in any thread."""
        self._stopped.set()
        with suppress(IndexError):  # each once: what it does next is to write how its target ended
            while True:
                self._writers.pop().cancel()

    def results(self) -> Generator[Result]:
        """How each target ended, once; the sink of each is the caller's to close.

        A target that nobody came to has a result, too: one that merely is not there would be taken for no failure. What
        an earlier attempt of this run has completed is left out. Ending the iteration early stops all.
        """
        threads = [self._thread(self._read_contexts) for _ in range(self._readers)]
        try:
            while self._readers and not self._stopped.is_set():
                self._progress.tell(len(self._left))
                with suppress(queue.Empty):
                    result = self._ended.get(timeout=_SLICE)
                    if result is None:
                        self._readers -= 1
                    else:
                        yield result
            self._end(threads)
            yield from self._handed_over()
            why = "the sync was stopped before it was read" if self._stopped.is_set() else "not read; the log has more"
            for (name, _), kind in tuple(self._left.items()):
                yield self._with_sink(self._failed(name, kind, why), kind)
        finally:
            if self._readers:
                self.stop()
            self._end(threads)
            for result in self._handed_over():
                if result.sink:
                    result.sink.close()

    def _thread(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        """One more, in the context of the caller; Airflow and logs want that."""
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(work, *arguments), name="sync", daemon=True)
        thread.start()
        return thread

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        self._given_up = self._given_up or time.monotonic() + _GRACE
        for thread in threads:
            thread.join(max(0.0, self._given_up - time.monotonic()))

    def _handed_over(self) -> Iterator[Result]:
        """What is in the queue now."""
        while not self._ended.empty():
            if result := self._ended.get_nowait():
                yield result

    def _hand_over(self, result: Result) -> None:
        """To whoever iterates, who may be slower; to nobody once all is stopped."""
        key = (result.context_name, result.kind)
        kind = self._left.pop(key)
        self._progress.end()
        if not self._put(self._with_sink(result, kind)):
            self._left[key] = kind

    def _put(self, result: Result | None) -> bool:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._ended.put(result, timeout=_SLICE)
                return True
        if result and result.sink:
            result.sink.close()
        return False

    def _with_sink(self, result: Result, kind: Kind) -> Result:
        if result.sink or not self._make_sink:
            return result
        return replace(result, sink=self._make_sink(kind, result.context_name))

    # -- a context -------------------------------------------------------------------------------------

    def _read_contexts(self) -> None:
        try:
            with suppress(IndexError):
                while not self._stopped.is_set():
                    self._read_context(self._waiting.popleft())
        finally:
            self._put(None)

    def _read_context(self, targets: Targets) -> None:
        name = targets.context_name
        try:
            with ExitStack() as stack:
                session = stack.enter_context(targets.open_session())
                lane = self._lane(stack)
                done = self._done(targets, lane)
                find = partial(self._find, session, targets.custom, done)
                kinds = self._without(done, name, targets.kinds)
                search = [CUSTOM_OBJECTS] if targets.custom.include else []
                if self._run.mode != "full" and lane:
                    with suppress(StoreError):  # the search that is left says so
                        kinds, search = [*kinds, *(find(lane) if search else ())], []
                    kinds = self._follow(session, kinds, lane)
                self._work(session, _Waiting(kinds[-1:]), find, lane)
                if kinds and search:
                    session.kept(Looks).begin()
                most = self._kinds_at_once if search else min(self._kinds_at_once, len(kinds) - 1)
                lanes = [lane, *(self._lane(stack, is_spare=True) for _ in range(most - 1))]
                waiting = _Waiting([*kinds[:-1], *search], len(lanes))
                threads = [self._thread(self._work, session, waiting, find, each) for each in lanes[1:]]
                self._work(session, waiting, find, lane)
                for thread in threads:
                    thread.join()
        except Exception as error:  # noqa: BLE001 - what is left of it must have results
            why = self._unforeseen(name, error)
            for kind in [kind for (context, _), kind in tuple(self._left.items()) if context == name]:
                self._hand_over(self._failed(name, kind, why, retryable=getattr(error, "retryable", False)))

    def _lane(self, stack: ExitStack, *, is_spare: bool = False) -> Writer | None:
        """What a thread writes with; None where there is no database."""
        if self._open_store is None:
            return None
        writer = stack.enter_context(Writer(self._open_store, stopped=self._stopped, is_spare=is_spare))
        self._writers.append(writer)
        return writer

    def _find(self, session: Session, custom: Custom, done: set[str], lane: Writer | None) -> list[Kind]:
        """Looks for the kinds without a declaration; returns those to read. What is done has been completed before.

        Raises `StoreError` where no database session can be had.
        """
        name, found = session.context.name, list[Kind]()

        def look(store: Store | None) -> Result:
            if store:
                result, kinds = find_custom(session, store, custom, run=self._run, settings=self._settings)
            else:
                result, kinds = choose(session, custom, self._settings)
            found.extend(kinds)
            return result

        result = self._attempt(session, CUSTOM_OBJECTS, lane, look)
        self._left.update({(name, kind.name): kind for kind in found})
        self._hand_over(result)
        return self._without(done, name, found)

    def _done(self, targets: Targets, lane: Writer | None) -> set[str]:
        """The kinds that an earlier attempt of this run has completed."""
        is_one = self._is_one_context and len(targets.kinds) == 1 and not targets.custom.include
        if self._run.attempt == 1 or lane is None or is_one:
            return set()
        try:
            report = lane.store().run_report(self._run.run_id, self._run.invocation)
        except StoreError:  # each of them will say so
            return set()
        complete = (targets.context_name, Outcome.COMPLETE)
        return {row["kind"] for row in report if (row["context_name"], row["outcome"]) == complete}

    def _without(self, done: set[str], name: str, kinds: Sequence[Kind]) -> list[Kind]:
        for kind in kinds:
            if kind.name in done:
                log.info("%s: complete by an earlier attempt", printable(f"{name} · {kind.name}"))
                del self._left[name, kind.name]
        return [kind for kind in kinds if kind.name not in done]

    def _follow(self, session: Session, kinds: list[Kind], lane: Writer) -> list[Kind]:
        """Goes on from where their rows are; returns those that are to be listed."""

        def list_again(kind: Kind) -> Result:
            with ExitStack() as stack:
                writer = self._lane(stack)
                try:
                    return self._attempt(session, kind, writer, partial(self._read, session, kind, None))
                except StoreError as error:
                    return self._failed(session.context.name, kind, str(error), retryable=error.retryable)

        following = Following(
            session,
            lane,
            run=self._run,
            settings=self._settings,
            progress=self._progress,
            hold=self._hold,
            list_again=list_again,
            stopped=self._stopped,
        )
        for result in following.run(kinds):
            self._hand_over(result)
        return following.left

    # -- kinds of a context ----------------------------------------------------------------------------

    def _work(
        self,
        session: Session,
        waiting: _Waiting,
        find: Callable[[Writer | None], list[Kind]],
        lane: Writer | None,
    ) -> None:
        name = session.context.name
        while not self._stopped.is_set() and (kind := waiting.next()) is not None:
            sink = None
            try:
                if kind is CUSTOM_OBJECTS:
                    waiting.add(find(lane))
                    continue
                sink = self._make_sink(kind, name) if self._make_sink else None
                result = self._attempt(session, kind, lane, partial(self._read, session, kind, sink))
            except StoreError as error:
                if waiting.leave(kind):
                    return
                result = self._failed(name, kind, str(error), retryable=error.retryable)
            self._hand_over(replace(result, sink=sink))

    def _read(self, session: Session, kind: Kind, sink: Sink | None, store: Store | None) -> Result:
        settings, progress = self._settings, self._progress
        with progress.reading(session.context.name, kind.name):
            if store:
                return sync_target(
                    *(session, store, kind),
                    run=self._run,
                    settings=settings,
                    statements=self._statements,
                    sink=sink,
                    progress=progress,
                )
            assert sink, "rows go to a database, to a sink, or to both"
            return read_target(session, kind, settings=settings, sink=sink, progress=progress)

    def _attempt(
        self, session: Session, kind: Kind, lane: Writer | None, work: Callable[[Store | None], Result]
    ) -> Result:
        """What the work returns, or what became of it. Raises `StoreError` where no database session can be had."""
        try:
            if lane is None:
                return work(None)
            return attempted(lane, session, kind, work, run=self._run, settings=self._settings)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one target's fault must not end the others
            why = self._unforeseen(f"{session.context.name}, {kind.name}", error)
            return self._failed(session.context.name, kind, why, retryable=getattr(error, "retryable", False))

    def _unforeseen(self, where: str, error: Exception) -> str:
        if isinstance(error, ReportedError):
            return str(error)
        log.error("context %s", printable(where), exc_info=without_texts(error))
        what = f"an error that nobody foresaw ended it ({type(error).__name__})"
        return f"context {where}: {what}; the log has its traceback"

    def _failed(self, name: str, kind: Kind, why: str, *, retryable: bool = False) -> Result:
        return Result(name, kind.name, Attempt(error=why, retryable=retryable))


class _Waiting:
    """Kinds that wait for one of some threads; `CUSTOM_OBJECTS` among them stands for a search that may bring more.

    One that can have no database session leaves them to the others, as long as there are any: it would be done with all
    of them in no time.
    """

    def __init__(self, kinds: Sequence[Kind], threads: int = 1) -> None:
        self._kinds = deque(kinds)
        self._threads = threads
        self._searches = False
        self._changed = threading.Condition()

    def next(self) -> Kind | None:
        """None once there is none, and will be none."""
        with self._changed:
            while self._searches and not self._kinds:
                self._changed.wait()
            if self._kinds:
                kind = self._kinds.popleft()
                self._searches |= kind is CUSTOM_OBJECTS
                return kind
            self._threads -= 1
            return None

    def add(self, found: Sequence[Kind]) -> None:
        """What the search has found."""
        with self._changed:
            self._kinds.extend(found)
            self._searches = False
            self._changed.notify_all()

    def leave(self, kind: Kind) -> bool:
        """Gives a kind back for others to take; False where none are left to take it."""
        with self._changed:
            if kind is CUSTOM_OBJECTS:
                self._searches = False
                self._changed.notify_all()
            if self._threads == 1:
                return False
            self._kinds.appendleft(kind)
            self._threads -= 1
            return True
