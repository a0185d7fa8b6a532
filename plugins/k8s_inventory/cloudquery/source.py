"""What one `cloudquery sync` reads, and what it says of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from k8s_inventory.cloudquery import tables
from k8s_inventory.cloudquery.changes import Backend, BackendError, Changes
from k8s_inventory.cloudquery.spec import load
from k8s_inventory.cloudquery.spool import Spool
from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS, Kind
from k8s_inventory.kube.contexts import Context, Found
from k8s_inventory.kube.errors import KubeconfigError, KubeError, NoKubeconfig
from k8s_inventory.kube.session import Session
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import ReportedError, printable
from k8s_inventory.settings import SettingsError
from k8s_inventory.store import Store, StoreError
from k8s_inventory.store.database import connection_parameters
from k8s_inventory.sync import PlanError, Result, Run, Selection, Sync, Targets, refresh_crd_views, select
from k8s_inventory.sync.configured import configured_contexts, missing_kubeconfig, open_session
from k8s_inventory.sync.identity import first_led_to
from k8s_inventory.sync.selection import NONE

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


class Source:
    """One configured source.

    `spec` is JSON, as the CLI sends it. With `offline` nothing beyond it is looked at: the CLI then only asks for
    tables. Raises `BadInput`.
    """

    def __init__(self, spec: bytes, *, run_id: str = "", offline: bool = False) -> None:
        try:
            self.settings = load(spec)
        except SettingsError as error:
            raise BadInput(str(error)) from None
        self.run_id = run_id or "cloudquery"
        self._contexts: Found[Callable[[], Context]] = Found()
        try:
            if not offline:
                self._contexts = configured_contexts(self.settings)
                self._refuse_missing()
                if self.settings.database_url:
                    connection_parameters(self.settings.database_url.get_secret_value())
            self._selection = self._select(offline)
        except NoKubeconfig as error:
            raise BadInput(f"{error}, or `kubeconfig` in the spec, or `in_cluster_name` within a cluster") from None
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
        if not found and not self.wants_changes(table_patterns, skip_tables):
            resources = ", ".join(self.settings.resources or KINDS)
            raise BadInput(
                f"nothing is left to read: `tables` ({', '.join(table_patterns)}) and `skip_tables` "
                f"({', '.join(skip_tables)}) leave none of the resources {resources}"
            )
        return found

    def wants_changes(self, table_patterns: Collection[str], skip_tables: Collection[str]) -> bool:
        """Whether the selection takes `k8s_changes`, which a database has. Raises `BadInput` where it has none."""
        if not tables.takes(tables.CHANGES, table_patterns, skip_tables):
            return False
        if not self.settings.database_url and tables.CHANGES in table_patterns:
            raise BadInput(
                f"{tables.CHANGES} takes `database_url`, in whose schema changes are noted: without it nobody knows "
                "what rows were before"
            )
        return self.settings.database_url is not None

    def changes(self, request: Any) -> Changes | None:
        """Of the contexts that are chosen; None where it is not asked for. Raises `BadInput`."""
        if not self.wants_changes(request.tables, request.skip_tables):
            return None
        if not request.backend.table_name:
            needed = (
                f"{tables.CHANGES} takes a state backend, which holds what was sent before. Add a line to the source, "
                "beside its `spec`, with the name of your destination: "
                'backend_options: {table_name: k8s_inventory, connection: "@@plugins.postgresql.connection"}'
            )
            if tables.CHANGES in request.tables:
                raise BadInput(needed)
            log.info("%s", needed)
            return None
        try:
            backend = Backend(request.backend.table_name, request.backend.connection)
            return Changes(self._connect, self._selection.contexts, backend)
        except BackendError as error:
            raise BadInput(str(error)) from None

    def records(self, new: Changes, stopped: threading.Event) -> Iterator[bytes]:
        """Raises `BadInput` where the database refuses."""
        try:
            yield from new.records(stopped)
        except StoreError as error:
            raise BadInput(f"database_url: {error}") from None

    def keep(self, new: Changes) -> None:
        """What could not be kept is sent once more by the next sync."""
        try:
            new.keep()
        except BackendError as error:
            log.warning("%s", error)

    def read(self, kinds: Sequence[Kind], stopped: threading.Event) -> Iterator[Spooled]:
        """Every target, once, as it ends; its spool is the caller's to close.

        Once `stopped` is set, reading ends at the next page. A target that nobody came to has a problem, too: a
        stream that just ended would be taken for complete. Raises `BadInput` where the database refuses.
        """
        self._prepare_store()
        custom = self._selection.custom if CUSTOM_OBJECTS in kinds else NONE
        declared = [kind for kind in kinds if kind is not CUSTOM_OBJECTS]
        sync = Sync(
            [
                Targets(name, partial(self._open_session, name, stopped), declared, custom)
                for name in self._selection.contexts
            ],
            run=Run(self.run_id, invocation=uuid4().hex),  # the CLI's id may be none, or one that was used
            settings=self.settings,
            open_store=self._connect if self.settings.database_url else None,
            make_sink=partial(Spool, stopped=stopped),
            contexts_at_once=CONTEXTS_AT_ONCE,
            stopped=stopped,
        )
        with closing(sync.results()) as results:
            for result in results:
                yield self._spooled(result)
        if not stopped.is_set():
            self._refresh_views()

    def _spooled(self, result: Result) -> Spooled:
        """The result, and the problem where the rows are not all there is."""
        assert isinstance(result.sink, Spool)
        problem, outcome = None, result.outcome
        shown = printable(f"{result.context_name} · {result.kind}")
        if outcome is Outcome.COMPLETE or result.absence_proven:
            log.info("%s: %s, %d objects", shown, outcome, result.attempt.objects)
        else:
            problem = f"{outcome}: {result.error or ''}. {outcome.advice}".strip()
        if outcome is Outcome.UNSUPPORTED and result.kind not in self._selection.named:
            log.warning("%s: %s", shown, problem)  # there was and will be no row of it
            problem = None
        elif result.kind == CUSTOM_OBJECTS.name and result.attempt.warning:
            # There may be more kinds, and the CLI deletes what it is not sent.
            problem = (
                f"{result.attempt.warning}. Grant that right, so that it can be proven, or leave `custom` out of "
                "`resources`: else the CLI may delete rows of objects that are there"
            )
        if problem:
            result.sink.close()
        return Spooled(result.sink.kind, result.context_name, result.sink, problem)

    def _open_session(self, name: str, stopped: threading.Event | None = None) -> Session:
        return open_session(self._contexts[name](), self.settings, stopped=stopped)

    def _prepare_store(self) -> None:
        """Makes the schema, if there is a database to write to."""
        store = self.open_store()
        if store is None:
            return
        with store:
            try:
                store.migrate()
                source = self.settings.source_name
                are_all = source is not None and not self._contexts.missing
                store.mark_configured(self._contexts, source=source or "", are_all=are_all)
            except StoreError as error:
                raise BadInput(f"database_url: {error}") from None

    def _refresh_views(self) -> None:
        """Of CRDs, if there is a database to have them in. Rows are complete without them: a failure is only logged."""
        try:
            if store := self.open_store():
                with store:
                    changes = refresh_crd_views(store)
                    store.drop_expired_history(self.settings.history_days, self.settings.event_days)
                    store.forget_old_runs(self.settings.runs_days)
                for warning in changes.warnings():
                    log.warning("%s", warning)
        except (BadInput, StoreError) as error:
            log.warning("after the sync: %s", error)

    def open_store(self) -> Store | None:
        """A session with the database, where there is one to write to. Raises `BadInput`."""
        try:
            return self._connect() if self.settings.database_url else None
        except StoreError as error:
            raise BadInput(f"database_url: {error}") from None

    def _connect(self) -> Store:
        """A session with the database of the spec, which must name one. Raises `StoreError`."""
        assert self.settings.database_url
        return Store.connect(self.settings.database_url.get_secret_value(), schema=self.settings.schema_name)

    def test_connection(self, stopped: threading.Event | None = None) -> str | None:
        """What keeps the contexts and the database from being used; None if nothing does. Ends early once `stopped` is
        set."""
        problems = []
        for name in self._selection.contexts:
            try:
                with self._open_session(name, stopped) as session:
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
