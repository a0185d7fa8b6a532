"""What the tables of CloudQuery's own Kubernetes plugin held, by the columns in cloudquery_columns.tsv, and the views
that stand for them.

The rule is Go's: the plugin decoded an object into Kubernetes' structs, in which a field that the object lacks has the
zero value of its type, or is null if it is a pointer; a column is such a field, and JSON is what Go writes of it.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.store.statements import FOLDER
from tests.cluster import Cluster

Object = dict[str, Any]


class OldColumn(NamedTuple):
    name: str
    type: str
    path: str
    absent: str


def _read() -> dict[str, list[OldColumn]]:
    lines = Path(__file__).with_name("cloudquery_columns.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    of_all = [OldColumn(*row[1:]) for row in rows if row[0] == "*"]
    tables: dict[str, list[OldColumn]] = {}
    for table, *column in rows:
        if table != "*":
            tables.setdefault(table, []).append(OldColumn(*column))
    context = next(number for number, each in enumerate(of_all, 1) if each.name == "context")
    return {
        table: [
            *of_all[:context],
            *(each for each in own if each.type.startswith("inet")),
            *of_all[context:],
            *(each for each in own if not each.type.startswith("inet")),
        ]
        for table, own in tables.items()
    }


TABLES = _read()
"""Every old table with its columns, in their order."""

COLUMNS = [(f"{table}.{each.name}", each.type) for table in sorted(TABLES) for each in TABLES[table]]
"""All columns of all old tables, with their types."""

OF_THE_SYNC = ("_cq_sync_time", "_cq_source_name", "_cq_id", "_cq_parent_id", "context")
"""Columns that no object has."""


def old_value(table: str, column: OldColumn, item: Object) -> Any:
    """What the column of the row of an object held, as psycopg reads it."""
    value = _at(item, column.path)
    if column.path == "spec.":  # a struct without a name of its own: what no other column has
        names = [each.path.removeprefix("spec.") for each in TABLES[table]]
        value = {name: each for name, each in (value or {}).items() if name not in names}
    if value is None:
        if not column.absent:
            return None
        value = json.loads(column.absent)
    return _as(column, value)


def _at(item: Any, path: str) -> Any:
    for step in path.rstrip(".").split("."):
        item = item.get(step) if isinstance(item, dict) else None
    return item


def _as(column: OldColumn, value: Any) -> Any:
    match column.type:
        case "timestamp without time zone":
            return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
        case "bytea":
            return b64decode(value)
        case "inet":
            return None if value in ("", "None") else _address(value)
        case "inet[]":
            texts = [each["ip"] if isinstance(each, dict) else each for each in value]
            return [None if each in ("", "None") else _address(each) for each in texts]
        case "jsonb" if isinstance(value, dict) and json.loads(column.absent or "{}"):
            return _stamped(column.name, {**json.loads(column.absent), **value})
        case "jsonb":
            return _stamped(column.name, value)
    return value


def _address(text: str) -> Any:
    return ip_interface(text) if "/" in text else ip_address(text)


def _stamped(name: str, value: Any) -> Any:
    """With the `creationTimestamp: null` that Go wrote of each object within another one until Kubernetes 1.34."""
    if name in ("template", "spec_template", "spec_job_template"):
        return _in_objects({"template": value})["template"]
    if name == "spec_volume_claim_templates":
        return [_in_objects({"template": each})["template"] for each in value]
    return _in_objects(value) if name == "spec_volumes" else value


def _in_objects(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_objects(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: _in_objects(each) for name, each in value.items()}
    for name in ("template", "volumeClaimTemplate"):
        if isinstance(made.get(name), dict):
            made[name] = {**made[name], "metadata": {"creationTimestamp": None, **made[name].get("metadata", {})}}
    return made


def told_apart(value: Any) -> str:
    """A value as text in which null, zero, empty and false are not the same."""
    return json.dumps(value, sort_keys=True, default=repr)


# -- the views ---------------------------------------------------------------------------------------

SCRIPT = (FOLDER / "cloudquery" / "compatibility_views.sql").read_text()
KIND_OF = {
    view: next(kind for kind in KINDS.values() if kind.table == table)
    for view, table in re.findall(r"\('(k8s_\w+)', '(k8s_\w+)', '\w+', '", SCRIPT)
}
READ_AS = {"horizontalpodautoscalers": "/apis/autoscaling/v1/horizontalpodautoscalers"}
"""What the old plugin listed, where that is not what we list."""
WHOLE = {"redact_env": False, "config_map_values": True}
"""Settings that store what the old tables had."""


def views_of(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Makes the views; the columns of each with their types, in their order."""
    connection.execute(SCRIPT.encode())
    cursor = connection.execute(
        """SELECT relname, attname, format_type(atttypid, atttypmod)
        FROM pg_class INNER JOIN pg_attribute ON pg_class.oid = attrelid
        WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace ORDER BY relname, attnum"""
    )
    return [(f"{view}.{column}", of_type) for view, column, of_type in cursor if view in TABLES]


def rows_by_uid(connection: psycopg.Connection[Any], view: str) -> dict[str, Object]:
    cursor = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(view)))
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return {row["uid"]: row for row in rows}


def objects_of(cluster: Cluster, kind: Kind) -> dict[str, Object]:
    path = READ_AS.get(kind.name) or kind.list_path(kind.version)
    items = cluster.list(path)  # type: ignore[arg-type]
    return {each["metadata"]["uid"]: each for each in items}


def differences(cluster: Cluster, connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """The columns of all views that hold something else of an object than the old tables did."""
    for view, columns in TABLES.items():
        objects, rows = objects_of(cluster, KIND_OF[view]), rows_by_uid(connection, view)
        assert objects.keys() == rows.keys() != set(), view
        for column in columns:
            # The API server renews its own lease every ten seconds.
            if column.name in OF_THE_SYNC or f"{view}.{column.name}" in RENEWED:
                continue
            for uid, item in objects.items():
                if column.name in ("kind", "api_version"):
                    item = {}
                if told_apart(rows[uid][column.name]) != told_apart(old_value(view, column, item)):
                    yield view, column.name
                    break


EVERYWHERE = {"kind", "api_version", "annotations", "name"}
"""Columns that may hold something else in every view."""

RENEWED = ("k8s_coordination_leases.resource_version", "k8s_coordination_leases.spec_renew_time")
