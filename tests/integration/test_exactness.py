"""After a complete sync the tables hold what the API server holds, no more and no less."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, Run
from k8s_inventory.sync.summary import lines, report
from tests.cluster import Cluster
from tests.cluster.objects import pod
from tests.equality import assert_table_equals_cluster, rows_of, status_of

PODS = "/api/v1/namespaces/shop/pods"
Sync = Callable[..., Result]
ContextOf = Callable[..., Context]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_equals_the_cluster(
    cluster: Cluster, any_store: Store, sync: Sync, context_of: ContextOf, kind: str
) -> None:
    result = sync(context_of(cluster), kind, into=any_store)
    assert result.attempt.outcome == "complete"
    assert result.attempt.objects == result.attempt.changed == rows_of(any_store, kind) > 0
    assert_table_equals_cluster(any_store, cluster, kind)


def test_creates_updates_and_deletes_arrive(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    for name in ("stays", "changes", "goes"):
        cluster.create(PODS, pod(name))
    context = context_of(cluster)
    sync(context, "pods")
    cluster.patch(f"{PODS}/changes", {"metadata": {"labels": {"tier": "web"}}})
    cluster.delete(f"{PODS}/goes")
    cluster.create(PODS, pod("comes"))

    result = sync(context, "pods")

    assert (result.attempt.changed, result.attempt.deleted) == (2, 1)
    assert_table_equals_cluster(store, cluster, "pods")
    for name in ("stays", "changes", "comes"):
        cluster.delete(f"{PODS}/{name}")


def test_an_object_made_anew_under_its_old_name_is_another_row(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    cluster.create(PODS, pod("phoenix"))
    sync(context_of(cluster), "pods")
    cluster.delete(f"{PODS}/phoenix")
    cluster.create(PODS, pod("phoenix"))
    result = sync(context_of(cluster), "pods")
    assert (result.attempt.changed, result.attempt.deleted) == (1, 1)
    assert_table_equals_cluster(store, cluster, "pods")
    cluster.delete(f"{PODS}/phoenix")


@pytest.mark.parametrize("page_size", [1, 2, 3, 500])
def test_pages_of_any_size_add_up(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, page_size: int
) -> None:
    result = sync(context_of(cluster), "pods", page_size=page_size)
    assert result.attempt.pages == -(-result.attempt.objects // page_size)
    assert_table_equals_cluster(store, cluster, "pods")


def test_an_unchanged_sync_writes_no_row(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    context = context_of(cluster)
    sync(context, "pods")

    def written() -> tuple[int, ...]:
        store.connection.execute("SELECT pg_stat_force_next_flush()")
        row = store.connection.execute(
            "SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = 'k8s_pods'"
        ).fetchone()
        assert row is not None
        return tuple(row)

    before = written()
    assert before[0] > 0
    result = sync(context, "pods")
    assert result.attempt.changed == 0
    assert written() == before


def test_two_contexts_to_one_cluster_are_both_kept_and_flagged(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    sync(context_of(cluster, name="one"), "pods")
    sync(context_of(cluster, name="two"), "pods")
    assert_table_equals_cluster(store, cluster, "pods", context="one")
    assert_table_equals_cluster(store, cluster, "pods", context="two")
    flagged = dict(store.connection.execute("SELECT context_name, same_cluster_as FROM k8s_clusters").fetchall())
    assert flagged == {"one": ["two"], "two": ["one"]}


def test_verify_mends_a_row_that_was_changed_by_hand(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    context = context_of(cluster)
    sync(context, "pods")
    store.connection.execute("UPDATE k8s_pods SET labels = '{}' WHERE name = 'web-0'")
    assert sync(context, "pods").attempt.changed == 0
    assert sync(context, "pods", verify=True).attempt.changed == 1
    assert_table_equals_cluster(store, cluster, "pods")


def test_verify_happens_by_itself_after_a_week(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    context = context_of(cluster)
    sync(context, "pods")
    store.connection.execute("UPDATE k8s_pods SET labels = '{}' WHERE name = 'web-0'")
    store.connection.execute("UPDATE k8s_sync_targets SET last_verified_at = now() - interval '8 days'")
    assert sync(context, "pods").attempt.changed == 1
    assert_table_equals_cluster(store, cluster, "pods")


def test_pages_that_changed_as_a_whole_and_in_part_arrive(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    """A page after one of which everything was written is decoded otherwise than one after a page that was not."""
    names = [f"turn-{number}" for number in range(6)]
    for name in names:
        cluster.create(PODS, pod(name))
    context = context_of(cluster)
    sync(context, "pods", page_size=2)
    order = [each["metadata"]["name"] for each in cluster.list("/api/v1/pods")]
    pairs = [order[start : start + 2] for start in range(0, len(order), 2)]
    whole = next(index for index, pair in enumerate(pairs) if set(pair) <= set(names))
    changed = {*pairs[whole], pairs[whole + 1][1]}
    assert changed <= set(names)
    for name in changed:
        cluster.patch(f"{PODS}/{name}", {"metadata": {"labels": {"turn": "2"}}})
    assert sync(context, "pods", page_size=2).attempt.changed == 3
    assert_table_equals_cluster(store, cluster, "pods")
    for name in names:
        cluster.delete(f"{PODS}/{name}")


def test_a_value_that_most_objects_share_is_not_given_to_the_others(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    nodes = {"most-1": "a", "most-2": "a", "most-3": "a", "other": "b", "none": None}
    for name, node in nodes.items():
        cluster.create(PODS, pod(name, **({"nodeName": node} if node else {})))
    sync(context_of(cluster), "pods")
    found = store.connection.execute("SELECT name, node_name FROM k8s_pods WHERE name = any(%s)", [list(nodes)])
    assert dict(found.fetchall()) == nodes
    for name in nodes:
        cluster.delete(f"{PODS}/{name}")


def test_a_path_of_redact_that_leads_nowhere_is_a_warning(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, caplog: pytest.LogCaptureFixture
) -> None:
    context = context_of(cluster)
    rules = "namespaces:.spec.finalizers,namespaces:.spec.finalisers"
    task = {"context": "test", "kinds": ["namespaces"], "custom": {"include": []}, "named": []}
    for run_id, expected in (("first", 1), ("second", 0)):  # the second time nothing is read anew
        caplog.clear()
        sync(context, "namespaces", redact=rules, run=Run(run_id))
        warnings = [each.getMessage() for each in caplog.records if "`redact`" in each.getMessage()]
        assert len(warnings) == expected
        assert all(".spec.finalisers of the setting `redact` leads nowhere" in each for each in warnings)
        assert status_of(store, "namespaces")["warning"] == (warnings[0] if warnings else None)
        shown = lines(report(store, run_id, [task]))
        assert [line for line in shown.splitlines() if "Warning" in line] == [f"Warning: {each}" for each in warnings]
    sync(context, "namespaces")


def test_another_redaction_setting_rewrites_unchanged_objects(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    containers = [{"name": "main", "image": "a", "env": [{"name": "TOKEN", "value": "hunter2"}]}]
    cluster.create(PODS, pod("secretive", containers=containers))
    context = context_of(cluster)

    def env() -> object:
        query = "SELECT spec #> '{containers,0,env}' FROM k8s_pods WHERE name = 'secretive'"
        row = store.connection.execute(query).fetchone()
        return row and row[0]

    sync(context, "pods")
    assert env() == [{"name": "TOKEN", "value": "<redacted>"}]
    sync(context, "pods", redact_env=False)
    assert env() == [{"name": "TOKEN", "value": "hunter2"}]
    sync(context, "pods")
    assert env() == [{"name": "TOKEN", "value": "<redacted>"}]
    cluster.delete(f"{PODS}/secretive")


def test_status_tells_how_old_the_rows_are(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    result = sync(context_of(cluster), "pods")
    status = status_of(store, "pods")
    assert status["outcome"] == "complete"
    assert status["last_complete_at"] is not None
    assert (status["objects"], status["bytes"], status["pages"]) == (
        result.attempt.objects,
        result.attempt.bytes,
        result.attempt.pages,
    )
    assert status["scope"] == "all"
