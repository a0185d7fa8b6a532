"""What one `cloudquery sync` reads, and what it says of it."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from k8s_inventory.cloudquery import tables
from k8s_inventory.cloudquery.spool import Spool
from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS, Kind
from k8s_inventory.kube.contexts import Context, Found
from k8s_inventory.kube.errors import KubeconfigError, KubeError
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import ReportedError, printable
from k8s_inventory.settings import AIRFLOW_ONLY, Settings, SettingsError
from k8s_inventory.store import Store, StoreError
from k8s_inventory.store.database import connection_parameters
from k8s_inventory.sync import (
    Custom,
    PlanError,
    Result,
    Run,
    Selection,
    Writer,
    attempted,
    choose,
    find_custom,
    read_target,
    refresh_crd_views,
    select,
    sync_target,
)
from k8s_inventory.sync.configured import configured_contexts, missing_kubeconfig, open_session
from k8s_inventory.sync.identity import first_led_to

log = logging.getLogger(__name__)

CONTEXTS_AT_ONCE = 4
"""Contexts that are read side by side; the kinds of each come one after another."""


class BadInput(ReportedError):
    """A spec, a selection or a kubeconfig that can not be used; the message says what to do."""


@dataclass(frozen=True)
class Spooled:
    """How one target ended: its rows if they are all there are, else why they are not."""

    kind: Kind
    context_name: str
    spool: Spool
    problem: str | None


def json_schema() -> dict[str, Any]:
    """The JSON schema of the spec: the settings, without those that mean something to Airflow alone."""
    schema = Settings.model_json_schema()
    for name in AIRFLOW_ONLY:
        del schema["properties"][name]
    schema["description"] = "Spec of the k8s-inventory source; each setting also by its environment variable."
    return schema


class Source:
    """One configured source.

    `spec` is JSON, as the CLI sends it. With `offline` nothing beyond it is looked at: the CLI then only asks for
    tables. Raises `BadInput`.
    """

    def __init__(self, spec: bytes, *, run_id: str = "", offline: bool = False) -> None:
        self.settings = _settings(spec)
        self.run_id = run_id or "cloudquery"
        self._contexts: Found[Callable[[], Context]] = Found()
        try:
            if not offline:
                self._contexts = configured_contexts(self.settings)
                self._refuse_missing()
                if self.settings.database_url:
                    connection_parameters(self.settings.database_url.get_secret_value())
            self._selection = self._select(offline)
        except (KubeconfigError, PlanError, StoreError) as error:
            raise BadInput(str(error)) from None

    def _refuse_missing(self) -> None:
        """The CLI deletes the rows of contexts that it is not sent."""
        missing = [missing_kubeconfig(path) for path in self._contexts.missing]
        if missing and not self.settings.allow_missing_kubeconfigs:
            raise KubeconfigError(
                f"{'; '.join(missing)}. The CLI would delete the rows of those contexts: put the file back, name "
                "others (`kubeconfig`, $KUBECONFIG), or set `allow_missing_kubeconfigs: true` in the spec"
            )
        for each in missing:
            log.warning("%s", printable(each))

    def _select(self, offline: bool) -> Selection:
        if offline:
            settings = self.settings.model_copy(update={"contexts": None})
            return select(settings, ["offline"])
        return select(self.settings, self._contexts)

    def kinds(self, table_patterns: Collection[str] = (), skip_tables: Collection[str] = ()) -> list[Kind]:
        """The kinds that both `resources` and CloudQuery's selection of tables take. Raises `BadInput`."""
        try:
            chosen = (*self._selection.kinds, *([CUSTOM_OBJECTS] if self._selection.custom.include else []))
            found = tables.select(table_patterns, skip_tables, chosen)
        except tables.NoSuchTable as error:
            raise BadInput(str(error)) from None
        if not found:
            resources = ", ".join(self.settings.resources or KINDS)
            raise BadInput(
                f"nothing is left to read: `tables` ({', '.join(table_patterns)}) and `skip_tables` "
                f"({', '.join(skip_tables)}) leave none of the resources {resources}"
            )
        return found

    def read(self, kinds: Sequence[Kind], stopped: threading.Event) -> Iterator[Spooled]:
        """Every target, once, as it ends; its spool is the caller's to close.

        Once `stopped` is set, reading ends at the next page. A target that nobody came to has a problem, too: a
        stream that just ended would be taken for complete. Raises `BadInput` where the database refuses.
        """
        contexts = self._selection.contexts
        run = Run(self.run_id, invocation=uuid4().hex)  # the CLI gives an id, or none; each reading is one of its own
        left = {(name, kind.name): kind for name in contexts for kind in kinds}
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for name in contexts:
            waiting.put(name)
        done: queue.Queue[Spooled | None] = queue.Queue(maxsize=2)
        readers = min(CONTEXTS_AT_ONCE, len(contexts))
        self._prepare_store()

        def put(target: Spooled | None) -> None:
            while not stopped.is_set():
                with suppress(queue.Full):
                    done.put(target, timeout=0.2)
                    return
            if target is not None:
                target.spool.close()

        def read_contexts() -> None:
            try:
                with suppress(queue.Empty):
                    while not stopped.is_set():
                        for target in self._read_context(waiting.get_nowait(), kinds, run, stopped):
                            put(target)
            except Exception:
                log.exception("reading a context")  # what is left of it ends with a problem
            finally:
                put(None)

        for number in range(readers):
            threading.Thread(target=read_contexts, name=f"contexts-{number}", daemon=True).start()
        while readers and not stopped.is_set():
            with suppress(queue.Empty):
                target = done.get(timeout=0.2)
                if target is None:
                    readers -= 1
                else:
                    left.pop((target.context_name, target.kind.name), None)  # custom kinds are not known beforehand
                    yield target
        if not stopped.is_set():
            self._refresh_views()
        why = "the sync was stopped before it was read" if stopped.is_set() else "not read; the plugin's log has more"
        for (name, _), kind in left.items():
            yield Spooled(kind, name, Spool(kind, name, stopped), f"context {name}, {kind.name}: {why}")

    @property
    def custom(self) -> Custom:
        return self._selection.custom

    @property
    def named(self) -> frozenset[str]:
        return self._selection.named

    def context(self, name: str) -> Context:
        return self._contexts[name]()

    def _prepare_store(self) -> None:
        """Makes the schema, if there is a database to write to."""
        store = self.open_store()
        if store is None:
            return
        with store:
            try:
                store.migrate()
                store.mark_configured(self._contexts, are_all=not self._contexts.missing)
            except StoreError as error:
                raise BadInput(f"database_url: {error}") from None

    def _refresh_views(self) -> None:
        """Of CRDs, if there is a database to have them in. Rows are complete without them: a failure is only logged."""
        try:
            if store := self.open_store():
                with store:
                    changes = refresh_crd_views(store)
                for warning in changes.warnings():
                    log.warning("%s", warning)
        except (BadInput, StoreError) as error:
            log.warning("views of CRDs: %s", error)

    def open_store(self) -> Store | None:
        """A session with the database, where there is one to write to. Raises `BadInput`."""
        try:
            return self.connect() if self.settings.database_url else None
        except StoreError as error:
            raise BadInput(f"database_url: {error}") from None

    def connect(self) -> Store:
        """A session with the database of the spec, which must name one. Raises `StoreError`."""
        assert self.settings.database_url
        return Store.connect(self.settings.database_url.get_secret_value(), schema=self.settings.schema_name)

    def _read_context(self, name: str, kinds: Sequence[Kind], run: Run, stopped: threading.Event) -> Iterator[Spooled]:
        with _Reader(self, name, run, stopped) as reader:
            for kind in kinds:
                if kind is not CUSTOM_OBJECTS:
                    yield reader.read(kind)
                    continue
                found, problem = reader.custom_kinds()
                yield from map(reader.read, found)
                # Last: where reading ends before it, what is missing has a problem.
                yield Spooled(kind, name, Spool(kind, name, stopped), problem)

    def test_connection(self) -> str | None:
        """What keeps the contexts and the database from being used; None if nothing does."""
        problems = []
        for name in self._selection.contexts:
            try:
                with open_session(self._contexts[name](), self.settings) as session:
                    first_led_to(session)
            except KubeError as error:
                problems.append(f"{error}. {error.outcome.advice}")
        try:
            store = self.open_store()
            if store is not None:
                store.close()
        except BadInput as error:
            problems.append(str(error))
        return "\n".join(problems) or None


class _Reader:
    """Reads the targets of one context, one after another; what goes wrong becomes the target's problem."""

    def __init__(self, source: Source, name: str, run: Run, stopped: threading.Event) -> None:
        self._source = source
        self._name = name
        self._stopped = stopped
        self._settings = source.settings
        self._run = run
        self._stack = ExitStack()
        self._session = self._stack.enter_context(open_session(source.context(name), self._settings, stopped=stopped))
        self._writer: Writer | None = None
        if self._settings.database_url:
            self._writer = self._stack.enter_context(Writer(source.connect, stopped=stopped))
        self._dead: str | None = None

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, kind: Kind) -> Spooled:
        spool = Spool(kind, self._name, self._stopped)

        def write(store: Store) -> Result:
            return sync_target(self._session, store, kind, run=self._run, settings=self._settings, sink=spool)

        def result() -> Result:
            if self._writer:
                return self._attempted(self._writer, kind, write)
            return read_target(self._session, kind, settings=self._settings, sink=spool)

        ended, problem = self._attempt(kind, result)
        if ended:
            log.info("%s · %s: %s, %d objects", self._name, kind.name, ended.outcome, ended.attempt.objects)
        if problem:
            spool.close()
        return Spooled(kind, self._name, spool, problem)

    def custom_kinds(self) -> tuple[list[Kind], str | None]:
        """The kinds without a declaration, and what keeps them from being all."""
        custom, settings = self._source.custom, self._settings
        found: list[Kind] = []

        def write(store: Store) -> Result:
            ended, kinds = find_custom(self._session, store, custom, run=self._run, settings=settings)
            found.extend(kinds)
            return ended

        def result() -> Result:
            if self._writer:
                return self._attempted(self._writer, CUSTOM_OBJECTS, write)
            ended, kinds = choose(self._session, custom, settings)
            found.extend(kinds)
            return ended

        ended, problem = self._attempt(CUSTOM_OBJECTS, result)
        if ended and ended.attempt.warning:  # there may be more kinds, and the CLI deletes what it is not sent
            problem = (
                f"{ended.attempt.warning}. Grant that right, so that it can be proven, or leave `custom` out of "
                "`resources`: else the CLI may delete rows of objects that are there"
            )
        return found, problem

    def _attempt(self, kind: Kind, read: Callable[[], Result]) -> tuple[Result | None, str | None]:
        """The result, and the problem where that is not all there is."""
        if self._dead or self._stopped.is_set():
            return None, self._dead or "the sync was stopped"
        try:
            result = read()
        except StoreError as error:
            return None, f"database_url: {error}"
        except Exception as error:  # one target's fault must not end the others
            log.exception("context %s, %s", self._name, kind.name)
            return None, f"context {self._name}, {kind.name}: {type(error).__name__}; the plugin's log has more"
        outcome = result.outcome
        if outcome is Outcome.COMPLETE or result.absence_proven:
            return result, None
        if self._stopped.is_set():
            return None, "the sync was stopped"
        problem = f"{outcome}: {result.error or ''}. {outcome.advice}".strip()
        if outcome is Outcome.UNSUPPORTED and kind.name not in self._source.named:
            log.warning("%s · %s: %s", self._name, kind.name, problem)  # there was and will be no row of it
            return result, None
        if outcome is Outcome.UNREACHABLE and self._writer is None:
            self._dead = f"{problem} (not tried again for this kind)"
        return None, problem

    def _attempted(self, writer: Writer, kind: Kind, write: Callable[[Store], Result]) -> Result:
        return attempted(writer, self._session, kind, write, run=self._run, settings=self._settings)


def _settings(spec: bytes) -> Settings:
    try:
        given = json.loads(spec or b"null") or {}
    except ValueError:
        raise BadInput("spec: not JSON") from None
    if not isinstance(given, dict):
        raise BadInput("spec: must be a mapping of settings")
    foreign = sorted(AIRFLOW_ONLY & given.keys())
    if foreign:
        raise BadInput(f"spec: {', '.join(foreign)}: of use to Airflow alone")
    try:
        return Settings.load(given)
    except SettingsError as error:
        raise BadInput(str(error).replace("settings:", "spec:", 1)) from None
