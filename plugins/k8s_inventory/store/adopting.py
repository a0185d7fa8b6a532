"""Kinds that were custom ones to an older version, and are declared now: their rows move to their own tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from k8s_inventory.kinds import CUSTOM_OBJECTS, Kind
from k8s_inventory.kinds.custom import custom_name
from k8s_inventory.store import statements


def declared_since(
    connection: psycopg.Connection[Any], kinds: Iterable[Kind], *, by_rows: bool = False
) -> dict[str, Kind]:
    """Those of the kinds that the database has as custom ones still, by their names as such.

    They are told by their targets; `by_rows` looks through the whole table, too. Raises psycopg's errors.
    """
    names = {custom_name(kind.group, kind.plural): kind for kind in kinds if kind is not CUSTOM_OBJECTS}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statements.sql("declared_since"), {"names": list(names), "looked_at": by_rows})
        found = {row["name"] for row in cursor}
    return {name: kind for name, kind in names.items() if name in found}


def adopt(connection: psycopg.Connection[Any], found: dict[str, Kind]) -> None:
    """Moves the rows of what `declared_since` found, and what is known of the targets; in one transaction with it.

    Of a moved row stands what both tables hold; the next listing writes all of it. Raises psycopg's errors.
    """
    for custom, kind in found.items():
        of_kind = {"custom": custom, "declared": kind.name, "group": kind.group, "plural": kind.plural}
        connection.execute(statements.sql("adopt_locks"), of_kind)
        connection.execute(statements.adopt_rows(kind), of_kind)
        connection.execute(statements.sql("adopt_target"), of_kind)
