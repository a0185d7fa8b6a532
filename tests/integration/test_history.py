"""Former states of objects: what changed, and tables as of an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.rows import dict_row

from k8s_inventory.kinds import TABLES
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, StoreError, forget_context, statements
from k8s_inventory.store.partitions import CHANGES, partition
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.objects import deployment, namespace
from tests.databases import administer, name_of

Row = dict[str, Any]


def query(store: Store, statement: str, *values: object) -> list[Row]:
    with store.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()


def now(store: Store) -> datetime:
    instant: datetime = query(store, "SELECT clock_timestamp() AS now")[0]["now"]
    return instant


@pytest.fixture
def home(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of a namespace of the test's own."""
    name = request.node.name.replace("_", "-").replace("[", "-").rstrip("]")[:60].rstrip("-").lower()
    cluster.create("/api/v1/namespaces", namespace(name))
    yield f"/apis/apps/v1/namespaces/{name}/replicasets"
    cluster.delete(f"/api/v1/namespaces/{name}")


def replica_set(name: str, *, replicas: int = 1) -> Row:
    return {**deployment(name, replicas=replicas), "kind": "ReplicaSet"}


class Kept:
    """Copies of a table, each with the instant at which it was taken."""

    def __init__(self, store: Store, table: str) -> None:
        self._store, self._table = store, table
        self._copies: list[tuple[str, datetime]] = []

    def take(self) -> None:
        name = f"kept_{len(self._copies)}"
        query_nothing(self._store, f"CREATE TEMP TABLE {name} AS SELECT * FROM {self._table}")
        self._copies.append((name, now(self._store)))

    def differences(self) -> list[Row]:
        found = []
        for name, instant in self._copies:
            for one, other in (("SELECT * FROM {copy}", "{at}"), ("{at}", "SELECT * FROM {copy}")):
                at = f"SELECT * FROM {self._table}_at(%(instant)s)"
                statement = f"({one} EXCEPT {other})".format(copy=name, at=at)
                with self._store.connection.cursor() as cursor:
                    found += cursor.execute(statement.encode(), {"instant": instant}).fetchall()
        return found


def query_nothing(store: Store, statement: str) -> None:
    store.connection.execute(statement.encode())


def test_what_changes_is_noted_and_instants_are_exact(
    cluster: Cluster,
    store: Store,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    home: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = context_of(cluster)
    kept = Kept(store, "k8s_replicasets")

    def run() -> None:
        result = sync(context, "replicasets")
        assert result.outcome == "complete", result
        kept.take()

    cluster.create(home, replica_set("web", replicas=1))
    before = now(store)
    run()
    assert query(store, "SELECT * FROM k8s_changes") == []
    run()
    assert query(store, "SELECT * FROM k8s_changes") == []
    monkeypatch.setattr(statements, "KEYFRAMES", 3)
    for replicas in range(2, 30):
        cluster.patch(f"{home}/web", {"spec": {"replicas": replicas}})
        run()
    cluster.create(home, replica_set("api"))
    run()
    cluster.delete(f"{home}/web")
    run()
    cluster.create(home, replica_set("web", replicas=7))
    run()
    assert kept.differences() == []
    assert query(store, "SELECT * FROM k8s_changes WHERE keyframe IS NOT NULL")
    assert query(store, "SELECT * FROM k8s_replicasets_at(%s)", before) == []
    changes = query(store, "SELECT change, columns, old FROM k8s_changes ORDER BY id")
    assert [each["change"] for each in changes] == ["updated"] * 28 + ["created", "deleted", "created"]
    assert {"replicas", "spec"} <= set(changes[0]["columns"])
    assert changes[0]["old"]["replicas"] == 1
    assert set(changes[0]["old"]) == set(changes[0]["columns"])
    assert (changes[29]["old"]["replicas"], changes[29]["old"]["name"]) == (29, "web")
    (gone,) = query(store, "SELECT * FROM k8s_deleted")
    assert (gone["name"], gone["last_row"]["replicas"]) == ("web", 29)
    objects = query(
        store,
        "SELECT name FROM k8s_objects_at(clock_timestamp()) WHERE plural = 'replicasets' AND namespace = %s",
        home.split("/")[5],
    )
    assert sorted(each["name"] for each in objects) == ["api", "web"]


def text_of(store: Store, table: str) -> str:
    (row,) = query(store, f"SELECT string_agg(kept::text, ' ') AS text FROM {table} AS kept")
    return str(row["text"])


def test_a_new_rule_of_redaction_reaches_back(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context], home: str
) -> None:
    context = context_of(cluster)
    made = replica_set("web")
    made["spec"]["template"]["spec"]["containers"][0] |= {"args": ["--key=planted-1"], "image": "planted-1/app"}
    cluster.create(home, made)
    cluster.create(home, made | {"metadata": {"name": "gone", "annotations": {"note": "planted-1"}}})
    sync(context, "replicasets")
    for number in range(2, 40):
        cluster.patch(f"{home}/web", {"metadata": {"annotations": {"note": f"planted-{number}"}}})
        sync(context, "replicasets")
    cluster.delete(f"{home}/gone")
    sync(context, "replicasets")
    assert "planted-1" in text_of(store, "k8s_changes")
    store.connection.execute("UPDATE k8s_changes SET keyframe = old WHERE id = (SELECT min(id) FROM k8s_changes)")
    before = query(store, "SELECT change, columns, seen_at FROM k8s_changes ORDER BY id")
    rules = [f"replicasets:{path}" for path in (".metadata.annotations.note", "..args", "..image")]
    assert sync(context, "replicasets", redact=rules).outcome == "complete"
    for table in ("k8s_changes", "k8s_replicasets"):
        assert "planted" not in text_of(store, table)
    assert query(store, "SELECT change, columns, seen_at FROM k8s_changes ORDER BY id") == before
    first = before[0]["seen_at"]
    statement = "SELECT name, annotations FROM k8s_replicasets_at(%s) WHERE namespace = %s ORDER BY name"
    assert query(store, statement, first, home.split("/")[5]) == [
        {"name": "gone", "annotations": {"note": "<redacted>"}},
        {"name": "web", "annotations": {"note": "<redacted>"}},
    ]


def test_noise_and_what_is_made_anew_are_no_changes(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context], home: str
) -> None:
    context = context_of(cluster)
    leases = home.replace("apps/v1", "coordination.k8s.io/v1").replace("replicasets", "leases")
    lease: Row = {
        "metadata": {"name": "leader"},
        "spec": {"holderIdentity": "a", "renewTime": "2026-01-01T00:00:00.000000Z"},
    }
    cluster.create(leases, lease)
    sync(context, "leases")

    def changed(**settings: object) -> list[list[str]]:
        last = query(store, "SELECT coalesce(max(id), 0) AS id FROM k8s_changes")[0]["id"]
        assert sync(context, "leases", **settings).outcome == "complete"
        found = query(
            store, "SELECT columns FROM k8s_changes WHERE id > %s AND namespace = %s", last, home.split("/")[5]
        )
        return [each["columns"] for each in found]

    cluster.patch(f"{leases}/leader", {"spec": {"renewTime": "2026-01-01T00:00:01.000000Z"}})
    assert changed() == []
    cluster.patch(f"{leases}/leader", {"spec": {"renewTime": "2026-01-01T00:00:02.000000Z"}})
    assert changed(history_ignore_noise=False) == [["renew_time", "spec"]]
    cluster.patch(f"{leases}/leader", {"spec": {"renewTime": "2026-01-01T00:00:03.000000Z", "holderIdentity": "b"}})
    assert changed() == [["holder_identity", "spec"]]
    cluster.patch(f"{leases}/leader", {"metadata": {"annotations": {"at": "1", "other": "1"}}})
    assert changed(history_ignore=["leases:.metadata.annotations.at"]) == [["annotations"]]
    cluster.patch(f"{leases}/leader", {"metadata": {"annotations": {"at": "2"}}})
    assert changed(history_ignore=["leases:.metadata.annotations['at']"]) == []
    store.connection.execute("UPDATE k8s_leases SET holder_identity = 'other'")
    assert changed(verify=True) == []
    assert changed(drop_annotations=["other"]) == []
    cluster.patch(f"{leases}/leader", {"spec": {"leaseTransitions": 3}})
    assert changed(history_days=0) == []
    cluster.patch(f"{leases}/leader", {"spec": {"leaseTransitions": 4}})
    assert changed() == []  # the history begins anew
    cluster.patch(f"{leases}/leader", {"spec": {"leaseTransitions": 5}})
    assert changed() == [["lease_transitions", "spec"]]


def test_who_takes_changes_away_takes_the_instants_before_them(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context], home: str
) -> None:
    context = context_of(cluster)

    def run(replicas: int) -> datetime:
        cluster.patch(f"{home}/web", {"spec": {"replicas": replicas}})
        assert sync(context, "replicasets").outcome == "complete"
        return now(store)

    def at(instant: datetime) -> list[int]:
        where = "WHERE namespace = %s AND name = 'web'"
        found = query(store, f"SELECT replicas FROM k8s_replicasets_at(%s) {where}", instant, home.split("/")[5])
        return [each["replicas"] for each in found]

    def known(instant: datetime) -> str:
        (row,) = query(store, "SELECT known FROM k8s_coverage_at(%s) WHERE kind = 'replicasets'", instant)
        return str(row["known"])

    cluster.create(home, replica_set("web"))
    before = now(store)
    instants = [run(number) for number in range(1, 6)]
    assert [at(instant) for instant in (before, *instants)] == [[], [1], [2], [3], [4], [5]]
    assert [known(instant) for instant in (before, *instants)] == ["unknown", *["complete"] * 5]
    store.connection.execute("DELETE FROM k8s_changes WHERE seen_at < %s", [instants[2]])
    assert [at(instant) for instant in instants] == [[], [], [3], [4], [5]]
    partition = query(store, "SELECT tableoid::regclass::text AS name FROM k8s_changes LIMIT 1")[0]["name"]
    store.connection.execute(f"TRUNCATE {partition}".encode())
    assert [at(instant) for instant in instants] == [[], [], [], [], []]
    assert at(run(6)) == [6]


def test_history_is_kept_for_some_days(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context], home: str
) -> None:
    context = context_of(cluster)
    cluster.create(home, replica_set("web"))
    sync(context, "replicasets")
    with store.schema_change():
        for since, until in (("2026-01-05", "2026-01-12"), ("2026-01-12", "2026-01-19")):
            made = {"name": f"k8s_changes_{since.replace('-', '')}", "since": f"{since} 00:00:00+00"}
            store.connection.execute(partition(CHANGES, made | {"until": until}))
    store.connection.execute("UPDATE k8s_sync_targets SET history_since = '2026-01-06'")
    days = (datetime.now(UTC) - datetime(2026, 1, 12, tzinfo=UTC)).days
    assert store.drop_expired_history(days + 1, 1) == []
    with Store.connect(store.connection.info.dsn) as reader:
        with reader.connection.transaction():
            reader.connection.execute("SELECT count(*) FROM k8s_changes")
            with pytest.raises(StoreError, match=r"dropping old history"):
                store.drop_expired_history(days - 1, 1, wait=0.1)
    assert store.drop_expired_history(days - 1, 1) == ["k8s_changes_20260105"]
    assert store.drop_expired_history(1, 1) == ["k8s_changes_20260112"]
    (target,) = query(store, "SELECT history_since FROM k8s_sync_targets WHERE kind = 'replicasets'")
    assert target["history_since"] == datetime(2026, 1, 19, tzinfo=UTC)


def test_columns_of_others_are_in_it(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context], home: str
) -> None:
    context = context_of(cluster)
    cluster.create(home, replica_set("web"))
    sync(context, "replicasets")
    store.connection.execute("ALTER TABLE k8s_replicasets ADD COLUMN cost numeric")
    assert store.migrate() == ["k8s_replicasets_at"]
    store.connection.execute("UPDATE k8s_replicasets SET cost = 3")
    instant = now(store)
    cluster.delete(f"{home}/web")
    assert sync(context, "replicasets").attempt.deleted
    found = query(store, "SELECT cost FROM k8s_replicasets_at(%s) WHERE namespace = %s", instant, home.split("/")[5])
    assert found == [{"cost": 3}]
    store.connection.execute("ALTER TABLE k8s_replicasets DROP COLUMN cost")
    assert store.migrate() == ["k8s_replicasets_at"]
    forget_context(store, "test")
    assert query(store, "SELECT * FROM k8s_changes") == []


def test_a_database_of_before_begins_its_history_with_the_next_complete_listing(
    cluster: Cluster,
    database_url: str,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    home: str,
) -> None:
    context = context_of(cluster)
    cluster.create(home, replica_set("web"))
    with Store.connect(database_url, schema="elsewhere") as store:
        store.migrate()
        sync(context, "replicasets", into=store)
        for each in ("k8s_objects_at", *(f"{kind.table}_at" for kind in TABLES)):
            store.connection.execute(f"DROP FUNCTION {each}".encode())
        store.connection.execute("DROP TABLE k8s_changes CASCADE")
        store.connection.execute("DROP FUNCTION k8s_changes_deleted, k8s_changes_truncated, k8s_told_twice CASCADE")
        store.connection.execute(
            "ALTER TABLE k8s_sync_targets DROP COLUMN history_since CASCADE, DROP COLUMN changed_at, "
            "DROP COLUMN history_rules, DROP COLUMN behind_until, DROP COLUMN told_twice CASCADE"
        )
        store.connection.execute("ALTER TABLE k8s_sync_contexts DROP COLUMN repointed_at")
        store.connection.execute("DELETE FROM k8s_schema_migrations WHERE version IN (13, 23)")
        store.connection.execute(
            "UPDATE k8s_schema_tables SET declaration = 'older' WHERE table_name ~ '_at$|k8s_former|k8s_event_history'"
        )
        rows = query(store, "SELECT * FROM k8s_replicasets ORDER BY uid")
        assert "k8s_replicasets_at" in store.migrate()
        assert rows == query(store, "SELECT * FROM k8s_replicasets ORDER BY uid")
        cluster.patch(f"{home}/web", {"spec": {"replicas": 2}})
        assert sync(context, "replicasets", into=store).attempt.changed >= 1
        assert query(store, "SELECT * FROM k8s_changes") == []
        instant = now(store)
        cluster.patch(f"{home}/web", {"spec": {"replicas": 3}})
        sync(context, "replicasets", into=store)
    with Store.connect(database_url) as other:  # whose search path leads elsewhere
        statement = "SELECT replicas FROM elsewhere.k8s_replicasets_at(%s) WHERE name = 'web' AND namespace = %s"
        assert query(other, statement, instant, home.split("/")[5]) == [{"replicas": 2}]
        assert query(other, "SELECT name FROM elsewhere.k8s_objects_at(%s) WHERE name = 'web' LIMIT 1", instant)


def test_weeks_are_made_ahead(store: Store, database_url: str) -> None:
    weeks = (
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'k8s_changes'::regclass ORDER BY 1"
    )
    made = query(store, weeks)
    assert len(made) == 6
    store.connection.execute(f"DROP TABLE {made[-1]['name']}")
    role = f"reader_{name_of(database_url)}"
    administer(
        database_url,
        f"CREATE ROLE {role} LOGIN",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    )
    try:
        with Store.connect(f"{database_url}&user={role}") as other:
            assert other.migrate() == []
        assert store.migrate() == [made[-1]["name"]]
        assert query(store, weeks) == made
        assert store.migrate() == []
    finally:
        administer(database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
