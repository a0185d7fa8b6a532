"""One target (context x kind) under its lock: an attempt from its row in k8s_sync_runs to the merge."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, cast

import msgspec
from psycopg import errors
from psycopg.types.json import Jsonb

from k8s_inventory.kinds import Kind
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import printable, printable_lines
from k8s_inventory.store.copying import BinaryRows
from k8s_inventory.store.database import VERIFY_DAYS, Store
from k8s_inventory.store.evidence import Counts, Coverage, Listed, MetadataFirst, Proof
from k8s_inventory.store.refusals import LOST_LOCK, Moved, StoreError, TargetBusy, explained, holder
from k8s_inventory.store.statements import Statements, blank_kept

_POLL_SECONDS = 0.2
_BY_OTHERS = (errors.UniqueViolation, errors.ExclusionViolation)
"""What a constraint or index of others refuses, until another row has made room."""
_RESTATED = "restated"
"""Follows the rules in the `made_of` of a row that was made of a stored one."""


Ignored = Mapping[str, Sequence[Sequence[str]]]
"""By column, the paths in it at which a difference is no change, `*` for any step; without any, the whole column."""


@dataclass(frozen=True)
class LastComplete:
    """What the last complete listing of the target left behind."""

    resource_version: str | None
    verify_due: bool
    metadata_first: MetadataFirst


class Seen(NamedTuple):
    """The positions of objects on a page: of those to be written, and of those that an earlier page held, too."""

    to_write: list[int]
    again: list[int]


@dataclass
class Attempt(Counts):
    """What an attempt counted; the columns of k8s_sync_runs of the same names.

    Both texts are printable, whatever they were made of: people read them in logs, in SQL and on terminals. `error` is
    one line, `warning` one for each.
    """

    outcome: Outcome = Outcome.FAILED
    error: str | None = None
    warning: str | None = None
    whole_context: bool = False
    """Whether the error is of the context, so that no other kind of it need be tried."""
    scope: str = "all"
    resource_version: str | None = None
    snapshot_at: datetime | None = None
    under_other_rules: int | None = None
    seconds: float = 0.0
    retryable: bool = True
    """Whether a later attempt may do better."""

    def take(self, *listings: Listed) -> None:
        """Sums up what was read and written; a watch adds to what it has brought before, but for how many objects there
        are."""
        for count in fields(Counts):
            adds = count.name != "objects" and any(each.since for each in listings)
            before = getattr(self, count.name) if adds else 0
            setattr(self, count.name, before + sum(getattr(each, count.name) for each in listings))
        self.snapshot_at = min((each.snapshot_at for each in listings if each.snapshot_at), default=None)

    def columns(self) -> dict[str, Any]:
        """What is stored of it."""
        return {**vars(self), "outcome": str(self.outcome)}

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
        # Of an advisory lock: one that nobody else can take before us.
        self._lock_row = {**self._key, "number": secrets.randbits(63)}
        self._where = {"context_name": context_name, "group": kind.group, "plural": kind.plural}
        self._doing = f"context {context_name}, {kind.name}"
        self._rows = BinaryRows(kind)
        self._id: int | None = None
        self._rewritten = False
        self._staged = 0
        self._rules: str | None = None
        self._run_id = ""
        self._ignored: Ignored | None = None
        self._history_rules: str | None = None
        self._keeps_gone = False
        self._under_other_rules: int | None = None

    @classmethod
    @contextmanager
    def locked(
        cls,
        store: Store,
        kind: Kind,
        context_name: str,
        *,
        statements: Mapping[str, str] | None = None,
        wait: float = 60.0,
        stopped: threading.Event | None = None,
    ) -> Iterator[Target]:
        """Takes the target's lock, waiting `wait` seconds at most, and gives it back in the end.

        `statements` are those that are rendered already, by their names.

        Raises `TargetBusy`, naming the holder, when the wait is over, or `stopped` is set.
        """
        target = cls(store, kind, context_name, Statements(kind, statements))
        target._lock(wait, stopped or threading.Event())
        try:
            yield target
        finally:
            store.unlock(target._lock_row)

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self._doing, self._connection)

    def _lock(self, wait: float, stopped: threading.Event) -> None:
        start = time.monotonic()
        with self._explained():
            while not self._taken():
                waited = time.monotonic() - start
                if waited >= wait or stopped.wait(min(_POLL_SECONDS, wait - waited)):
                    until = "when its task was ended" if stopped.is_set() else f"after {wait:g} s of waiting"
                    raise TargetBusy(
                        f"{self._doing}: still being written by {self._holder()} {until}; nothing was changed"
                    )

    def _taken(self) -> bool:
        """First written, then looked whether all of the context is being forgotten: see `forget_context`."""
        is_taken = False
        try:
            if self._store.rows("lock", self._lock_row) and not self._forgetting():
                self._refuse_lost_lock()
                is_taken = True
        finally:
            if not is_taken:
                self._store.unlock(self._lock_row)
        return is_taken

    def _forgetting(self) -> list[dict[str, Any]]:
        return self._store.rows("held_locks", {**self._key, "forgetting": True})

    def _holder(self) -> str:
        for each in self._forgetting():
            return f"a task that forgets the context (database session {each['pid']} of {each['role']})"
        found = self._store.rows("lock_holder", self._key)
        return holder(found[0]) if found else "another task"

    def begin(
        self,
        *,
        run_id: str,
        attempt: int,
        invocation: str = "",
        mode: str = "full",
        scope: str = "all",
        rules: str | None = None,
        ignored: Ignored | None = None,
        keeps_gone: bool = False,
        goes_on_with: int | None = None,
    ) -> None:
        """Commits the attempt's row, and marks those that a killed task left open.

        `rules` is what the `made_of` of each row begins with that is written by the redaction of now; `ignored`, what
        the history leaves out, or None where none is kept; `keeps_gone`, whether rows stay when their objects go, of a
        kind that has a table for them. `goes_on_with` is the id of an attempt that has ended for now, and is to end
        again.
        """
        self._keeps_gone = keeps_gone and bool(self._kind.kept_in)
        self._rules, self._run_id, self._ignored = rules, run_id, ignored
        with self._explained():
            self._store.run("fail_orphans", self._key)
            of_task = {"run_id": run_id, "attempt": attempt, "invocation": invocation, "scope": scope}
            if goes_on_with is not None:
                self._id = goes_on_with
                return
            of_task |= {"mode": mode, "keeps_history": ignored is not None, "keeps_gone": self._keeps_gone}
            begun = self._store.rows("begin_attempt", {**self._key, **of_task})
            self._id, self._history_rules = begun[0]["id"], begun[0]["history_rules"]

    def last_complete(self, coverage: Coverage) -> LastComplete:
        """Of the coverage, or where that never was, of the whole."""
        part = None if coverage.is_whole else coverage.namespace or ""
        with self._explained():
            found = self._store.rows("last_complete", {**self._key, "verify_days": VERIFY_DAYS, "part": part})
        return LastComplete(**found[0])

    # -- staging -----------------------------------------------------------------------------------

    def start_staging(self, *, rewrite: bool, age: float) -> datetime:
        """Empties the staging; `rewrite` asks for every row, whatever its version.

        Returns the instant `age` seconds ago, by the clock of the database.
        """
        self._rewritten, self._staged = rewrite, 0
        with self._explained():
            self._connection.execute(self._statements.create_staging)
            return cast(datetime, self._store.rows("ago", {"seconds": age})[0]["instant"])

    def see(self, uids: Sequence[str], versions: Sequence[str], made_of: Sequence[str]) -> Seen:
        """Notes a page's uids as present; says which of its objects' rows must be written.

        `made_of` is what each row would be made of, beside its object's version.
        """
        # As JSON, which is written at once: psycopg looks at each string of a list.
        objects = msgspec.json.encode(list(zip(uids, versions, made_of, strict=True))).decode()
        parameters = {"objects": objects, "rewrite": self._rewritten}
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.see, {**self._where, **parameters})
            (found,) = cursor.fetchall()
            return Seen(*found)

    def see_again(self, uids: Sequence[str]) -> dict[str, tuple[str, str | None, str]]:
        """(resource_version, namespace, name) by uid of what is staged, or stored and stays, of objects seen before."""
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.see_again, {**self._where, "uids": uids})
            return {uid: (version, namespace, name) for uid, version, namespace, name in cursor}

    def unstage(self, uids: Sequence[str]) -> None:
        """Takes rows back that were staged, for later ones of the same objects."""
        with self._explained():
            self._store.run("unstage", {"uids": uids})

    @property
    def has_staged(self) -> bool:
        return self._staged > 0

    @property
    def is_rewritten(self) -> bool:
        """Whether every row was asked for, whatever its version."""
        return self._rewritten

    def unsettle(self) -> None:
        """Has the staged rows written again by the next listing, whatever their versions are then."""
        with self._explained():
            self._store.run("unsettle")

    def stage(self, chunks: Iterable[Sequence[Sequence[Any]]], made_of: Sequence[str]) -> None:
        """Copies rows to the staging table; each chunk holds some, a list of values for each of `Kind.columns`.

        `made_of` has one for each row of all chunks, in their order.
        """
        with self._explained(), self._connection.cursor() as cursor:
            with cursor.copy(self._statements.stage) as copy:
                self._rows.write(copy, self._key["context_name"], _with(chunks, made_of))
        self._staged += len(made_of)

    def namespaces_stored(self) -> list[str]:
        """The namespaces of stored objects."""
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.namespaces_stored, self._where)
            return [namespace for (namespace,) in cursor]

    def under_other_rules(self) -> int:
        """How many rows were not written by the redaction of now; counted once for as long as nothing is written."""
        if self._under_other_rules is None:
            with self._explained(), self._connection.cursor() as cursor:
                cursor.execute(self._statements.under_other_rules, {**self._where, "rules": self._rules})
                ((self._under_other_rules,),) = cursor.fetchall()
        return self._under_other_rules or 0

    def stored_objects(self, after: str, *, most: int, gone: bool = False) -> list[tuple[str, str, str]]:
        """(uid, api_version, JSON) of objects, made of rows that other rules of redaction wrote: those after a uid.

        `gone`: of rows that stayed when their objects went, here and in `restate`.
        """
        parameters = {**self._where, "rules": self._rules, "after": after, "most": most}
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._of(gone).stored_objects, parameters)
            return cursor.fetchall()

    def restate(self, chunks: Sequence[Sequence[Sequence[Any]]], *, gone: bool = False) -> None:
        """Writes such rows by the rules of now; the next listing that covers them writes them again."""
        self.start_staging(rewrite=True, age=0)
        self.stage(chunks, [f"{self._rules}{_RESTATED}"] * sum(len(chunk[0]) for chunk in chunks))
        with self._explained(), self._connection.transaction():
            self._refuse_lost_lock()
            self._execute(self._of(gone).restate)
            self._move(Coverage(), Listed())
            self._under_other_rules = None

    def _of(self, gone: bool) -> Statements:
        return Statements(self._kind.kept) if gone else self._statements

    @property
    def keeps_rows(self) -> bool:
        """Whether the kind has a table of rows whose objects are gone."""
        return bool(self._kind.kept_in)

    @property
    def has_history_by_other_rules(self) -> bool:
        """Whether there may be former values that other rules of redaction wrote."""
        return self._rules is not None and self._history_rules != self._rules

    def changed_objects(self, after: tuple[str, int], *, most: int) -> list[tuple[str, int, str, str]]:
        """(seen_at, id, api_version, JSON) of objects before changes by other rules: those after a seen_at and id."""
        parameters = {**self._where, "rules": self._rules, "after": after[0], "after_id": after[1], "most": most}
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.changed_objects, parameters)
            return cursor.fetchall()

    def restate_changes(self, chunk: Sequence[Sequence[Any]], seen_at: Sequence[str]) -> None:
        """Writes the former values that these changes took away by the rules of now; the chunk holds their objects."""
        self.start_staging(rewrite=True, age=0)
        self.stage([chunk], seen_at)
        with self._explained(), self._connection.transaction():
            self._refuse_lost_lock()
            self._execute(self._statements.restate_changes, restated=f"{self._rules}{_RESTATED}")

    def history_is_restated(self) -> None:
        """What is still by other rules could not be read, and its values go."""
        with self._explained(), self._connection.transaction():
            self._refuse_lost_lock()
            of_rules = {"rules": self._rules, "restated": f"{self._rules}{_RESTATED}"}
            self._store.run("blank_changes", {**self._where, **of_rules})
            if self.keeps_rows:
                self._execute(blank_kept(self._kind.kept), **of_rules)
            self._store.run("history_ruled", {**self._key, "rules": self._rules})
        self._history_rules = self._rules

    def missing(self, coverage: Coverage, *, most: int, labels_are_whole: bool) -> list[tuple[str, str | None, str]]:
        """(uid, namespace, name) of stored objects that the listing lacks, though they may have the labels selected.

        `labels_are_whole` says that the redaction of now takes none: those of a row that it wrote then tell.
        """
        parameters = {
            "namespace": coverage.namespace,
            "selector": coverage.label_selector if labels_are_whole and coverage.label_selector else None,
            "rules": self._rules,
            "restated": _RESTATED,
            "most": most,
        }
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.missing, {**self._where, **parameters})
            return cursor.fetchall()

    def replaced(self, gone: Sequence[str]) -> tuple[str | None, str] | None:
        """(namespace, name) of a stored object by whose name another is staged, without being among these uids."""
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(self._statements.replaced, {**self._where, "gone": list(gone)})
            return cursor.fetchone()

    # -- end ---------------------------------------------------------------------------------------

    def commit(
        self, coverage: Coverage, listed: Listed, proof: Proof | None = None, *, ends: Attempt | None = None
    ) -> None:
        """Merges what was listed, deletes what is proven to be gone, and notes both, in one transaction.

        It sets `changed` and `deleted` of `listed`, and sums them up in `ends`, the attempt that is of this coverage
        alone. Where all of the kind is known now, the attempt ends with it: its status row is written in the same
        transaction. What proves that a row may go:

        - a complete listing without selectors: of the objects that it covers, all that it lacks are gone;
        - `proof.gone` and `proof.deleted`: these uids are, unless what was read held them;
        - `proof.kind_is_gone`: all of the kind's are.
        """
        proof = proof or Proof()
        with self._explained():
            try:
                self._commit(coverage, listed, proof, ends, in_turn=False)
            except _BY_OTHERS:
                self._commit(coverage, listed, proof, ends, in_turn=True)

    def _commit(self, coverage: Coverage, listed: Listed, proof: Proof, ends: Attempt | None, *, in_turn: bool) -> None:
        with self._connection.transaction():
            if listed.is_stored or proof.kind_is_gone:
                self._refuse_lost_lock()
                self._move(coverage, listed)
            noted = self._noted(coverage, listed, proof)
            if listed.is_stored:
                self._connection.execute("ANALYZE pg_temp.k8s_staged (uid), pg_temp.k8s_seen (uid)")
            # What is gone goes first: others may have said that of what we keep, there is one by a name, or an address.
            lacking = {"namespace": coverage.namespace, "gone": _gone(coverage, listed, proof)}
            prunes = lacking["gone"] is None or bool(lacking["gone"])
            if proof.kind_is_gone:
                listed.deleted = self._counted(self._statements.prune_absent, **noted)
            elif prunes:
                listed.deleted = self._counted(self._statements.prune, **lacking, **noted)
            created = self._counted(self._statements.created) if listed.since and self.has_staged else 0
            if listed.is_stored:
                listed.changed = self._merge(noted, in_turn=in_turn)
            if self._store.rows("row_triggers", {"table": self._kind.table})[0]["are_there"]:
                left = self._statements.not_absent if proof.kind_is_gone else self._statements.unseen
                self._refuse_left(
                    not_written=self._counted(self._statements.not_merged) if listed.is_stored else 0,
                    not_deleted=self._counted(left, **lacking) if proof.kind_is_gone or prunes else 0,
                )
            if listed.since:
                of_watch = {**self._key, "created": created, "deleted": listed.deleted}
                listed.objects = self._store.rows("objects_moved", of_watch)[0]["objects"]
            if coverage.selection and listed.since is None and listed.outcome is Outcome.COMPLETE:
                listed.lacks_rows = self._counted(self._statements.unseen, namespace=coverage.namespace, gone=None) > 0
            if noted["seen_at"] and (listed.changed or listed.deleted):
                self._store.run("target_changed", {**self._key, **noted})
            self._note(coverage, listed, proof)
            is_all = bool(proof.kind_is_gone) or (coverage.is_whole and listed.outcome is Outcome.COMPLETE)
            self._under_other_rules = 0 if is_all else None
            if ends:
                ends.take(listed)
                if is_all:
                    self._end(ends, is_known=True)

    def _move(self, coverage: Coverage, listed: Listed) -> None:
        """What is about to be stored is up to `listed.revision`. Raises `Moved` where it is of a watch that did not go
        on from what is stored now."""
        to = listed.revision
        if listed.since is None:
            kept = {"read_by": None, "api_servers": None, **(vars(to) if to else {})}
            definition = Jsonb(to.definition) if to and to.definition is not None else None
            kept |= {"revision": to and to.number, "definition": definition, "objects": listed.objects}
            self._store.run("keep_revision", {**self._key, **kept})
            return
        assert to
        moved = {**self._key, **vars(to), "revision": to.number, "since": listed.since.number}
        if not self._store.rows("go_on_from", {**moved, "is_whole": coverage.is_whole}):
            raise Moved(
                f"{self._doing}: another run has stored it since; what was heard in the meantime counts no more"
            )

    def _noted(self, coverage: Coverage, listed: Listed, proof: Proof) -> dict[str, Any]:
        """What the history says of changes that this commit brings; `seen_at` is None where it keeps none."""
        noted: dict[str, Any] = {"seen_at": None, "not_before": None, "not_before_of_new": None, "is_repointed": False}
        noted |= {"run_id": self._run_id, "keeps_gone": self._keeps_gone}
        if self._ignored is not None:
            part = None if coverage.is_whole else coverage.namespace or ""
            state = self._store.rows("history_state", {**self._key, "part": part})[0]
            if state.pop("is_kept"):
                noted |= state
        evidence = _evidence(coverage, listed, proof)
        gone_by = f"{evidence}; GET: not found" if coverage.selection and proof.gone else evidence
        noted |= {"evidence": evidence, "gone_by": gone_by, "revisions": Jsonb(dict(proof.deleted))}
        return {**noted, "is_all": not coverage.selection}

    def _note(self, coverage: Coverage, listed: Listed, proof: Proof) -> None:
        """Keeps what the next listing of this coverage has to know of this one."""
        names = ("outcome", "error", "objects", "changed", "deleted", "resource_version", "snapshot_at")
        noted = {**self._key, **{name: getattr(listed, name) for name in names}, "rewritten": self._rewritten}
        noted |= {"is_all": not coverage.selection, "is_all_rows": not listed.lacks_rows}
        if listed.since:
            if not coverage.is_whole:
                self._store.run("part_watched", noted)
            elif listed.outcome is Outcome.COMPLETE:
                self._store.run("target_complete", noted)
        elif not coverage.is_whole:
            self._store.run("end_part", {**noted, "namespace": coverage.namespace or ""})
        elif proof.kind_is_gone or listed.outcome is Outcome.COMPLETE:
            self._store.run("forget_parts", self._key)
            if not proof.kind_is_gone:
                self._store.run("target_complete", noted)
        if listed.metadata_first and listed.outcome is Outcome.COMPLETE:
            part = None if coverage.is_whole else coverage.namespace or ""
            how = {"how": listed.metadata_first, "part": part}
            of_target = part is None or listed.metadata_first == "never"
            self._store.run("note_metadata_first", {**self._key, **how, "of_target": of_target})

    def forget_gone_parts(self, live: Sequence[str]) -> None:
        """Forgets what is noted of namespaces that are not among these, and were found empty."""
        with self._explained():
            self._store.run("forget_gone_parts", {**self._key, "live_namespaces": list(live)})

    @property
    def attempt_id(self) -> int:
        """Of the attempt that has begun, and has not ended."""
        assert self._id is not None
        return self._id

    @property
    def is_ended(self) -> bool:
        return self._id is None

    def end(self, attempt: Attempt, *, at_once: bool = False) -> None:
        """Writes the attempt's status row, unless that was done together with what it changed.

        `at_once`: waits for nobody, so it looks into no table of a kind.
        """
        if self._id is not None:
            with self._explained(), self._connection.transaction():
                if attempt.outcome is Outcome.COMPLETE and attempt.scope == "all":  # discovery
                    whole = {"resource_version": None, "snapshot_at": attempt.snapshot_at, "rewritten": False}
                    self._store.run("target_complete", {**self._key, **whole})
                if at_once:
                    self._store.run("wait_at_most", {"milliseconds": 1000})
                self._end(attempt, is_known=attempt.outcome is Outcome.COMPLETE, counts=not at_once)

    def _end(self, attempt: Attempt, *, is_known: bool, counts: bool = True) -> None:
        attempt.under_other_rules = self.under_other_rules() if counts and self._rules is not None else None
        attempt.seconds = float(self._store.rows("end_attempt", {**attempt.columns(), "id": self._id})[0]["seconds"])
        self._id = None
        if self._ignored is not None and is_known:
            self._store.run("history_begins", self._key)

    def _merge(self, noted: Mapping[str, Any], *, in_turn: bool) -> int:
        self._execute(self._statements.unchanged)
        if noted["seen_at"] and self.has_staged:
            self._execute(self._statements.note_changes, ignored=Jsonb(self._ignored), restated=_RESTATED, **noted)
        if self._keeps_gone and self.has_staged:
            self._counted(self._statements.keep_overwritten, **noted)
        return self._merge_in_turn() if in_turn else self._execute(self._statements.merge, uids=None)

    def _merge_in_turn(self) -> int:
        """Merges each row once the others let it: what others want to be unique may have gone from one to another."""
        waiting = [uid for (uid,) in self._connection.execute("SELECT uid FROM pg_temp.k8s_staged")]
        merged, at_once = 0, len(waiting)
        while waiting:
            refused: list[str] = []
            for start in range(0, len(waiting), at_once):
                uids = waiting[start : start + at_once]
                try:
                    with self._connection.transaction():
                        merged += self._execute(self._statements.merge, uids=uids)
                except _BY_OTHERS as error:
                    refused += uids
                    refusal = error
            if at_once == 1 and len(refused) == len(waiting):
                raise refusal
            waiting, at_once = refused, max(at_once // 2, 1)
        return merged

    def _execute(self, statement: str, **parameters: Any) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, {**self._where, **parameters})
            return max(cursor.rowcount, 0)

    def _counted(self, statement: str, **parameters: Any) -> int:
        """The same, of a statement that returns its count."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, {**self._where, **parameters})
            ((count,),) = cursor.fetchall()
            return int(count)

    def _refuse_left(self, *, not_written: int, not_deleted: int) -> None:
        """A trigger that skips a row raises nothing: what is stored would be said to be what was read."""
        if not_written or not_deleted:
            left = [f"{not_written} rows from being written"] if not_written else []
            left += [f"{not_deleted} from being deleted"] if not_deleted else []
            raise StoreError(
                f"{self._doing}: a trigger of yours on {self._kind.table} keeps {' and '.join(left)} (before each row, "
                "it returns NULL or OLD). Change or drop it: no row was changed"
            )

    def _refuse_lost_lock(self) -> None:
        if not self._store.rows("lock_held", self._lock_row):
            raise StoreError(f"{self._doing}: {LOST_LOCK}")


def _gone(coverage: Coverage, listed: Listed, proof: Proof) -> list[str] | None:
    """The uids of which it is shown that they are gone; None: of all that was not read."""
    if listed.since:
        return [*proof.gone, *proof.deleted]
    if listed.outcome is not Outcome.COMPLETE:
        return []
    return list(proof.gone) if coverage.selection else None


def _evidence(coverage: Coverage, listed: Listed, proof: Proof) -> str:
    """What shows the changes that a commit brings, in words."""
    if proof.kind_is_gone:
        return f"its kind is gone: {proof.kind_is_gone}"
    if listed.since:
        return "watch event"
    within = "" if coverage.namespace is None else f" of namespace {coverage.namespace}"
    partial = "" if listed.outcome is Outcome.COMPLETE else ", not all of it"
    return f"listing{within}{coverage.selection} at resourceVersion {listed.resource_version or 'unknown'}{partial}"


def _with(chunks: Iterable[Sequence[Sequence[Any]]], made_of: Sequence[str]) -> Iterator[Sequence[Sequence[Any]]]:
    """Each chunk with one list more, the next of `made_of`."""
    start = 0
    for chunk in chunks:
        end = start + len(chunk[0])
        yield [*chunk, made_of[start:end]]
        start = end
