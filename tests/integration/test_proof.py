"""What looks like proof that a row is right, or that its object is gone, and is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s_inventory.kinds import KINDS, Kind
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store, Target
from k8s_inventory.sync import Custom, Result, Run, find_custom, sync_target
from k8s_inventory.sync.reading import Reading
from k8s_inventory.sync.restating import restate
from tests.cluster import Cluster, kubeconfig
from tests.cluster.objects import crd, namespace, pod
from tests.conftest import IMPATIENT
from tests.equality import custom_objects, query_rows, status_of
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def town(start_cluster: Callable[..., Cluster]) -> Cluster:
    made = start_cluster()
    for name in ("shop", "bank"):
        made.create("/api/v1/namespaces", namespace(name))
        for number in range(2):
            made.create(f"/api/v1/namespaces/{name}/pods", pod(f"{name}-{number}"))
    made.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("things", "town.example"))
    made.until_served("/apis/town.example/v1/things")
    for number in range(3):
        body = {"apiVersion": "town.example/v1", "kind": "Thing", "metadata": {"name": f"thing-{number}"}}
        made.create("/apis/town.example/v1/namespaces/shop/things", body)
    return made


@pytest.fixture
def custom_things(cluster: Cluster, store: Store, context_of: ContextOf) -> list[Kind]:
    """The custom kinds of the cluster that has some of every kind."""
    with Session(context_of(cluster), IMPATIENT) as session:
        return find_custom(session, store, Custom(("*",)), run=Run("found"), settings=Settings.load({}))[1]


@pytest.fixture
def proxied(town: Cluster) -> Iterator[Proxy]:
    with Proxy(town) as made:
        yield made


def _names(store: Store, table: str = "k8s_pods") -> set[str]:
    return {row["name"] for row in query_rows(store, f"SELECT name FROM {table}")}


ALL = {"shop-0", "shop-1", "bank-0", "bank-1"}


# -- a list of namespaces --------------------------------------------------------------------------


def test_a_proxy_that_shows_a_tenant_its_own_namespaces_proves_no_absence(
    proxied: Proxy, store: Store, sync: Sync
) -> None:
    """As capsule-proxy and its like do."""
    sync(proxied.context, "pods")

    def own_alone(path: str, real: Answer) -> Answer | None:
        if not path.startswith("/api/v1/namespaces?"):
            return None
        answer = real.json
        answer["items"] = [each for each in answer["items"] if each["metadata"]["name"] != "shop"]
        return real.with_json(answer)

    proxied.spoil = own_alone
    for namespaces in (["sho*"], ["-bank"], ["*"]):
        result = sync(proxied.context, "pods", namespaces=namespaces)
        assert (result.outcome, result.attempt.deleted) == ("complete", 0), namespaces
        assert _names(store) == ALL


def test_objects_that_a_forced_deletion_of_their_namespace_left_stay(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    cluster = start_cluster()
    for name in ("stays", "goes"):
        cluster.create("/api/v1/namespaces", namespace(name))
        cluster.create(f"/api/v1/namespaces/{name}/pods", pod(name))
    sync(context_of(cluster), "pods", namespaces=["*"])
    cluster.delete("/api/v1/namespaces/goes")
    forced = cluster.request("GET", "/api/v1/namespaces/goes")
    forced["spec"]["finalizers"] = []
    cluster.request("PUT", "/api/v1/namespaces/goes/finalize", forced)
    assert [each["metadata"]["name"] for each in cluster.list("/api/v1/pods")] == ["goes", "stays"]
    for namespaces in (["g*", "s*"], ["*"]):
        assert sync(context_of(cluster), "pods", namespaces=namespaces).attempt.deleted == 0
        assert _names(store) == {"goes", "stays"}
    cluster.delete("/api/v1/namespaces/goes/pods/goes")
    assert sync(context_of(cluster), "pods", namespaces=["g*"]).attempt.deleted == 1


# -- an equal version ------------------------------------------------------------------------------


def _patch(cluster: Cluster, name: str, text: str) -> int:
    body = json.dumps({"data": {"text": text}}).encode()
    cluster.request("PATCH", f"{MAPS}/{name}", body, content_type="application/merge-patch+json")
    return _version(cluster, name)


def _version(cluster: Cluster, name: str) -> int:
    return int(cluster.request("GET", f"{MAPS}/{name}")["metadata"]["resourceVersion"])


def test_a_restored_cluster_whose_revisions_have_passed_is_read_again(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf, tmp_path: Path
) -> None:
    """etcd is put back to an older copy of its data; then the same object gets the same version for another text."""
    cluster = start_cluster()
    for name in ("a", "filler"):
        cluster.create(MAPS, {"metadata": {"name": name}, "data": {"text": "first"}})
    cluster.stop()
    backup = tmp_path / "backup"
    shutil.copytree(cluster.directory / "etcd", backup)
    Cluster.start(cluster.directory)
    running = Cluster.load(cluster.directory)
    for _ in range(30):
        _patch(running, "filler", "more")
        _patch(running, "filler", "less")
    wanted = _patch(running, "a", "before the restore")
    context = context_of(running)
    sync(context, "configmaps", config_map_values=True)
    for _ in range(5):
        running.stop()
        shutil.rmtree(cluster.directory / "etcd")
        shutil.copytree(backup, cluster.directory / "etcd")
        running = Cluster.start(cluster.directory)
        number = 0
        while _patch(running, "filler", str(number)) < wanted - 1:  # the cluster itself writes in between
            number += 1
        if _patch(running, "a", "after the restore") == wanted:
            break
    else:
        pytest.fail("the version could not be met")
    for _ in range(20):
        _patch(running, "filler", "on")
        _patch(running, "filler", "off")
    try:
        result = sync(context, "configmaps", config_map_values=True)
        assert result.outcome == "complete"
        (row,) = query_rows(store, "SELECT resource_version, data FROM k8s_configmaps WHERE name = 'a'")
        assert row["resource_version"] == str(wanted)
        assert row["data"]["data"] == {"text": "after the restore"}
    finally:
        running.stop()


def _without_labels(real: Answer) -> Answer:
    """What an API server says that knows of none."""
    answer = real.json
    for each in answer["items"]:
        each["metadata"].pop("labels", None)
    return real.with_json(answer)


def test_in_a_rolling_upgrade_what_another_version_served_is_written_again(
    proxied: Proxy, store: Store, sync: Sync
) -> None:
    """The version comes from one API server, the list from another, which knows no labels."""
    version = {"v": "v1.36.0"}
    old_list = {"on": True}

    def rolling(path: str, real: Answer) -> Answer | None:
        if path == "/version":
            return real.with_json({**real.json, "gitVersion": version["v"]})
        if "/pods?" in path and old_list["on"]:
            version["v"] = "v1.35.0"  # whoever asks after the list is told so
            return _without_labels(real)
        return None

    proxied.spoil = rolling
    assert sync(proxied.context, "pods").outcome == "complete"
    old_list["on"], version["v"] = False, "v1.36.0"
    sync(proxied.context, "pods")
    labels = query_rows(store, "SELECT labels FROM k8s_pods")
    assert all(row["labels"] for row in labels)
    assert sync(proxied.context, "pods").attempt.changed == 0


def test_a_version_that_was_just_met_is_not_yet_trusted(proxied: Proxy, store: Store, sync: Sync) -> None:
    """The one who was asked, before and after, has it already; the list may come from one that has not."""
    version, old_list = {"v": "v1.35.0"}, {"on": False}

    def rolling(path: str, real: Answer) -> Answer | None:
        if path == "/version":
            return real.with_json({**real.json, "gitVersion": version["v"]})
        if "/pods?" in path and old_list["on"]:
            return _without_labels(real)
        return None

    proxied.spoil = rolling
    sync(proxied.context, "pods")
    old_list["on"], version["v"] = True, "v1.36.0"
    sync(proxied.context, "pods")
    old_list["on"] = False
    sync(proxied.context, "pods")
    assert all(row["labels"] for row in query_rows(store, "SELECT labels FROM k8s_pods"))
    store.connection.execute("UPDATE k8s_sync_contexts SET version_since = now() - interval '2 hours'")
    sync(proxied.context, "pods")
    query = "SELECT count(*) AS made FROM k8s_pods WHERE made_of IS NOT NULL"
    assert query_rows(store, query) == [{"made": 4}]


def test_what_an_api_server_keeps_in_memory_is_always_compared(proxied: Proxy, store: Store) -> None:
    """Of an aggregated API: the object changes, its version does not."""
    kind = custom_kind(group="town.example", version="v1", kind="Thing", plural="things", namespaced=True)
    text = {"is": "first"}

    def in_memory(path: str, real: Answer) -> Answer | None:
        if "/things?" not in path:
            return None
        answer = real.json
        for each in answer["items"]:
            each["spec"] = {"text": text["is"]}
        return real.with_json(answer)

    proxied.spoil = in_memory
    for text["is"] in ("first", "second"):
        with Session(proxied.context, IMPATIENT) as session:
            result = sync_target(session, store, kind, run=Run(text["is"]), settings=Settings.load({}))
        assert result.outcome == "complete"
        found = custom_objects(store, "things.town.example").values()
        assert [row["spec"] for row in found] == [{"text": text["is"]}] * 3


@pytest.mark.parametrize("has_uids", [True, False])
def test_a_list_without_a_version_is_read_where_it_can_have_none(proxied: Proxy, store: Store, has_uids: bool) -> None:
    """As metrics-server, custom-metrics and OpenShift's project list answer: `"metadata": {}`."""
    kind = custom_kind(group="town.example", version="v1", kind="Thing", plural="things", namespaced=True)

    def without(path: str, real: Answer) -> Answer | None:
        if "/things?" not in path:
            return None
        answer = real.json
        for each in answer["items"]:
            del each["metadata"]["resourceVersion"]
            if not has_uids:
                del each["metadata"]["uid"]
        return real.with_json({**answer, "metadata": {}})

    proxied.spoil = without
    for number in range(2):
        with Session(proxied.context, IMPATIENT) as session:
            result = sync_target(session, store, kind, run=Run(str(number)), settings=Settings.load({}))
        assert result.outcome == ("complete" if has_uids else "unsupported"), result.error
        assert result.attempt.changed == (3 if has_uids and number == 0 else 0)
    with Session(proxied.context, IMPATIENT) as session:
        defined = replace(kind, revision="uid/1")
        result = sync_target(session, store, defined, run=Run("defined"), settings=Settings.load({}))
    assert result.outcome == "failed", "a CRD's objects are in etcd"


# -- settings of what is kept out ------------------------------------------------------------------


def test_rules_that_became_stricter_come_to_every_row(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    cluster = start_cluster()
    cluster.create("/api/v1/namespaces", namespace("shop"))
    made = pod("web")
    made["metadata"]["labels"]["tier"] = "web"
    made["spec"]["containers"][0]["env"] = [{"name": "PASSWORD", "value": "pl4nted"}]
    cluster.create("/api/v1/namespaces/shop/pods", made)
    context, selected = context_of(cluster), {"label_selectors": {"pods": "tier=web"}}

    def planted() -> bool:
        return "pl4nted" in str(query_rows(store, "SELECT to_jsonb(k8s_pods) AS row FROM k8s_pods"))

    sync(context, "pods", **selected)
    assert not planted()
    sync(context, "pods", namespaces=["shop"], redact_env=False)
    assert planted()
    assert status_of(store, "pods")["under_other_rules"] == 0
    sync(context, "services", namespaces=["shop"])
    sync(context, "pods", **selected)
    assert not planted()
    assert status_of(store, "pods")["under_other_rules"] == 0
    sync(context, "pods", redact_env=False)
    assert planted()
    sync(context, "pods", namespaces=["default"])
    assert not planted(), "also where nothing was listed"
    assert status_of(store, "pods")["under_other_rules"] == 0
    sync(context, "pods", redact_env=False)
    assert planted(), "what was restated is written again"
    cluster.stop()
    assert sync(context, "pods").outcome == "unreachable"
    assert not planted(), "also where nothing could be listed"


def test_what_is_restated_is_what_would_be_listed(
    cluster: Cluster, store: Store, context_of: ContextOf, custom_things: list[Kind]
) -> None:
    """Every kind, by the same rules: nothing changes by it."""
    settings = Settings.load({"digest_key": "k3y" * 10})
    with Session(context_of(cluster), IMPATIENT) as session:
        for kind in (*KINDS.values(), *custom_things):
            sync_target(session, store, kind, run=Run("all"), settings=settings)
            names = ", ".join(f'"{column.name}"' for column in kind.columns)
            query = f"SELECT {names} FROM {kind.table} ORDER BY uid"
            before = query_rows(store, query)
            store.connection.execute(f"UPDATE {kind.table} SET made_of = NULL".encode())
            with Target.locked(store, kind, "test") as target:
                reading = Reading(session, kind, settings)
                target.begin(run_id="restate", attempt=1, rules=reading.redaction_rules)
                restate(target, reading.new_decoder())
                target.end(reading.attempt)
                assert reading.attempt.under_other_rules == 0, kind.name
            assert query_rows(store, query) == before, kind.name


def test_a_row_that_can_not_be_restated_is_counted(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    cluster = start_cluster()
    for name in ("a", "b"):
        cluster.create("/api/v1/namespaces/default/pods", pod(name))
    sync(context_of(cluster), "pods", redact_env=False)
    store.connection.execute("UPDATE k8s_pods SET spec = '[1]' WHERE name = 'a'")
    sync(context_of(cluster), "pods", namespaces=["kube-system"])
    assert status_of(store, "pods")["under_other_rules"] == 1


# -- pages -----------------------------------------------------------------------------------------


def _on_the_second_page(path: str, real: Answer, item: dict[str, Any]) -> Answer | None:
    """Adds an object to a page that is not the first."""
    if "continue=" not in path:
        return None
    answer = real.json
    answer["items"].append(item)
    return real.with_json(answer)


@pytest.mark.parametrize("is_newer", [True, False])
@pytest.mark.parametrize("is_stored", [True, False])
def test_of_an_object_on_two_pages_the_newest_is_stored(
    town: Cluster, proxied: Proxy, store: Store, sync: Sync, is_newer: bool, is_stored: bool
) -> None:
    if is_stored:
        sync(proxied.context, "pods")
    first = town.list("/api/v1/pods")[0]
    version = int(first["metadata"]["resourceVersion"]) + (1 if is_newer else -1)
    other = {**first, "metadata": {**first["metadata"], "resourceVersion": str(version), "labels": {"other": "yes"}}}
    proxied.spoil = lambda path, real: _on_the_second_page(path, real, other) if "/pods?" in path else None
    result = sync(proxied.context, "pods", page_size=2)
    assert result.outcome == "partial"
    assert "1 objects came on two pages" in str(result.error)
    found = query_rows(
        store, "SELECT resource_version, labels FROM k8s_pods WHERE name = %s", first["metadata"]["name"]
    )
    newest = other if is_newer else first
    assert found == [
        {"resource_version": newest["metadata"]["resourceVersion"], "labels": newest["metadata"]["labels"]}
    ]


def test_two_objects_of_one_uid_on_two_pages_can_not_be_stored(town: Cluster, proxied: Proxy, store: Store) -> None:
    kind = custom_kind(group="town.example", version="v1", kind="Thing", plural="things", namespaced=True)
    first = town.list("/apis/town.example/v1/things")[0]
    twin = {**first, "metadata": {**first["metadata"], "name": "twin"}}
    proxied.spoil = lambda path, real: _on_the_second_page(path, real, twin) if "/things?" in path else None
    with Session(proxied.context, IMPATIENT) as session:
        settings = Settings.load({"page_size": 2})
        result = sync_target(session, store, kind, run=Run("twins"), settings=settings)
    assert result.outcome == "unsupported"
    assert custom_objects(store, "things.town.example") == {}


# -- instants --------------------------------------------------------------------------------------


def test_rows_are_exact_as_of_the_snapshot_not_of_its_end(
    town: Cluster, proxied: Proxy, store: Store, sync: Sync
) -> None:
    def create_meanwhile(path: str, real: Answer) -> Answer | None:
        if "/pods?" in path and "continue=" not in path:
            town.create("/api/v1/namespaces/shop/pods", pod("late"))
        return None

    proxied.spoil = create_meanwhile
    (before,) = query_rows(store, "SELECT clock_timestamp() AS now")
    for scope in ({}, {"namespaces": ["shop"]}):
        sync(proxied.context, "pods", page_size=1, **scope)
        (run,) = query_rows(store, "SELECT snapshot_at FROM k8s_sync_runs ORDER BY id DESC LIMIT 1")
        assert run["snapshot_at"] > before["now"]
        assert "late" not in _names(store)
        town.delete("/api/v1/namespaces/shop/pods/late")
    status = status_of(store, "pods", context="proxied")
    (part,) = query_rows(store, "SELECT exact_as_of, last_complete_at FROM k8s_sync_parts")
    assert before["now"] < status["exact_as_of"] < status["last_complete_at"] < part["exact_as_of"]
    assert part["exact_as_of"] < part["last_complete_at"]


# -- who answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["/pods?", "/version", "/namespaces/kube-system"])
def test_credentials_that_lead_elsewhere_in_the_middle_prove_nothing(
    town: Cluster,
    start_cluster: Callable[..., Cluster],
    proxied: Proxy,
    store: Store,
    sync: Sync,
    tmp_path: Path,
    when: str,
) -> None:
    """After a 401 the kubeconfig is read again; by then it leads to another cluster, which has no pods."""
    other = start_cluster()
    path = tmp_path / "config"
    leads_to_proxy = yaml.safe_dump(proxied.context.kubeconfig)
    path.write_text(leads_to_proxy)

    def expire(asked: str, real: Answer) -> Answer | None:
        if when not in asked:
            return None
        path.write_text(kubeconfig({"proxied": other}))
        return Answer(401, b"{}")

    context = kubeconfig_contexts(str(path))["proxied"]
    sync(context, "pods")
    proxied.spoil = expire
    result = sync(context, "pods")
    assert (result.outcome, result.attempt.deleted) == ("failed", 0)
    assert "to another cluster" in str(result.error)
    assert _names(store) == ALL
    path.write_text(leads_to_proxy)
    proxied.spoil = lambda asked, real: None
    assert sync(context, "pods").outcome == "complete"


def test_the_kinds_table_takes_what_a_user_added(
    town: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    """A column of the user's own keeps its values, and makes no row count as changed."""
    sync(context_of(town), "pods")
    store.connection.execute("ALTER TABLE k8s_pods ADD COLUMN team text, ADD COLUMN cost numeric NOT NULL DEFAULT 1")
    store.connection.execute("UPDATE k8s_pods SET team = 'a'")
    assert sync(context_of(town), "pods", verify=True).attempt.changed == 0
    store.connection.execute("UPDATE k8s_pods SET resource_version = '1'")
    assert sync(context_of(town), "pods").attempt.changed == len(ALL)
    assert {row["team"] for row in query_rows(store, "SELECT team FROM k8s_pods")} == {"a"}
