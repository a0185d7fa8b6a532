"""The ready-made queries of the history: what each finds, what it leaves out, and that what is not known does not look
like no change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.store.statements import FOLDER
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.objects import deployment, namespace, pod

QUERIES = FOLDER / "queries" / "history"
INSTANT = re.compile(r"now\(\) - interval '[^']+' AS (since|instant)")
RBAC = "/apis/rbac.authorization.k8s.io/v1"
LEFT = [
    *(f"/apis/apps/v1/{{}}/{plural}" for plural in ("replicasets", "statefulsets")),
    *(f"/api/v1/{{}}/{plural}" for plural in ("events", "pods", "secrets")),
    *(f"{RBAC}/{{}}/{plural}" for plural in ("roles", "rolebindings")),
    "/apis/autoscaling/v2/{}/horizontalpodautoscalers",
]
"""Of what the tests make, in a namespace."""
Row = dict[str, Any]


class Inventory:
    """Syncs of a cluster's kinds, and answers about one namespace of it."""

    def __init__(
        self, cluster: Cluster, store: Store, sync: Callable[..., Result], context: Context, namespace: str
    ) -> None:
        self.cluster, self.store, self.namespace = cluster, store, namespace
        self.apps = f"/apis/apps/v1/namespaces/{namespace}"
        self.core = f"/api/v1/namespaces/{namespace}"
        self._sync, self._context = sync, context

    def sync(self, *kinds: str, **settings: object) -> datetime:
        """Returns when it was over."""
        for kind in kinds:
            result = self._sync(self._context, kind, **settings)
            assert result.outcome == "complete", result
        return self.now()

    def now(self) -> datetime:
        instant: datetime = self._rows("SELECT clock_timestamp() AS now")[0]["now"]
        return instant

    def all(self, name: str, since: datetime | None = None, /, **asked: str) -> list[Row]:
        """The answer to a query, as it stands or with what a reader would change in it."""
        text = (QUERIES / f"{name}.sql").read_text()
        if since:
            text, count = INSTANT.subn(rf"'{since.isoformat()}'::timestamptz AS \1", text)
            assert count == 1
        for column, value in asked.items():
            text, count = re.subn(rf"\S+ AS {column}\b", f"{value} AS {column}", text, count=1)
            assert count == 1
        return self._rows(text)

    def here(self, name: str, since: datetime, /, **asked: str) -> list[Row]:
        """Of the answer what is about this namespace."""
        return [row for row in self.all(name, since, **asked) if row["namespace"] == self.namespace]

    def _rows(self, text: str) -> list[Row]:
        with self.store.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(text.encode()).fetchall()


@pytest.fixture
def inventory(
    cluster: Cluster,
    store: Store,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    request: pytest.FixtureRequest,
) -> Iterator[Inventory]:
    name = request.node.name.replace("_", "-").replace("[", "-").rstrip("]")[:60].rstrip("-").lower()
    cluster.create("/api/v1/namespaces", namespace(name))
    yield Inventory(cluster, store, sync, context_of(cluster), name)
    for path in LEFT:  # nobody empties namespaces here, and other files count
        cluster.delete(path.format(f"namespaces/{name}"))
    cluster.delete(f"/api/v1/namespaces/{name}")


def of(rows: list[Row], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def owned(name: str, owner: Row) -> Row:
    """A pod that an object controls."""
    reference = {key: owner[key] for key in ("apiVersion", "kind")}
    reference |= {key: owner["metadata"][key] for key in ("name", "uid")} | {"controller": True}
    made = pod(name)
    return {**made, "metadata": {**made["metadata"], "ownerReferences": [reference]}}


def replica_set(name: str, *, replicas: int = 1) -> Row:
    return {**deployment(name, replicas=replicas), "kind": "ReplicaSet", "apiVersion": "apps/v1"}


KINDS_ASKED = {  # by each query, of those that are read here
    "disappeared": ["nodes", "pods", "secrets"],
    "drift": ["deployments"],
    "flapping": ["nodes", "pods", "secrets"],
    "images_rolled_out": ["deployments"],
    "labels_taken_away": ["nodes", "pods", "secrets"],
    "new_grants": ["roles"],
    "nodes": ["nodes"],
    "object": ["events", "nodes", "pods", "secrets"],
    "pod_owners": ["pods"],
    "scaled": ["deployments"],
    "secrets_changed": ["secrets"],
    "short_histories": ["nodes", "pods", "secrets"],
    "unchanged": ["deployments"],
    "warnings": ["events"],
    "what_changed": ["nodes", "pods", "secrets"],
}
OF_NOW = {"drift", "new_grants", "short_histories", "unchanged"}
"""Those that compare with an instant: a sync since then is not asked for."""


def unknown(rows: list[Row]) -> list[Row]:
    """Those that name no object."""
    return [row for row in rows if all(row.get(column) is None for column in ("name", "pod", "role_name"))]


def test_what_is_not_known_does_not_look_like_no_change(inventory: Inventory) -> None:
    assert {path.stem for path in QUERIES.glob("*.sql")} == KINDS_ASKED.keys()
    kinds = {kind for asked in KINDS_ASKED.values() for kind in asked}
    since = inventory.sync(*kinds)
    for name, asked in KINDS_ASKED.items():
        found = {row.get("kind", row.get("owner_kind")) for row in unknown(inventory.all(name))}
        assert found >= set(asked) or found == {None}, name
    for name in KINDS_ASKED.keys() - OF_NOW:
        assert unknown(inventory.all(name, since)), name  # not read since then
    inventory.sync(*kinds)
    for name in KINDS_ASKED.keys() - {"drift"}:  # which asks for kinds, too, that are not read here
        assert unknown(inventory.all(name, since)) == [], name


@pytest.mark.parametrize("name", KINDS_ASKED)
def test_a_query_says_what_it_answers(name: str) -> None:
    text = (QUERIES / f"{name}.sql").read_text()
    assert re.match(r"-- [A-Z].*\?\n-- Hit: A row is (?s:.*)\n-- Limits: It can not .*\n(--.*\n)*WITH asked AS", text)


def test_a_failed_sync_is_no_answer(inventory: Inventory) -> None:
    inventory.sync("secrets")
    since = inventory.now()
    inventory.sync("secrets")
    assert inventory.all("secrets_changed", since) == []
    inventory.store.connection.execute("UPDATE k8s_sync_runs SET outcome = 'unreachable' WHERE run_id = 'run-2'")
    assert of(inventory.all("secrets_changed", since), "context_name", "name") == [("test", None)]


def test_a_part_of_a_kind_is_not_all_of_it(inventory: Inventory) -> None:
    """What was not read may have changed."""
    since = inventory.sync("secrets")
    inventory.sync("secrets")
    assert unknown(inventory.all("secrets_changed", since)) == []
    for part in ({"namespaces": inventory.namespace}, {"label_selectors": {"secrets": "app=web"}}):
        inventory.sync("secrets", **part)
        assert unknown(inventory.all("secrets_changed", since))
        assert unknown(inventory.all("short_histories", inventory.now()))
        inventory.sync("secrets")
        assert unknown(inventory.all("secrets_changed", since)) == []


def test_what_changed(inventory: Inventory) -> None:
    cluster = inventory.cluster
    for name in ("web", "same", "early"):
        cluster.create(f"{inventory.apps}/replicasets", replica_set(name))
    inventory.sync("replicasets")
    cluster.patch(f"{inventory.apps}/replicasets/early", {"spec": {"replicas": 5}})
    since = inventory.sync("replicasets")
    cluster.patch(f"{inventory.apps}/replicasets/web", {"spec": {"replicas": 2}})
    cluster.create(f"{inventory.apps}/replicasets", replica_set("api"))
    inventory.sync("replicasets")
    answer = inventory.all("what_changed", since, namespace=f"'{inventory.namespace}'")
    assert sorted(of(answer, "name", "change")) == [("api", "created"), ("web", "updated")]
    (updated,) = (row for row in answer if row["name"] == "web")
    assert (updated["old"]["replicas"], "spec" in updated["old"], "spec" in updated["columns"]) == (1, False, True)
    assert since > updated["not_before"]
    assert inventory.all("what_changed", since, namespace="'elsewhere'") == []


def test_scaled(inventory: Inventory) -> None:
    cluster = inventory.cluster
    for name in ("web", "other"):
        cluster.create(f"{inventory.apps}/statefulsets", deployment(name))
    autoscaler = {
        "metadata": {"name": "by-load"},
        "spec": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"}},
    }
    cluster.create(f"/apis/autoscaling/v2/namespaces/{inventory.namespace}/horizontalpodautoscalers", autoscaler)
    inventory.sync("statefulsets", "horizontalpodautoscalers")
    since = inventory.now()
    for replicas in (3, 7):
        cluster.patch(f"{inventory.apps}/statefulsets/web", {"metadata": {"labels": {"at": str(replicas)}}})
        inventory.sync("statefulsets")
        cluster.patch(f"{inventory.apps}/statefulsets/web", {"spec": {"replicas": replicas}})
        cluster.patch(f"{inventory.apps}/statefulsets/other", {"metadata": {"labels": {"at": str(replicas)}}})
        inventory.sync("statefulsets")
    columns = ("kind", "name", "replicas_from", "replicas_to", "autoscaler")
    steps = [("StatefulSet", "web", 3, 7, "by-load"), ("StatefulSet", "web", 1, 3, "by-load")]
    assert of(inventory.here("scaled", since), *columns) == steps
    cluster.delete(f"{inventory.apps}/statefulsets/web")
    inventory.sync("statefulsets")
    assert of(inventory.here("scaled", since), *columns) == steps
    assert inventory.here("scaled", since, namespace="'elsewhere'") == []


def test_images_rolled_out(inventory: Inventory) -> None:
    cluster = inventory.cluster
    for name in ("web", "scaled"):
        cluster.create(f"{inventory.apps}/statefulsets", deployment(name, image="shop/web:1"))
    inventory.sync("statefulsets")
    since = inventory.now()
    cluster.patch(f"{inventory.apps}/statefulsets/scaled", {"spec": {"replicas": 3}})
    for image in ("shop/web:2", "shop/web:3"):
        containers = [{"name": "main", "image": image}]
        cluster.patch(f"{inventory.apps}/statefulsets/web", {"spec": {"replicas": int(image[-1])}})
        inventory.sync("statefulsets")
        cluster.patch(
            f"{inventory.apps}/statefulsets/web", {"spec": {"template": {"spec": {"containers": containers}}}}
        )
        if image == "shop/web:3":
            cluster.create(f"{inventory.apps}/statefulsets", deployment("new", image="shop/new:1"))
        inventory.sync("statefulsets")
    assert sorted(of(inventory.here("images_rolled_out", since), "name", "images_from", "images_to"), key=str) == [
        ("new", None, ["shop/new:1"]),
        ("web", ["shop/web:1"], ["shop/web:2"]),
        ("web", ["shop/web:2"], ["shop/web:3"]),
    ]


def test_disappeared(inventory: Inventory) -> None:
    cluster = inventory.cluster
    for name in ("web", "again", "stays", "before"):
        cluster.create(f"{inventory.apps}/replicasets", replica_set(name))
    inventory.sync("replicasets")
    cluster.delete(f"{inventory.apps}/replicasets/before")
    since = inventory.sync("replicasets")
    for name in ("web", "again"):
        cluster.delete(f"{inventory.apps}/replicasets/{name}")
    cluster.create(f"{inventory.apps}/replicasets", replica_set("again"))
    inventory.sync("replicasets")
    answer = inventory.here("disappeared", since)
    assert of(answer, "kind", "name") == [("ReplicaSet", "again"), ("ReplicaSet", "web")]
    for row in answer:
        assert "listing at resourceVersion" in row["evidence"]
        assert row["not_before"] < since < row["deleted_at"]


def test_secrets_changed(inventory: Inventory) -> None:
    cluster, secrets = inventory.cluster, f"{inventory.core}/secrets"
    for name in ("labelled", "value", "key"):
        cluster.create(secrets, {"metadata": {"name": name}, "stringData": {"password": "one"}})
    inventory.sync("secrets")
    since = inventory.now()
    cluster.patch(f"{secrets}/labelled", {"metadata": {"labels": {"team": "shop"}}})
    cluster.patch(f"{secrets}/value", {"stringData": {"password": "two"}})
    cluster.patch(f"{secrets}/key", {"stringData": {"other": "three"}})
    inventory.sync("secrets")
    assert of(inventory.here("secrets_changed", since), "name", "change", "columns", "old") == [
        ("key", "updated", ["key_count"], {"key_count": 1}),
        ("labelled", "updated", ["labels"], {"labels": {}}),
    ]


def test_objects_that_flap(inventory: Inventory) -> None:
    cluster, sets = inventory.cluster, f"{inventory.apps}/replicasets"
    for name in ("flaps", "again", "once"):
        cluster.create(sets, replica_set(name))
    inventory.sync("replicasets")
    since = inventory.now()
    cluster.patch(f"{sets}/once", {"spec": {"replicas": 9}})
    for number in range(2, 5):
        cluster.patch(f"{sets}/flaps", {"spec": {"replicas": number}})
        cluster.delete(f"{sets}/again")
        cluster.create(sets, replica_set("again"))
        inventory.sync("replicasets")
    columns = ("name", "changes", "objects")
    assert of(inventory.here("flapping", since, at_least="3"), *columns) == [("again", 6, 4), ("flaps", 3, 1)]
    assert of(inventory.here("flapping", since, at_least="4"), *columns) == [("again", 6, 4)]
    assert inventory.here("flapping", since) == []


def test_short_histories(inventory: Inventory) -> None:
    before = inventory.now()
    after = inventory.sync("secrets")
    inventory.sync("nodes")
    assert of(inventory.all("short_histories", before), "kind", "known") == [
        ("nodes", "unknown"),
        ("secrets", "unknown"),
    ]
    (row,) = inventory.all("short_histories", after)
    assert (row["kind"], row["history_since"] > after) == ("nodes", True)


def test_unchanged(inventory: Inventory) -> None:
    cluster = inventory.cluster
    for name in ("same", "scaled"):
        cluster.create(f"{inventory.apps}/statefulsets", deployment(name))
    inventory.sync("statefulsets")
    inventory.store.connection.execute("UPDATE k8s_statefulsets SET created_at = created_at - interval '1 day'")
    since = inventory.now()
    cluster.patch(f"{inventory.apps}/statefulsets/scaled", {"spec": {"replicas": 3}})
    cluster.create(f"{inventory.apps}/statefulsets", deployment("new"))
    inventory.sync("statefulsets")
    assert of(inventory.here("unchanged", since), "kind", "name") == [("statefulsets", "same")]


def test_owners_of_pods_that_went(inventory: Inventory) -> None:
    cluster = inventory.cluster
    made = [
        {"apiVersion": "apps/v1", **cluster.create(f"{inventory.apps}/replicasets", replica_set(name, replicas=3))}
        for name in ("stays", "goes")
    ]
    for number, owner in enumerate(made):
        cluster.create(f"{inventory.core}/pods", owned(f"web-{number}", {"kind": "ReplicaSet", **owner}))
    for name in ("lives", "alone"):
        cluster.create(f"{inventory.core}/pods", pod(name))
    inventory.sync("pods", "replicasets")
    since = inventory.now()
    cluster.patch(f"{inventory.apps}/replicasets/stays", {"spec": {"replicas": 2}})
    cluster.delete(f"{inventory.apps}/replicasets/goes")
    for name in ("web-0", "web-1", "alone"):
        cluster.delete(f"{inventory.core}/pods/{name}")
    inventory.sync("replicasets", "pods")
    cluster.patch(f"{inventory.apps}/replicasets/stays", {"spec": {"replicas": 9}})
    inventory.sync("replicasets")
    columns = ("pod", "owner_kind", "owner", "owner_is_there", "wanted", "owner_change")
    assert of(inventory.here("pod_owners", since), *columns) == [
        ("alone", None, None, None, None, None),
        ("web-0", "ReplicaSet", "stays", True, 2, "updated"),
        ("web-1", "ReplicaSet", "goes", False, None, "deleted"),
    ]
    inventory.store.connection.execute("UPDATE k8s_sync_targets SET history_since = NULL WHERE kind = 'replicasets'")
    assert {row["owner_is_there"] for row in inventory.here("pod_owners", since)} == {None}


def test_new_grants(inventory: Inventory) -> None:
    cluster, here = inventory.cluster, f"{RBAC}/namespaces/{inventory.namespace}"
    kinds = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")

    def rule(*verbs: str) -> Row:
        return {"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}

    def binding(*users: str) -> Row:
        subjects = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user} for user in users]
        role = {"kind": "Role", "apiGroup": "rbac.authorization.k8s.io", "name": "reads"}
        return {"metadata": {"name": "readers"}, "roleRef": role, "subjects": subjects}

    cluster.create(f"{here}/roles", {"metadata": {"name": "reads"}, "rules": [rule("get"), rule("list")]})
    cluster.create(f"{here}/rolebindings", binding("ann", "bob"))
    inventory.sync(*kinds)
    since = inventory.now()
    cluster.delete(f"{here}/rolebindings/readers")
    cluster.create(f"{here}/rolebindings", binding("cid", "ann"))
    cluster.patch(f"{here}/roles/reads", {"rules": [rule("list"), rule("delete")]})
    inventory.sync(*kinds)
    answer = inventory.here("new_grants", since)
    found = [(row["role_name"], (row["subject"] or {}).get("name"), (row["rule"] or {}).get("verbs")) for row in answer]
    assert found == [("reads", "cid", None), ("reads", None, ["delete"])]
    assert inventory.here("new_grants", since)[0]["binding_name"] == "readers"
    inventory.store.connection.execute("UPDATE k8s_sync_targets SET history_since = NULL")
    assert [row for row in inventory.all("new_grants", since) if row["role_name"]] == []


def test_labels_taken_away(inventory: Inventory) -> None:
    cluster, sets = inventory.cluster, f"{inventory.apps}/replicasets"
    for name in ("taken", "other", "more", "gone"):
        made = replica_set(name)
        cluster.create(sets, {**made, "metadata": {"name": name, "labels": {"team": "shop", "app": name}}})
    inventory.sync("replicasets")
    since = inventory.now()
    cluster.patch(f"{sets}/taken", {"metadata": {"labels": {"team": None}}})
    cluster.patch(f"{sets}/other", {"metadata": {"labels": {"team": "search"}}})
    cluster.patch(f"{sets}/more", {"metadata": {"labels": {"more": "yes"}}})
    cluster.delete(f"{sets}/gone")
    inventory.sync("replicasets")
    expected = [("other", "team", "shop", "search"), ("taken", "team", "shop", None)]
    columns = ("name", "label", "value_from", "value_to")
    assert of(inventory.here("labels_taken_away", since), *columns) == expected
    cluster.patch(f"{sets}/taken", {"metadata": {"labels": {"team": "back"}}})
    cluster.patch(f"{sets}/other", {"spec": {"replicas": 5}})
    inventory.sync("replicasets")
    cluster.delete(f"{sets}/other")
    inventory.sync("replicasets")
    assert of(inventory.here("labels_taken_away", since), *columns) == expected


def _changed_twice(inventory: Inventory, *, of_second: Callable[[], None], **settings: object) -> datetime:
    """Two changes of a StatefulSet's replicas, images and labels, each read by a sync; the second under settings."""
    sets = f"{inventory.apps}/statefulsets"
    made = deployment("web", replicas=1, image="shop/web:1")
    inventory.cluster.create(sets, {**made, "metadata": {"name": "web", "labels": {"team": "1"}}})
    inventory.sync("statefulsets")
    since = inventory.now()
    for number, given in ((2, {}), (3, settings)):
        template = {"spec": {"containers": [{"name": "main", "image": f"shop/web:{number}"}]}}
        change = {"metadata": {"labels": {"team": str(number)}}, "spec": {"replicas": number, "template": template}}
        inventory.cluster.patch(f"{sets}/web", change)
        inventory.sync("statefulsets", **given)
    of_second()
    inventory.sync("statefulsets")
    return since


@pytest.mark.parametrize("how", ["off-for-a-while", "deleted", "off-still"])
def test_no_value_is_known_after_changes_are_lacking(inventory: Inventory, how: str) -> None:
    def delete() -> None:
        inventory.store.connection.execute(
            "DELETE FROM k8s_changes WHERE plural = 'statefulsets' AND seen_at = (SELECT max(seen_at) FROM k8s_changes)"
        )

    since = _changed_twice(
        inventory,
        of_second=delete if how == "deleted" else lambda: None,
        **({} if how == "deleted" else {"history_days": 0}),
    )
    if how == "off-still":
        inventory.sync("statefulsets", history_days=0)
    assert of(inventory.here("scaled", since), "replicas_from", "replicas_to") == [(1, None)]
    assert of(inventory.here("images_rolled_out", since), "images_from", "images_to") == [(["shop/web:1"], None)]
    assert inventory.here("labels_taken_away", since) == []
    for name in ("scaled", "images_rolled_out", "labels_taken_away"):
        assert "statefulsets" in {row["kind"] for row in unknown(inventory.all(name, since))}


def test_nodes_that_came_and_went(inventory: Inventory) -> None:
    cluster, prefix = inventory.cluster, f"{inventory.namespace[:40]}-"
    cluster.create("/api/v1/nodes", {"metadata": {"name": f"{prefix}old"}})
    cluster.create("/api/v1/nodes", {"metadata": {"name": f"{prefix}stays"}})
    inventory.sync("nodes")
    inventory.store.connection.execute("UPDATE k8s_nodes SET created_at = created_at - interval '1 day'")
    since = inventory.now()
    inventory.store.connection.execute("SELECT pg_sleep(1)")  # creationTimestamp has whole seconds
    cluster.delete(f"/api/v1/nodes/{prefix}old")
    cluster.create("/api/v1/nodes", {"metadata": {"name": f"{prefix}new"}})
    inventory.sync("nodes")
    answer = [row for row in inventory.all("nodes", since) if row["name"] and row["name"].startswith(prefix)]
    assert sorted((row["name"], row["gone_at"] is None) for row in answer) == [
        (f"{prefix}new", True),
        (f"{prefix}old", False),
    ]
    for name in ("new", "stays"):
        cluster.delete(f"/api/v1/nodes/{prefix}{name}")


def test_drift(inventory: Inventory, sync: Callable[..., Result], context_of: Callable[..., Context]) -> None:
    """Of two contexts of one cluster, whose syncs lie apart."""
    cluster, sets = inventory.cluster, f"{inventory.apps}/statefulsets"
    contexts = [context_of(cluster, name=name) for name in ("left", "right")]

    def run(*which: Context) -> None:
        for context in which:
            for kind in ("deployments", "statefulsets", "daemonsets"):
                assert sync(context, kind).outcome == "complete"

    for name in ("same", "scaled", "gone", "caught-up"):
        cluster.create(sets, deployment(name))
    run(contexts[0])
    cluster.patch(f"{sets}/caught-up", {"spec": {"replicas": 2}})
    run(contexts[1])
    since = inventory.now()
    asked = {"left_context": "'left'", "right_context": "'right'"}
    text = {
        f"(SELECT {which}(context_name) FROM k8s_clusters) AS {name}": f"{value} AS {name}"
        for (name, value), which in zip(asked.items(), ("min", "max"), strict=True)
    }
    run(contexts[0])
    cluster.patch(f"{sets}/scaled", {"spec": {"replicas": 3}, "metadata": {"annotations": {"noise": "1"}}})
    cluster.patch(f"{sets}/same", {"metadata": {"annotations": {"noise": "1"}}})
    cluster.delete(f"{sets}/gone")
    run(contexts[1])
    query = (QUERIES / "drift.sql").read_text()
    assert all(each in query for each in text)
    columns = ("name", "differs", "differed")
    assert of(inventory.here("drift", since), *columns) == [
        ("caught-up", None, ["replicas"]),
        ("gone", ["only left"], None),
        ("scaled", ["replicas"], None),
    ]
    update = sql.SQL("UPDATE k8s_sync_targets SET history_since = NULL WHERE context_name = 'right'")
    inventory.store.connection.execute(update)
    answer = inventory.here("drift", since)
    assert of(answer, *columns) == [("gone", ["only left"], None), ("scaled", ["replicas"], None)]
    assert {row["known_then"] for row in answer} == {"unknown"}
    assert KINDS["statefulsets"].name in {row["kind"] for row in answer}


def event(name: str, about: Row, *, seen: datetime, **fields: Any) -> Row:
    involved = {"kind": about["kind"], **{key: about["metadata"].get(key) for key in ("name", "namespace", "uid")}}
    times = {"firstTimestamp": f"{seen:%Y-%m-%dT%H:%M:%SZ}", "lastTimestamp": f"{seen:%Y-%m-%dT%H:%M:%SZ}"}
    made = {"metadata": {"name": name}, "involvedObject": involved, "reason": name, "type": "Normal"}
    return {**made, **times, "count": 1, **fields}


def test_object(inventory: Inventory) -> None:
    cluster, here = inventory.cluster, inventory.core
    owner = cluster.create(f"{inventory.apps}/replicasets", replica_set("web"))
    web = cluster.create(f"{here}/pods", owned("web-1", owner))
    other = cluster.create(f"{here}/pods", pod("other"))
    since = inventory.sync("replicasets", "pods", "events")
    later = since + timedelta(seconds=5)
    cluster.create(f"{here}/events", event("Pulled", web, seen=later, message="pulled", count=4))
    cluster.create(f"{here}/events", event("Created", owner, seen=later + timedelta(seconds=1)))
    cluster.create(f"{here}/events", event("Early", web, seen=since - timedelta(days=1)))
    cluster.create(f"{here}/events", event("Other", other, seen=later))
    cluster.patch(f"{inventory.apps}/replicasets/web", {"spec": {"replicas": 2}})
    cluster.delete(f"{here}/pods/web-1")
    inventory.sync("replicasets", "pods", "events")
    cluster.delete(f"{here}/events")
    inventory.sync("events")
    columns = ("depth", "kind", "name", "what", "reason", "count", "old")
    answer = of(inventory.here("object", since, name="'web-1'"), *columns)
    assert answer == [
        (1, "ReplicaSet", "web", "Normal", "Created", 1, None),
        (0, "Pod", "web-1", "Normal", "Pulled", 4, None),
        (0, "Pod", "web-1", "deleted", None, None, None),
        (1, "ReplicaSet", "web", "updated", None, None, {"replicas": 1, "generation": 1}),
    ]
    assert of(inventory.here("object", since, name="'other'"), *columns) == [
        (0, "Pod", "other", "Normal", "Other", 1, None)
    ]
    assert inventory.here("object", since, name="'web-1'", kind="'Service'") == []
    assert inventory.here("object", since, name="'web-1'", namespace="'elsewhere'") == []


def test_warnings(inventory: Inventory) -> None:
    cluster, here = inventory.cluster, inventory.core
    one, two = (cluster.create(f"{here}/pods", pod(name)) for name in ("one", "two"))
    since = inventory.sync("events")
    later = since + timedelta(seconds=5)
    warning = {"type": "Warning", "reason": "BackOff"}
    cluster.create(f"{here}/events", event("a", one, seen=later, **warning, count=3, message="first"))
    cluster.create(f"{here}/events", event("b", two, seen=later + timedelta(seconds=1), **warning, message="latest"))
    cluster.create(f"{here}/events", event("c", two, seen=later, reason="BackOff"))
    cluster.create(f"{here}/events", event("d", two, seen=since - timedelta(hours=1), **warning))
    inventory.sync("events")
    columns = ("kind", "name", "objects", "times", "latest_object", "latest_message")
    for _ in range(2):
        assert of(inventory.here("warnings", since), *columns) == [("Pod", "BackOff", 2, 4, "two", "latest")]
        cluster.delete(f"{here}/events")
        inventory.sync("events")
    assert inventory.all("warnings", since, namespace="'elsewhere'") == []


def test_times_of_which_events_were_not_read(inventory: Inventory) -> None:
    start = inventory.now() - timedelta(hours=20)
    runs = "UPDATE k8s_sync_runs SET snapshot_at = %s WHERE run_id = %s"
    targets = "UPDATE k8s_sync_targets SET kept_since = %s WHERE kind = 'events'"
    for number, hours in enumerate((0, 1, 5, 19.5), 1):
        inventory.sync("events")
        inventory.store.connection.execute(runs, [start + timedelta(hours=hours), f"run-{number}"])

    def missed(since: float, kept_since: float | None, *more: str) -> list[tuple[float, float]]:
        """In hours since the start."""
        kept = None if kept_since is None else start + timedelta(hours=kept_since)
        inventory.store.connection.execute(targets, [kept])
        statement = f"SELECT missed_from, missed_until FROM k8s_events_missed({', '.join(['%s', *more])}) ORDER BY 1"
        found = inventory.store.connection.execute(statement.encode(), [start + timedelta(hours=since)]).fetchall()
        return [
            (round((a - start) / timedelta(hours=1), 1), round((b - start) / timedelta(hours=1), 1)) for a, b in found
        ]

    assert missed(0, 0) == [(1, 4), (5, 18.5)]
    assert missed(-3, 0) == [(-3, -1), (1, 4), (5, 18.5)]
    assert missed(2, 0) == [(2, 4), (5, 18.5)]
    assert missed(19, 0) == []
    assert missed(0, 3) == [(1, 4), (5, 18.5)]  # what the reading before then held is kept
    assert missed(0, 6) == [(0, 4), (5, 18.5)]
    assert missed(0, 19.8) == [(0, 18.5)]
    assert missed(0, -5) == [(1, 4), (5, 18.5)]
    assert missed(0, None) == [(0, 18.5)]
    assert missed(0, 0, "'30 minutes'") == [(0, 0.5), (1, 4.5), (5, 19), (19.5, 19.5)]
    assert missed(19.8, 0) == [(19.8, 20)]
    inventory.sync("events", namespaces=inventory.namespace)
    assert missed(19.8, 0) == [(19.8, 20)]
    inventory.sync("events")
    assert missed(19.8, 0) == []
