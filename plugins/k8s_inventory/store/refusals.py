"""What PostgreSQL refuses, in words for the person who reads them. No message holds a credential."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from k8s_inventory.printable import ReportedError
from k8s_inventory.store.statements import sql


class StoreError(ReportedError):
    """The database refused, or is not as it must be. `retryable`: a later attempt may succeed as it is."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class NotAllowed(StoreError):
    """The role lacks a right, and that does not pass by itself."""


class TargetBusy(StoreError):
    """Another task holds the target's lock."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class Moved(StoreError):
    """Another writer was at the target since its revision was read: what was heard since counts no more."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


_OF_PUBLICATIONS = (errors.InvalidColumnReference, errors.ObjectNotInPrerequisiteState)
_UNDEFINED = (errors.UndefinedTable, errors.UndefinedFunction, errors.UndefinedObject, errors.InvalidSchemaName)
SHARED = (
    "statements of this session reach other sessions of the server: a pooler is in the way that gives each transaction "
    "another one (pool_mode = transaction). Connect to PostgreSQL itself, or use session pooling (docs/postgresql.md)"
)
LOST_LOCK = f"the lock is not held by this database session any more: {SHARED}; nothing was changed"


def holder(lock: Mapping[str, Any]) -> str:
    """Who holds a lock, a row of lock_holder.sql or held_locks.sql."""
    session = f"database session {lock['pid']} of {lock['role']}"
    if lock["run_id"] is None:
        return f"another task ({session})"
    started = lock["started_at"].isoformat(timespec="seconds")
    return f"run {lock['run_id']} (attempt {lock['attempt']}, since {started}, {session})"


@contextmanager
def explained(doing: str, connection: psycopg.Connection[Any] | None = None) -> Iterator[None]:
    """Raises psycopg's errors as `StoreError`, with what was being done and what to do about it.

    With the connection it says, too, who held what was waited for in vain; no transaction may be open around it then.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _in_words(doing, error, connection) from error
    except UnicodeEncodeError as error:  # half of a character, as `\ud800` in JSON or YAML: UTF-8 has no such thing
        raise StoreError(f"{doing}: {error.object[:100]!a} is no text that can be stored") from error


def _in_words(doing: str, error: psycopg.Error, connection: psycopg.Connection[Any] | None) -> StoreError:
    said = f"{doing}: {_first_line(error)}"
    if isinstance(error, errors.LockNotAvailable):
        return StoreError(f"{said}{_in_the_way(connection)}", retryable=True)
    if isinstance(error, _OF_PUBLICATIONS):
        because = f": {error.diag.message_detail.rstrip('.')}" if error.diag.message_detail else ""
        return StoreError(f"{said}{because}. {_of_others(error)}")
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return StoreError(f"{doing}: the database is read-only; is it a standby?", retryable=True)
    if isinstance(error, psycopg.OperationalError):
        return StoreError(said, retryable=True)
    if isinstance(error, errors.InsufficientPrivilege):
        return NotAllowed(
            f"{said}. {_of_others(error) if _called(error) else 'docs/postgresql.md has the grants that are needed'}"
        )
    if _called(error) or isinstance(error, (errors.IntegrityError, errors.RaiseException, errors.FeatureNotSupported)):
        return StoreError(f"{said}. {_of_others(error)}")
    if isinstance(error, (errors.UndefinedTable, errors.UndefinedColumn)):
        return StoreError(
            f"{said}. The schema is made by the task `plan`; a temporary table that is gone points to a "
            "transaction-pooling PgBouncer, which can not be used"
        )
    return StoreError(said)


def _in_the_way(connection: psycopg.Connection[Any] | None) -> str:
    """The sessions that may have been waited for."""
    found: list[dict[str, Any]] = []
    if connection is not None:
        with suppress(psycopg.Error), connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(sql("in_the_way")).fetchall()
    if not found:
        return ". Nobody holds it any more"
    return ". Locks are held by " + "; ".join(map(_session, found))


def _called(error: psycopg.Error) -> str | None:
    """The function that raised it, where that is none of ours: a trigger of others calls it, say."""
    for line in (error.diag.context or "").splitlines():
        if found := re.search(r"PL/\w+.*?([\w.]+)[(\"]", line):
            return None if found[1].rpartition(".")[2].startswith("k8s_") else found[1]
    return None


def _of_others(error: psycopg.Error) -> str:
    """What refuses a row, or a statement: nothing of ours does."""
    what, table = error.diag.constraint_name, error.diag.table_name
    if isinstance(error, errors.IntegrityError) and what:
        pass
    elif called := _called(error):
        what = f"a trigger that calls {called}()"
    elif isinstance(error, errors.RaiseException):
        what = "a trigger"
    elif isinstance(error, errors.FeatureNotSupported):
        what = "a rule (CREATE RULE), in whose place a trigger would do,"
    elif isinstance(error, errors.NotNullViolation):
        what = f"column {error.diag.column_name}, which has no default,"
    elif isinstance(error, _OF_PUBLICATIONS):
        what = "a publication, or a replica identity that is not the primary key,"
    where = f" on {table}" if table else ""
    alone = ". In our sessions the search path is this schema alone" if isinstance(error, _UNDEFINED) else ""
    return f"If {what or 'something'}{where} is an addition of yours, change or drop it: no row was changed{alone}"


def _session(row: dict[str, Any]) -> str:
    since = row["xact_start"] and f"since {row['xact_start'].isoformat(timespec='seconds')}"
    known = (row["application_name"], row["state"], since, f"on {', '.join(row['relations'])}")
    return f"{row['role']}, pid {row['pid']} ({', '.join(each for each in known if each)})"


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else f"it gave no reason ({type(error).__name__})"
