"""What others set on our views, functions and tables stays on them when they are made again: options, grants, comments,
owners, rules, triggers ..."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from k8s_inventory.store.statements import sql

Attached = dict[tuple[str, str], dict[str, Any]]
"""By object and what it is: a row of attached.sql."""


def attached(connection: psycopg.Connection[Any], relation: str | None = None) -> Attached:
    """What is set on a relation now; or on all relations and functions of ours."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql("attached"), {"relation": relation})
        return {(row["object"], row["what"]): row for row in cursor}


def attach(connection: psycopg.Connection[Any], before: Attached, relation: str | None = None) -> None:
    """Sets again what `attached` found `before`, in the transaction that has made something again since.

    A column that is gone takes along what was set on it. Raises psycopg's errors.
    """
    after = attached(connection, relation)
    objects = {name for name, _ in before}
    for key, each in after.items():
        if each["taken_back"] and key[0] in objects and key not in before:
            connection.execute(each["taken_back"])
    for each in lacking(before, after):
        connection.execute(each["statement"])


def lacking(before: Attached, after: Attached) -> Iterable[dict[str, Any]]:
    """What was set before and is not so after, in the order in which it can be set."""
    columns = {(name, each["of_column"]) for (name, _), each in after.items()}
    for key, each in before.items():
        now = after.get(key)
        if (key[0], each["of_column"]) not in columns or (now and now["statement"] == each["statement"]):
            continue
        if now and each["what"].startswith("setting "):
            continue  # a function's SET clause that we have ourselves is as the new version says
        yield each
