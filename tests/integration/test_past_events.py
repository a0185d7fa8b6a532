"""Events are kept beyond the hour for which API servers keep them: each once, with its highest count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from k8s_inventory.collector import UndecodableObject
from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, StoreError, forget_context
from k8s_inventory.store.partitions import PAST_EVENTS, partition
from k8s_inventory.sync import Result, restating
from tests.cluster import Cluster
from tests.cluster.cluster import User
from tests.cluster.objects import namespace, pod
from tests.equality import query_rows
from tests.integration.test_history import query, text_of

Row = dict[str, Any]
Sync = Callable[..., Result]
NEWER = "/apis/events.k8s.io/v1/namespaces/{}/events"


class Events:
    """Those of a namespace of the test's own."""

    def __init__(self, cluster: Cluster, store: Store, sync: Sync, context: Context, space: str) -> None:
        self.cluster, self.store, self.context, self.space = cluster, store, context, space
        self.path = f"/api/v1/namespaces/{space}/events"
        self._sync = sync

    def make(self, name: str, about: Row | None = None, *, path: str = "", **fields: Any) -> Row:
        involved = about or {"kind": "Pod", "name": "web", "namespace": self.space, "uid": "uid-web"}
        seen = {"firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z"}
        event = {"metadata": {"name": name}, "involvedObject": involved, "type": "Normal", "reason": "R", "count": 1}
        made: Row = self.cluster.create(path or self.path, {**event, **seen, **fields})
        return made

    def again(self, name: str, **fields: Any) -> None:
        self.cluster.patch(f"{self.path}/{name}", fields)

    def expire(self, name: str = "") -> None:
        self.cluster.delete(f"{self.path}/{name}" if name else self.path)

    def sync(self, **settings: Any) -> Result:
        result = self._sync(self.context, "events", **settings)
        assert result.outcome == "complete", result
        return result

    def past(self, columns: str = "name, count") -> list[tuple[Any, ...]]:
        return self._of("k8s_past_events", columns)

    def all(self, columns: str = "name, count") -> list[tuple[Any, ...]]:
        return self._of("k8s_event_history", columns)

    def _of(self, relation: str, columns: str) -> list[tuple[Any, ...]]:
        statement = f"SELECT {columns} FROM {relation} WHERE namespace = %s ORDER BY name, count, context_name"
        return self.store.connection.execute(statement.encode(), [self.space]).fetchall()

    @property
    def kept_since(self) -> datetime | None:
        (row,) = query(self.store, "SELECT kept_since FROM k8s_sync_targets WHERE kind = 'events'")
        since: datetime | None = row["kept_since"]
        return since


@pytest.fixture
def events(
    cluster: Cluster,
    store: Store,
    sync: Sync,
    context_of: Callable[..., Context],
    request: pytest.FixtureRequest,
) -> Iterator[Events]:
    name = request.node.name.replace("_", "-").replace("[", "-").rstrip("]")[:60].rstrip("-").lower()
    cluster.create("/api/v1/namespaces", namespace(name))
    made = Events(cluster, store, sync, context_of(cluster), name)
    yield made
    made.expire()
    cluster.delete(f"/api/v1/namespaces/{name}")


def test_what_is_gone_from_the_cluster_stays_once_with_its_last_count(events: Events) -> None:
    events.make("a", message="first")
    events.make("b")
    events.sync()
    assert (events.past(), events.all()) == ([], [("a", 1), ("b", 1)])
    events.again("a", count=7, message="last", lastTimestamp="2026-01-01T00:09:00Z")
    events.sync()
    assert (events.past(), events.all()) == ([], [("a", 7), ("b", 1)])
    events.expire("a")
    assert events.sync().attempt.deleted == 1
    assert events.past("name, count, message") == [("a", 7, "last")]
    assert events.all("name, count, kept_at IS NULL") == [("a", 7, False), ("b", 1, True)]
    assert query(events.store, "SELECT name FROM k8s_events WHERE namespace = %s", events.space) == [{"name": "b"}]
    events.make("a")  # another one
    events.sync()
    events.expire()
    events.sync()
    events.sync()
    assert events.past() == events.all() == [("a", 1), ("a", 7), ("b", 1)]
    assert query(events.store, "SELECT * FROM k8s_changes") == []


def test_a_row_that_is_kept_is_the_one_that_was_there(events: Events) -> None:
    events.make("a", message="m\u0000x"[:1], related={"kind": "Node", "name": "n"}, action="Pull")
    events.sync()
    (before,) = query_rows(events.store, f"SELECT * FROM k8s_events WHERE namespace = '{events.space}'")
    events.expire()
    events.sync()
    (after,) = query_rows(events.store, f"SELECT * FROM k8s_past_events WHERE namespace = '{events.space}'")
    assert after.pop("kept_at")
    assert after == before


def test_an_event_of_both_apis_is_one_and_a_series_counts(events: Events) -> None:
    newer = NEWER.format(events.space)
    about = {"kind": "Pod", "name": "web", "namespace": events.space, "uid": "uid-web"}
    event: Row = {"metadata": {"name": "s"}, "regarding": about, "type": "Warning", "reason": "BackOff", "note": "n"}
    event |= {"eventTime": "2026-01-01T00:00:00.000001Z", "action": "Start"}
    event |= {"reportingController": "a.b/c", "reportingInstance": "c-0"}
    events.cluster.create(newer, event)
    events.sync()
    assert events.all("name, count, message, reason") == [("s", 1, "n", "BackOff")]
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:05:00.000000Z"}
    events.cluster.patch(f"{newer}/s", {"series": series})
    events.sync()
    events.cluster.patch(f"{newer}/s", {"series": series | {"count": 12}})
    events.sync()
    events.cluster.delete(f"{newer}/s")
    events.sync()
    (row,) = events.past("name, count, first_seen_at, last_seen_at, involved_uid")
    first = datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert row == ("s", 12, first, datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "uid-web")


def test_what_counts_less_than_before_takes_nothing_away(events: Events) -> None:
    """As in a cluster that was restored from a backup."""
    events.make("a", count=9, message="nine")
    events.make("b", count=9)
    events.sync()
    events.again("a", count=3, message="three")
    events.again("b", count=9, message="other")
    events.sync()
    assert events.past() == [("a", 9)]
    assert events.all("name, count, message") == [("a", 9, "nine"), ("b", 9, "other")]
    events.again("a", count=5)
    events.sync()
    assert (events.past(), events.all()) == ([("a", 9)], [("a", 9), ("b", 9)])
    events.expire("a")
    events.sync()
    assert (events.past(), events.all()) == ([("a", 9)], [("a", 9), ("b", 9)])


@pytest.mark.parametrize(("count", "message"), [(8, "kept"), (9, "back"), (12, "back")])
def test_an_event_that_comes_back_is_there_once(events: Events, count: int, message: str) -> None:
    events.make("a", count=9, message="kept")
    events.sync()
    (gone,) = query(events.store, "SELECT * FROM k8s_events WHERE namespace = %s", events.space)
    events.expire()
    events.sync()
    statement = "UPDATE k8s_past_events SET uid = %s, kept_at = now() - interval '5 days' WHERE namespace = %s"
    uid = events.make("a", count=count, message="back")["metadata"]["uid"]
    events.store.connection.execute(statement, [uid, events.space])  # as it is after a restore
    assert gone["uid"] != uid
    events.sync()
    assert events.all("name, count, message") == [("a", max(count, 9), message)]
    events.expire()
    events.sync()
    assert events.past("name, count, message") == [("a", max(count, 9), message)]
    assert events.all() == events.past()


def test_none_is_kept_where_that_is_switched_off(events: Events) -> None:
    events.make("a")
    events.sync()
    since = events.kept_since
    assert since
    events.sync()
    assert events.kept_since == since
    events.expire()
    events.sync(event_days=0)
    assert (events.kept_since, events.past(), events.all()) == (None, [], [])
    events.make("b", count=2)
    events.sync(event_days=0)
    events.again("b", count=1)
    events.sync(event_days=0)
    assert events.past() == []
    events.expire()
    events.sync(history_days=0)  # which is another matter
    assert events.past() == [("b", 1)]
    assert events.kept_since
    assert events.kept_since > since
    others = query(events.store, "SELECT kind FROM k8s_sync_targets WHERE kept_since IS NOT NULL")
    assert others == [{"kind": "events"}]


def test_of_a_part_of_the_cluster_what_is_gone_stays_too(events: Events) -> None:
    events.make("a", type="Warning")
    events.make("b")
    events.sync(namespaces=[events.space])
    events.expire("a")
    events.sync(namespaces=[events.space])
    assert events.past() == [("a", 1)]
    events.expire("b")
    events.sync(field_selectors={"events": "type=Warning"})
    events.sync(field_selectors={"events": "type=Normal"})
    assert events.past() == [("a", 1), ("b", 1)]


def test_new_rules_of_redaction_reach_kept_events(
    events: Events, sync: Sync, context_of: Callable[..., Context]
) -> None:
    for number in range(120):
        events.make(f"e{number}", message=f"planted-{number}")
    events.make("other", message="harmless")
    events.sync()
    events.expire()
    events.sync()
    before = events.past("name, reason, kept_at")
    assert "planted" in text_of(events.store, "k8s_past_events")
    rules = ["events:.message"]
    # Whatever the attempt lists.
    refused = sync(context_of(events.cluster, user=User("reader")), "events", redact=rules)
    assert refused.outcome == "forbidden"
    assert "planted" not in text_of(events.store, "k8s_past_events")
    assert events.past("name, reason, kept_at") == before
    assert set(events.past("message, data ->> 'message'")) == {("<redacted>", "<redacted>")}
    events.make("new", message="planted-new")
    events.sync(redact=rules)
    events.expire()
    events.sync(redact=rules)
    assert "planted" not in text_of(events.store, "k8s_past_events")


def test_what_can_not_be_read_by_new_rules_keeps_no_text(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    events.make("a", message="planted", count=4)
    events.make("b", message="planted", count=4)
    events.sync()
    events.expire()
    events.sync()
    made = restating._columns

    def refusing(decoder: Any, api_version: str, objects: Any) -> Any:
        if any('"name": "a"' in each for each in objects):
            raise UndecodableObject("a")
        return made(decoder, api_version, objects)

    monkeypatch.setattr(restating, "_columns", refusing)
    events.sync(redact=["events:.message"])
    assert "planted" not in text_of(events.store, "k8s_past_events")
    assert events.past("name, count, reason, message") == [("a", 4, None, None), ("b", 4, "R", "<redacted>")]
    events.sync(redact=["events:.reason"])
    assert events.past("name, count, reason") == [("a", 4, None), ("b", 4, "<redacted>")]


def test_forgetting_a_context_forgets_its_events(
    events: Events, sync: Sync, context_of: Callable[..., Context]
) -> None:
    events.make("a")
    events.sync()
    sync(context_of(events.cluster, name="other"), "events")
    events.expire()
    events.sync()
    sync(context_of(events.cluster, name="other"), "events")
    assert events.past("context_name") == [("other",), ("test",)]
    assert forget_context(events.store, "test")["k8s_past_events"] == 1
    assert events.past("context_name") == [("other",)]


def test_weeks_are_dropped_after_event_days(events: Events) -> None:
    events.make("a")
    events.sync()
    events.expire()
    events.sync()
    store = events.store
    for since, until in (("2026-01-05", "2026-01-12"), ("2026-01-12", "2026-01-19")):
        week = {"name": f"k8s_past_events_{since.replace('-', '')}", "since": f"{since} 00:00:00+00"}
        with store.schema_change():
            store.connection.execute(partition(PAST_EVENTS, week | {"until": f"{until} 00:00:00+00"}).encode())
    store.connection.execute("UPDATE k8s_past_events SET kept_at = '2026-01-13'")
    store.connection.execute("UPDATE k8s_sync_targets SET kept_since = '2026-01-06'")
    days = (datetime.now(UTC) - datetime(2026, 1, 12, tzinfo=UTC)).days
    assert store.drop_expired_history(1, days + 1) == []
    assert store.drop_expired_history(36_500, days - 1) == ["k8s_past_events_20260105"]
    assert events.kept_since == datetime(2026, 1, 12, tzinfo=UTC)
    assert events.past() == [("a", 1)]
    with Store.connect(store.connection.info.dsn) as reader, reader.connection.transaction():
        reader.connection.execute("SELECT count(*) FROM k8s_event_history")
        with pytest.raises(StoreError, match=r"dropping old history"):
            store.drop_expired_history(36_500, 1, wait=0.1)
    assert store.drop_expired_history(36_500, 1) == ["k8s_past_events_20260112"]
    assert events.past() == []


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("of_week", [False, True])
def test_what_others_take_away_is_not_said_to_be_kept(events: Events, statement: str, of_week: bool) -> None:
    events.make("a")
    events.sync()
    events.expire()
    events.sync()
    (last,) = events.past("kept_at, tableoid::regclass::text")
    table = last[1] if of_week else "k8s_past_events"
    before = events.kept_since
    assert before
    assert before < last[0]
    with psycopg.connect(events.store.connection.info.dsn, autocommit=True) as other:
        other.execute("SET search_path TO pg_temp, pg_catalog")
        other.execute(statement.format(f"public.{table}").encode())
    assert events.past() == []
    assert events.kept_since
    assert events.kept_since >= last[0]
    events.make("b")
    events.sync()
    events.expire()
    events.sync()
    assert events.past() == [("b", 1)]


def test_what_others_added_stays(events: Events) -> None:
    for statement in (
        "ALTER TABLE k8s_past_events ADD COLUMN ticket text NOT NULL DEFAULT 'none'",
        "ALTER TABLE k8s_past_events ADD COLUMN day text GENERATED ALWAYS AS (lower(reason)) STORED",
        "ALTER TABLE k8s_events ADD COLUMN mine integer DEFAULT 3",
        "CREATE INDEX mine ON k8s_past_events (reason)",
        "CREATE UNIQUE INDEX mine_once ON k8s_past_events (context_name, uid, kept_at)",
        "CREATE VIEW reasons AS SELECT reason, sum(count) AS times FROM k8s_event_history GROUP BY reason",
    ):
        events.store.connection.execute(statement.encode())
    events.store.migrate()
    events.make("a", reason="Killing")
    events.sync()
    events.expire()
    events.sync()
    assert events.past("ticket, day") == [("none", "killing")]
    assert query(events.store, "SELECT times FROM reasons WHERE reason = 'Killing'") == [{"times": 1}]


def test_a_database_of_before_keeps_what_goes_from_now_on(events: Events, database_url: str, sync: Sync) -> None:
    with Store.connect(database_url, schema="elsewhere") as store:
        store.migrate()
        events.make("a")
        sync(events.context, "events", into=store)
        store.connection.execute("DROP TABLE k8s_past_events CASCADE")
        store.connection.execute("DROP FUNCTION k8s_past_events_deleted, k8s_past_events_truncated")
        store.connection.execute("ALTER TABLE k8s_sync_targets DROP COLUMN kept_since CASCADE")
        store.connection.execute("DELETE FROM k8s_schema_migrations WHERE version = 16")
        store.connection.execute(
            "DELETE FROM k8s_schema_tables WHERE table_name IN ('k8s_past_events', 'k8s_event_history')"
        )
        assert {"0016_past_events", "k8s_past_events", "k8s_event_history"} <= set(store.migrate())
        assert store.migrate() == []
        events.expire()
        assert sync(events.context, "events", into=store).outcome == "complete"
        assert query(store, "SELECT name FROM k8s_past_events WHERE namespace = %s", events.space) == [{"name": "a"}]


def test_a_table_of_that_name_stays_untouched(database_url: str) -> None:
    with Store.connect(database_url) as store:
        store.connection.execute("CREATE TABLE k8s_past_events (mine text)")
        with pytest.raises(StoreError, match=r"k8s_past_events in this schema was not made by"):
            store.migrate()


def test_a_kept_row_has_every_column_of_its_kind(store: Store) -> None:
    statement = (
        "SELECT attname::text AS name, atttypid::regtype::text AS type, attnotnull AS required FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
    )
    events, past = (query(store, statement, name) for name in ("k8s_events", "k8s_past_events"))
    assert past == [*events, {"name": "kept_at", "type": "timestamp with time zone", "required": True}]
    assert [kind.name for kind in KINDS.values() if kind.kept_in] == ["events"]


def test_the_events_of_an_object(events: Events, sync: Sync) -> None:
    cluster, space = events.cluster, events.space
    pods = f"/api/v1/namespaces/{space}/pods"
    web, api = (cluster.create(pods, pod(name))["metadata"] for name in ("web", "api"))

    def of(uid: str) -> list[str]:
        return sorted(row["name"] for row in query(events.store, "SELECT name FROM k8s_events_of('test', %s)", uid))

    def about(name: str, **fields: Any) -> Row:
        return {"kind": "Pod", "namespace": space, "name": name, **fields}

    late = {"firstTimestamp": web["creationTimestamp"], "lastTimestamp": "2100-01-01T00:00:00Z"}
    events.make("by-uid", about("web", uid=web["uid"]))
    events.make("by-name", about("web"), **late)
    events.make("kubelet", about("web", uid="web"), **late)
    events.make("before-it", about("web"))
    events.make("of-another", about("web", uid="other"), **late)
    events.make("of-api", about("api", uid=api["uid"]))
    in_default = "/api/v1/namespaces/default/events"
    node = cluster.create("/api/v1/nodes", {"metadata": {"name": "web"}})["metadata"]
    events.make("of-a-node", {"kind": "Node", "name": "web", "uid": "web"}, path=in_default, **late)
    mine = ["by-name", "by-uid", "kubelet"]
    sync(events.context, "pods")
    sync(events.context, "nodes")
    events.sync()
    assert (of(web["uid"]), of(api["uid"]), of(node["uid"])) == (mine, ["of-api"], ["of-a-node"])
    events.expire()
    cluster.delete(f"{in_default}/of-a-node")
    cluster.delete("/api/v1/nodes/web")
    sync(events.context, "nodes")
    events.sync()
    assert (of(web["uid"]), of(node["uid"])) == (mine, ["of-a-node"])
    cluster.delete(f"{pods}/web")
    sync(events.context, "pods")
    assert of(web["uid"]) == mine
    after = {"firstTimestamp": "2099-12-31T00:00:00Z", "lastTimestamp": "2100-01-01T00:00:00Z"}
    events.make("of-the-next", about("web"), **after)
    events.sync()
    assert of(web["uid"]) == mine
    assert of("never-seen") == []
    cluster.delete(pods)
