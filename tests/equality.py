"""Does the table hold what the API server holds?"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from k8s_inventory.collector.crd_columns import schema_columns
from k8s_inventory.kinds import KINDS
from k8s_inventory.store import Store
from k8s_inventory.store.crd_views import OWN_COLUMNS
from tests.cluster import Cluster
from tests.cluster.cluster import Object

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def assert_table_equals_cluster(
    store: Store, cluster: Cluster, kind: str, *, context: str = "test", version: str = ""
) -> None:
    """Object for object: uid, resourceVersion, labels. The API server's own lease changes every ten seconds.

    `version` is the one of the group that is asked for, where that is not the newest.
    """
    declared = KINDS[kind]
    listed = cluster.list(declared.list_path(version or declared.version))
    living = kind == "leases"
    expected = {
        each["metadata"]["uid"]: (
            None if living else each["metadata"]["resourceVersion"],
            each["metadata"].get("labels", {}),
        )
        for each in listed
    }
    query = f"SELECT uid, resource_version, labels FROM {declared.table} WHERE context_name = %s"
    stored = {
        uid: (None if living else version, labels)
        for uid, version, labels in store.connection.execute(query, [context])
    }  # type: ignore[arg-type]
    assert stored == expected


def rows_of(store: Store, kind: str, *, context: str = "test") -> int:
    query = f"SELECT count(*) FROM {KINDS[kind].table} WHERE context_name = %s"
    found = store.connection.execute(query, [context]).fetchone()  # type: ignore[arg-type]
    assert found is not None
    return int(found[0])


def status_of(store: Store, kind: str, *, context: str = "test") -> dict[str, object]:
    cursor = store.connection.execute(
        "SELECT * FROM k8s_sync_status WHERE context_name = %s AND kind = %s", [context, kind]
    )
    row = cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    return dict(zip([column.name for column in cursor.description], row, strict=True))


def query_rows(store: Store, query: str, *parameters: Any) -> list[dict[str, Any]]:
    with store.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()  # type: ignore[arg-type]


def custom_objects(store: Store, name: str) -> dict[str, dict[str, Any]]:
    """The rows of a custom kind (`plural.group`), by their names."""
    plural, group = name.split(".", 1)
    query = 'SELECT * FROM k8s_custom_objects WHERE plural = %s AND "group" = %s'
    return {row["name"]: row for row in query_rows(store, query, plural, group)}


def view_of(store: Store, name: str) -> str:
    """The name of the view of a CRD."""
    found = query_rows(store, "SELECT table_name FROM k8s_schema_tables WHERE declaration LIKE %s", f"%/{name}/%")
    (row,) = found
    return str(row["table_name"])


def preferred_path(cluster: Cluster, name: str) -> str:
    """Where the API server itself says that the kind is to be read."""
    plural, group = name.split(".", 1)
    served = cluster.request("GET", f"/apis/{group}")
    versions = [served["preferredVersion"], *served["versions"]]
    for version in versions:
        resources = cluster.request("GET", f"/apis/{version['groupVersion']}")["resources"]
        if any(each["name"] == plural for each in resources):
            return f"/apis/{version['groupVersion']}/{plural}"
    raise AssertionError(name)


def assert_custom_objects_equal_cluster(store: Store, cluster: Cluster, name: str, *, redacted: str = "") -> int:
    """Field for field, but for the text `redacted`; returns how many there are."""
    live = {each["metadata"]["name"]: each for each in cluster.list(preferred_path(cluster, name))}
    rows = custom_objects(store, name)
    assert rows.keys() == live.keys()
    for key, item in live.items():
        row, metadata = rows[key], item["metadata"]
        assert (row["uid"], row["resource_version"]) == (metadata["uid"], metadata["resourceVersion"])
        assert (row["namespace"], row["labels"]) == (metadata.get("namespace"), metadata["labels"])
        text = json.dumps(item)
        fields = json.loads(text.replace(redacted, "<redacted>") if redacted else text)
        rest = {part: each for part, each in fields.items() if part not in ("apiVersion", "kind", "metadata")}
        assert row["spec"] == rest.pop("spec", None)
        assert row["status"] == rest.pop("status", None)
        assert row["data"] == rest
    return len(rows)


def assert_printer_columns_equal_table(store: Store, cluster: Cluster, name: str) -> None:
    """With the cells of the API server's `Table`, which has ages where the inventory has dates."""
    table = cluster.request("GET", preferred_path(cluster, name), accept=TABLE)
    titles = [(column["name"], column["type"]) for column in table["columnDefinitions"]]
    rows = custom_objects(store, name)
    for served in table["rows"]:
        cells = dict(zip(titles, served["cells"], strict=True))
        shown = rows[served["object"]["metadata"]["name"]]["printer_columns"]
        for (title, sort), cell in cells.items():
            if title in shown and sort != "date":
                assert shown[title] == cell, title
            elif title in shown and cell not in ("<unknown>", "<invalid>", None):
                assert datetime.fromisoformat(shown[title]), title


def assert_view_equals_objects(store: Store, name: str, spec: Object) -> None:
    """A column for every field that the schema of the CRD (its `spec`) has, with the value of the object."""
    rows = custom_objects(store, name)
    shown = {row["name"]: row for row in query_rows(store, f'SELECT * FROM "{view_of(store, name)}"')}
    assert shown.keys() == rows.keys()
    columns = schema_columns([spec], taken=OWN_COLUMNS)
    for key, row in shown.items():
        assert {column: row[column] for column in OWN_COLUMNS} == {column: rows[key][column] for column in OWN_COLUMNS}
        for column in columns:
            value = (rows[key][column.part] or {}).get(column.field)
            assert _as_json(row[column.name], value) == value, column
        assert len(row) == len(OWN_COLUMNS) + len(columns)


def _as_json(value: Any, like: Any) -> Any:
    if isinstance(value, datetime):
        assert value == datetime.fromisoformat(like)
        return like
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, str) and isinstance(like, str) else _text_as(value, like)


def _text_as(value: Any, like: Any) -> Any:
    """An int-or-string is text in a view."""
    return int(value) if isinstance(value, str) and isinstance(like, int) else value
