"""The weeks of what is kept for some days: made ahead, and dropped as a whole once they are old enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from k8s_inventory.store.refusals import StoreError
from k8s_inventory.store.statements import environment, identifier, literal, sql

EXPIRED = "Former values that are to be dropped."
"""Marks a week before it is taken off: it goes even where the session ends in between, and no other table does."""


@dataclass(frozen=True)
class Partitioned:
    """A table by weeks of one of its columns; and the column of k8s_sync_targets that says since when it is whole."""

    table: str
    by: str
    since_column: str


CHANGES = Partitioned("k8s_changes", by="seen_at", since_column="history_since")
PAST_EVENTS = Partitioned("k8s_past_events", by="kept_at", since_column="kept_since")


def missing_partitions(connection: psycopg.Connection[Any]) -> list[tuple[Partitioned, dict[str, Any]]]:
    """name, since and until of the weeks that are to be there, and are not. Raises psycopg's errors."""
    found = []
    with connection.cursor(row_factory=dict_row) as cursor:
        for each in (CHANGES, PAST_EVENTS):
            cursor.execute(sql("missing_partitions"), {"table": each.table})
            found += [(each, week) for week in cursor]
    return found


def make_partitions(connection: psycopg.Connection[Any]) -> None:
    """Makes what is missing, in one transaction that changes the schema. Raises psycopg's errors, and `StoreError`
    where another table has a week's name."""
    for of, week in missing_partitions(connection):
        try:
            connection.execute(partition(of, week))
        except errors.DuplicateTable as error:
            raise StoreError(
                f"{week['name']} is in the way of the week of {of.table} from {week['since']} to {week['until']}: if "
                "it was detached, attach it again, or else rename it"
            ) from error


def partition(of: Partitioned, week: dict[str, Any]) -> str:
    """The DDL of a week: its name, since and until."""
    return environment().get_template("store/partition.sql").render(vars(of), **week)


def drop_expired(connection: psycopg.Connection[Any], of: Partitioned, days: int) -> list[str]:
    """Drops the weeks that ended so many days ago; returns their names. Not within a transaction.

    Nobody is locked out: a week is taken off as soon as no query is at it. Where that takes longer than the session
    waits for locks, it is finished the next time. Instants in it are unknown from now on. Raises psycopg's errors.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql("expired_partitions"), {"table": of.table, "days": days, "mark": EXPIRED})
        weeks = cursor.fetchall()
    for week in weeks:
        name = identifier(week["name"])
        if week["is_attached"]:
            starts_at = environment().get_template("store/history_starts_at.sql").render(vars(of))
            connection.execute(starts_at.encode(), {"instant": week["until"]})
            connection.execute(f"COMMENT ON TABLE {name} IS {literal(EXPIRED)}")
            how = "FINALIZE" if week["is_pending"] else "CONCURRENTLY"
            connection.execute(f"ALTER TABLE {of.table} DETACH PARTITION {name} {how}")
        connection.execute(f"DROP TABLE {name}")
    return [week["name"] for week in weeks]
