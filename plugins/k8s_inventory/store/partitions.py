"""The weeks of k8s_changes: made ahead, and dropped as a whole once they are old enough."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from k8s_inventory.store.refusals import StoreError
from k8s_inventory.store.statements import environment, identifier, literal, sql

EXPIRED = "Former values that are to be dropped."
"""Marks a week before it is taken off: it goes even where the session ends in between, and no other table does."""


def missing_partitions(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """name, since and until of the weeks that are to be there, and are not. Raises psycopg's errors."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql("missing_partitions"))
        return cursor.fetchall()


def make_partitions(connection: psycopg.Connection[Any]) -> None:
    """Makes what is missing, in one transaction that changes the schema. Raises psycopg's errors, and `StoreError`
    where another table has a week's name."""
    template = environment().get_template("store/partition.sql")
    for week in missing_partitions(connection):
        try:
            connection.execute(template.render(week))
        except errors.DuplicateTable as error:
            raise StoreError(
                f"{week['name']} is in the way of the week of k8s_changes from {week['since']} to {week['until']}: if "
                "it was detached, attach it again, or else rename it"
            ) from error


def drop_expired(connection: psycopg.Connection[Any], days: int) -> list[str]:
    """Drops the weeks that ended so many days ago; returns their names. Not within a transaction.

    Nobody is locked out: a week is taken off as soon as no query is at it. Where that takes longer than the session
    waits for locks, it is finished the next time. Instants in it are unknown from now on. Raises psycopg's errors.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql("expired_partitions"), {"days": days, "mark": EXPIRED})
        weeks = cursor.fetchall()
    for week in weeks:
        name = identifier(week["name"])
        if week["is_attached"]:
            connection.execute(sql("history_starts_at"), {"instant": week["until"]})
            connection.execute(f"COMMENT ON TABLE {name} IS {literal(EXPIRED)}")
            how = "FINALIZE" if week["is_pending"] else "CONCURRENTLY"
            connection.execute(f"ALTER TABLE k8s_changes DETACH PARTITION {name} {how}")
        connection.execute(f"DROP TABLE {name}")
    return [week["name"] for week in weeks]
