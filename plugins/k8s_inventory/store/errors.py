"""What PostgreSQL refuses, in words for the person who reads them. No message holds a credential."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors


class StoreError(Exception):
    """The database refused, or is not as it must be. `retryable`: a later attempt may succeed as it is."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class TargetBusy(StoreError):
    """Another task holds the target's lock."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raises psycopg's errors as `StoreError`, with what was being done and what to do about it."""
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise StoreError(f"{doing}: {_first_line(error)}. docs/postgresql.md has the grants that are needed") from error
    except errors.ReadOnlySqlTransaction as error:
        raise StoreError(f"{doing}: the database is read-only; is it a standby?", retryable=True) from error
    except (errors.UndefinedTable, errors.UndefinedColumn) as error:
        raise StoreError(
            f"{doing}: {_first_line(error)}. The schema is made by the task `plan`; a temporary table that is gone "
            "points to a transaction-pooling PgBouncer, which can not be used"
        ) from error
    except psycopg.OperationalError as error:
        raise StoreError(f"{doing}: {_first_line(error)}", retryable=True) from error
    except psycopg.Error as error:
        raise StoreError(f"{doing}: {_first_line(error)}") from error


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
