"""One target (context x kind) under its lock: an attempt from its row in k8s_sync_runs to the merge."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from k8s_inventory.kinds import Kind
from k8s_inventory.printable import printable, printable_lines
from k8s_inventory.store.copying import BinaryRows
from k8s_inventory.store.database import Store
from k8s_inventory.store.errors import LOST_LOCK, StoreError, TargetBusy, explained, holder
from k8s_inventory.store.statements import Statements

VERIFY_DAYS = 7
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class LastComplete:
    """What the last complete listing of the target left behind."""

    fingerprint: str | None
    resource_version: str | None
    verify_due: bool


@dataclass(frozen=True)
class Part:
    """What a listing covers that is narrower than its kind: a namespace (empty: all) and the selectors, as text."""

    namespace: str = ""
    selection: str = ""


@dataclass
class Attempt:
    """What an attempt counted; the columns of k8s_sync_runs of the same names.

    Both texts are printable, whatever they were made of: people read them in logs, in SQL and on terminals. `error` is
    one line, `warning` one for each.
    """

    outcome: str = "failed"
    error: str | None = None
    pages: int = 0
    objects: int = 0
    changed: int = 0
    deleted: int = 0
    bytes: int = 0
    resource_version: str | None = None
    seconds: float = 0.0
    scope: str = "all"
    warning: str | None = None
    redacted: int = 0

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("error", "warning") and value is not None:
            value = printable(value) if name == "error" else printable_lines(value)
        super().__setattr__(name, value)


class Target:
    """The right to write one target. Made by `locked` alone."""

    def __init__(self, store: Store, kind: Kind, context_name: str, statements: Statements) -> None:
        self._store = store
        self._connection = store.connection
        self._kind = kind
        self._statements = statements
        self._key = {"context_name": context_name, "kind": kind.name}
        self._number = secrets.randbits(63)  # of an advisory lock: one that nobody else can take before us
        self._context_name = context_name
        self._where = {"context_name": context_name, **{name: getattr(kind, name) for name in kind.shared_by}}
        self._doing = f"context {context_name}, {kind.name}"
        self._rows = BinaryRows(kind)
        self._id: int | None = None
        self._rewritten = False

    @classmethod
    @contextmanager
    def locked(
        cls, store: Store, kind: Kind, context_name: str, *, statements: Statements | None = None, wait: float = 60.0
    ) -> Iterator[Target]:
        """Takes the target's lock, waiting `wait` seconds at most, and gives it back in the end.

        Raises `TargetBusy`, naming the holder, when the wait is over.
        """
        target = cls(store, kind, context_name, statements or Statements.render(kind))
        target._lock(wait)
        try:
            yield target
        finally:
            with suppress(psycopg.Error):  # a lost session has lost its locks
                store.run("unlock", {**target._key, "number": target._number})

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self._doing, self._connection)

    def _lock(self, wait: float) -> None:
        deadline = time.monotonic() + wait
        numbered = {**self._key, "number": self._number}
        with self._explained():
            while not self._taken(numbered):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TargetBusy(
                        f"{self._doing}: still being written by {self._holder()} after {wait:g} s of waiting; nothing "
                        "was changed"
                    )
                time.sleep(min(_POLL_SECONDS, left))

    def _taken(self, numbered: dict[str, Any]) -> bool:
        """First written, then looked whether all of the context is being forgotten: see `forget_context`."""
        self._connection.execute("SELECT pg_advisory_lock(%s)", [self._number])
        if self._store.rows("lock", numbered) and not self._forgetting():
            return True
        self._store.run("unlock", numbered)
        return False

    def _forgetting(self) -> list[dict[str, Any]]:
        return self._store.rows("held_locks", {**self._key, "forgetting": True})

    def _holder(self) -> str:
        for each in self._forgetting():
            return f"a task that forgets the context (database session {each['pid']} of {each['role']})"
        found = self._store.rows("lock_holder", self._key)
        return holder(found[0]) if found else "another task"

    def begin(self, *, run_id: str, attempt: int, invocation: str = "", scope: str = "all") -> None:
        """Commits the attempt's row, and marks those that a killed task left open."""
        with self._explained():
            self._store.run("fail_orphans", self._key)
            of_task = {"run_id": run_id, "attempt": attempt, "invocation": invocation, "scope": scope}
            begun = self._store.rows("begin_attempt", {**self._key, **of_task})
            self._id = begun[0]["id"]

    def last_complete(self, part: Part | None = None) -> LastComplete:
        """Of the part, or where that never was, of the whole."""
        with self._explained():
            of_part = {"part": part.namespace if part else None, "selection": part.selection if part else ""}
            parameters = {**self._key, "verify_days": VERIFY_DAYS, **of_part}
            return LastComplete(**self._store.rows("last_complete", parameters)[0])

    def cluster(self) -> dict[str, Any] | None:
        """cluster_uid, server and ca_fingerprint that this context led to last."""
        with self._explained():
            found = self._store.rows("context_state", {"context_name": self._context_name})
        return found[0] if found else None

    def cluster_seen(self, *, repointed: bool, **columns: Any) -> None:
        """Notes where the context leads; `columns` are those of k8s_sync_contexts."""
        with self._explained():
            self._store.run("context_seen", {"context_name": self._context_name, "repointed": repointed, **columns})

    # -- staging -----------------------------------------------------------------------------------

    def start_staging(self, *, rewrite: bool) -> None:
        """Empties the staging; `rewrite` asks for every row, whatever its version."""
        self._rewritten = rewrite
        with self._explained():
            self._connection.execute(self._statements.create_staging)

    def see(self, uids: Sequence[str], versions: Sequence[str]) -> list[int]:
        """Notes a page's uids as present; returns the positions of the objects whose row must be written."""
        parameters = {
            **self._where,
            "uids": uids,
            "versions": versions,
            "rewrite": self._rewritten,
        }
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.see, parameters)
            return [row[0] for row in cursor]

    def stage(self, chunks: Iterable[Sequence[Sequence[Any]]]) -> None:
        """Copies rows to the staging table; each chunk holds some, a list of values for each of `Kind.columns`."""
        with self._explained(), self._connection.cursor() as cursor:
            with cursor.copy(self._statements.stage) as copy:
                self._rows.write(copy, self._context_name, chunks)

    def missing(self, part: Part, *, label_selector: str | None, most: int) -> list[tuple[str, str | None, str]]:
        """(uid, namespace, name) of stored objects that the listing of the part lacks, though they have its labels."""
        parameters = {**self._where, "namespace": part.namespace or None, "selector": label_selector, "most": most}
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.missing, parameters)
            return cursor.fetchall()

    # -- end ---------------------------------------------------------------------------------------

    def end(self, attempt: Attempt, *, fingerprint: str | None = None) -> Attempt:
        """Ends the attempt in one transaction: merge, prune where the outcome is proof, status row.

        `complete` merges and prunes, `partial` merges, everything else writes the status row alone.
        """
        with self._explained(), self._connection.transaction():
            if attempt.outcome in ("complete", "partial"):
                self._refuse_lost_lock()
                attempt.changed = self._merge()
            if attempt.outcome == "complete":
                attempt.deleted = self._execute(self._statements.prune, namespace=None, gone=None)
                self._store.run("forget_parts", self._key)
                complete = {"fingerprint": fingerprint, "resource_version": attempt.resource_version}
                self._store.run("target_complete", {**self._key, **complete, "rewritten": self._rewritten})
            elif attempt.outcome == "partial" and self._rewritten:
                self._store.run("target_mixed", self._key)
            attempt.seconds = self._end_row(attempt)
        return attempt

    def end_part(
        self, part: Part, attempt: Attempt, *, fingerprint: str | None = None, gone: Sequence[str] | None = None
    ) -> None:
        """Ends the listing of a part, in one transaction: as `end` does, but pruning only within the part.

        `gone`, where it is given, are the uids whose absence is proven; it then is the only proof.
        """
        with self._explained(), self._connection.transaction():
            if attempt.outcome in ("complete", "partial"):
                self._refuse_lost_lock()
                attempt.changed = self._merge()
                if self._rewritten:
                    self._store.run("target_mixed", self._key)
            if attempt.outcome == "complete":
                where = {"namespace": part.namespace or None, "gone": gone}
                attempt.deleted = self._execute(self._statements.prune, **where)
            names = ("outcome", "error", "objects", "changed", "deleted", "resource_version")
            counts = {name: getattr(attempt, name) for name in names}
            of_part = {"namespace": part.namespace, "fingerprint": fingerprint, "rewritten": self._rewritten}
            self._store.run("end_part", {**self._key, **of_part, **counts})

    def prune_gone_namespaces(self, live: Sequence[str]) -> int:
        """Deletes the rows of namespaces that are not among those that a complete listing of them held."""
        with self._explained(), self._connection.transaction():
            self._refuse_lost_lock()
            self._store.run("forget_gone_parts", {**self._key, "live_namespaces": list(live)})
            return self._execute(self._statements.prune_absent, live_namespaces=list(live))

    def end_proven_absent(self, attempt: Attempt) -> Attempt:
        """Ends an attempt on a kind that is proven to be gone from the cluster: its rows go, too."""
        with self._explained(), self._connection.transaction():
            self._refuse_lost_lock()
            attempt.deleted = self._execute(self._statements.prune_absent, live_namespaces=None)
            self._store.run("forget_parts", self._key)
            attempt.seconds = self._end_row(attempt)
        return attempt

    def end_without_rows(self, attempt: Attempt) -> Attempt:
        """Ends an attempt whose rows are stored already, or that has none: its status row alone."""
        with self._explained(), self._connection.transaction():
            if attempt.outcome == "complete" and attempt.scope == "all":
                nothing = {"fingerprint": None, "resource_version": None, "rewritten": False}
                self._store.run("target_complete", {**self._key, **nothing})
            attempt.seconds = self._end_row(attempt)
        return attempt

    def _end_row(self, attempt: Attempt) -> float:
        row = {name: value for name, value in vars(attempt).items() if name != "seconds"}
        return float(self._store.rows("end_attempt", {**row, "id": self._id})[0]["seconds"])

    def _merge(self) -> int:
        self._connection.execute("ANALYZE pg_temp.k8s_staged (uid), pg_temp.k8s_seen (uid)")
        return self._execute(self._statements.merge, compare=self._rewritten)

    def _execute(self, statement: str, **parameters: Any) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, {**self._where, **parameters})
            return max(cursor.rowcount, 0)

    def _refuse_lost_lock(self) -> None:
        if not self._store.rows("lock_held", {**self._key, "number": self._number}):
            raise StoreError(f"{self._doing}: {LOST_LOCK}")
