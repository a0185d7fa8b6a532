"""Does the table hold what the API server holds?"""

from __future__ import annotations

from k8s_inventory.kinds import KINDS
from k8s_inventory.store import Store
from tests.cluster import Cluster


def assert_table_equals_cluster(store: Store, cluster: Cluster, kind: str, *, context: str = "test") -> None:
    """Object for object: uid, resourceVersion, labels. The API server's own lease changes every ten seconds."""
    declared = KINDS[kind]
    listed = cluster.list(declared.list_path(declared.versions[0]))
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
