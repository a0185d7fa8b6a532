"""What the tables of CloudQuery's own Kubernetes plugin held, by the columns in cloudquery_columns.tsv.

The rule is Go's: the plugin decoded an object into Kubernetes' structs, in which a field that the object lacks has the
zero value of its type, or is null if it is a pointer; a column is such a field, and JSON is what Go writes of it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any, NamedTuple

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
