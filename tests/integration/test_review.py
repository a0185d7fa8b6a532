"""What a second look found: proofs that hold in one history of a cluster and not in another; rows that nobody reads."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom, read_target
from tests.cluster import Cluster
from tests.cluster.cluster import Rejected
from tests.cluster.objects import crd, pod
from tests.conftest import IMPATIENT, again, sync_with_custom_objects
from tests.equality import custom_objects, query_rows, status_of
from tests.proxy import Answer, Proxy
from tests.syncing import sync_kinds

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]
MAPS = "/api/v1/namespaces/default/configmaps"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def _patch(cluster: Cluster, path: str, body: Any) -> int:
    cluster.request("PATCH", path, json.dumps(body).encode(), content_type="application/merge-patch+json")
    return int(cluster.request("GET", path)["metadata"]["resourceVersion"])


def _fill(cluster: Cluster, until: int) -> int:
    """Writes until the revision is this one."""
    number, version = 0, 0
    while version < until:
        number += 1
        version = _patch(cluster, f"{MAPS}/filler", {"data": {"number": str(number)}})
    return version


class _Restorable:
    """A cluster whose etcd is put back to a copy."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.now = cluster
        self._backup = folder / "backup"
        cluster.stop()
        shutil.copytree(cluster.directory / "etcd", self._backup)
        self._start()

    def _start(self) -> None:
        self.now = Cluster.start(self.now.directory)

    def restore(self) -> None:
        self.now.stop()
        shutil.rmtree(self.now.directory / "etcd")
        shutil.copytree(self._backup, self.now.directory / "etcd")
        self._start()


def test_a_write_that_only_takes_away_is_told_apart_after_a_restore(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf, tmp_path: Path
) -> None:
    """Such a write leaves no time in managedFields: it owns nothing."""
    cluster = start_cluster()
    cluster.create(MAPS, {"metadata": {"name": "a"}, "data": {"left": "1", "right": "1"}})
    cluster.create(MAPS, {"metadata": {"name": "filler"}})
    of = _Restorable(cluster, tmp_path)
    _fill(of.now, int(of.now.request("GET", f"{MAPS}/a")["metadata"]["resourceVersion"]) + 60)
    wanted = _patch(of.now, f"{MAPS}/a", {"data": {"left": None}})
    context = context_of(of.now)
    sync(context, "configmaps", config_map_values=True)
    for _ in range(5):
        of.restore()
        _fill(of.now, wanted - 1)
        if _patch(of.now, f"{MAPS}/a", {"data": {"right": None}}) == wanted:
            break
    else:
        raise AssertionError("the version could not be met")
    _fill(of.now, wanted + 60)
    try:
        assert sync(context, "configmaps", config_map_values=True).outcome == "complete"
        (row,) = query_rows(store, "SELECT resource_version, data FROM k8s_configmaps WHERE name = 'a'")
        assert row == {"resource_version": str(wanted), "data": {"data": {"left": "1"}}}
    finally:
        of.now.stop()


def test_a_definition_that_differs_after_a_restore_is_another(
    start_cluster: Callable[..., Cluster], store: Store, context_of: ContextOf, tmp_path: Path
) -> None:
    """Of the same generation: its new default shows in objects that nobody wrote."""
    cluster = start_cluster()
    cluster.create(CRDS, crd("things", "town.example"))
    cluster.until_served("/apis/town.example/v1/things")
    body = {"apiVersion": "town.example/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {}}
    cluster.create("/apis/town.example/v1/namespaces/default/things", body)
    cluster.create(MAPS, {"metadata": {"name": "filler"}})
    of = _Restorable(cluster, tmp_path)

    def default(text: str) -> None:
        schema = {
            "type": "object",
            "properties": {"spec": {"type": "object", "properties": {"text": {"type": "string", "default": text}}}},
        }
        versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
        _patch(of.now, f"{CRDS}/things.town.example", {"spec": {"versions": versions}})
        for _ in range(100):
            with suppress(Rejected):  # its storage is made anew
                (thing,) = of.now.list("/apis/town.example/v1/things")
                if thing["spec"].get("text") == text:
                    return
            time.sleep(0.1)
        raise AssertionError("the default is not served")

    def stored() -> list[Any]:
        return [each["spec"] for each in custom_objects(store, "things.town.example").values()]

    context = context_of(of.now)
    try:
        default("before")
        sync_with_custom_objects(store, context, "first", [KINDS["configmaps"]])
        assert stored() == [{"text": "before"}]
        version = of.now.request("GET", "/apis/town.example/v1/things")["metadata"]["resourceVersion"]
        of.restore()
        default("after")
        _fill(of.now, int(version) + 20)
        sync_with_custom_objects(store, context, "second", [KINDS["configmaps"]])
        assert stored() == [{"text": "after"}]
    finally:
        of.now.stop()


def test_objects_whose_labels_are_not_stored_are_looked_for_under_a_selector(
    start_cluster: Callable[..., Cluster], store: Store, sync: Sync, context_of: ContextOf
) -> None:
    cluster = start_cluster()
    for name in ("stays", "goes", "other"):
        made = pod(name)
        made["metadata"]["labels"] = {"tier": "back" if name == "other" else "web"}
        cluster.create("/api/v1/namespaces/default/pods", made)
    context = context_of(cluster)
    dropped_by = ({"drop_labels": ["tier"]}, {"keep_labels": ["app"]}, {"redact": ["pods:metadata.labels"]})
    for number, dropped in enumerate(dropped_by):
        name = f"goes-{number}"
        made = pod(name)
        made["metadata"]["labels"] = {"tier": "web"}
        cluster.create("/api/v1/namespaces/default/pods", made)
        sync(context, "pods", **dropped)
        cluster.delete(f"/api/v1/namespaces/default/pods/{name}")
        result = sync(context, "pods", label_selectors={"pods": "tier=web"}, **dropped)
        assert (result.outcome, result.attempt.deleted) == ("complete", 1), dropped
        names = {row["name"] for row in query_rows(store, "SELECT name FROM k8s_pods")}
        assert names == {"stays", "goes", "other"}


def test_stricter_rules_come_to_custom_objects_of_a_cluster_that_is_down(
    start_cluster: Callable[..., Cluster], store: Store, context_of: ContextOf
) -> None:
    cluster = start_cluster()
    cluster.create(CRDS, crd("things", "town.example"))
    cluster.until_served("/apis/town.example/v1/things")
    env = [{"name": "PASSWORD", "value": "pl4nted"}]
    body = {"apiVersion": "town.example/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"env": env}}
    cluster.create("/apis/town.example/v1/namespaces/default/things", body)
    context = context_of(cluster)
    sync_with_custom_objects(store, context, "first", [], redact_env=False)
    assert "pl4nted" in str(custom_objects(store, "things.town.example"))
    cluster.stop()
    settings, run = Settings.load({"kinds_at_once": 1}), Run("second")
    with Session(context, IMPATIENT) as session:
        discovery, kinds = find_custom(session, store, Custom(("*",)), run=run, settings=settings)
        assert discovery.outcome == "unreachable"
        results = list(sync_kinds(session, again(store), kinds, run=run, settings=settings))
    assert [(each.kind, each.outcome) for each in results] == [("things.town.example", "unreachable")]
    assert "pl4nted" not in str(custom_objects(store, "things.town.example"))
    assert status_of(store, "things.town.example")["under_other_rules"] == 0


def test_what_is_read_into_a_sink_alone_is_partial_where_an_object_comes_twice(cluster: Cluster, proxy: Proxy) -> None:
    first = cluster.list("/api/v1/pods")[0]
    older = {**first, "metadata": {**first["metadata"], "resourceVersion": "1", "labels": {"is": "older"}}}

    def twice(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path or "continue=" not in path:
            return None
        answer = real.json
        answer["items"].append(older)
        return real.with_json(answer)

    class Rows:
        def start(self) -> None:
            pass

        def add(self, columns: Any) -> None:
            pass

    proxy.spoil = twice
    with Session(proxy.context, IMPATIENT) as session:
        result = read_target(session, KINDS["pods"], settings=Settings.load({"page_size": 2}), sink=Rows())
    assert result.outcome == "partial"


def test_what_was_found_of_a_cluster_is_not_believed_of_another(
    start_cluster: Callable[..., Cluster], store: Store, context_of: ContextOf
) -> None:
    """One run, in which the context was re-pointed between two of its tasks."""
    before, after = start_cluster(), start_cluster()
    after.create(CRDS, crd("things", "town.example"))
    after.until_served("/apis/town.example/v1/things")
    settings = Settings.load({"accept_repointed": ["test"]})
    found = []
    for cluster in (before, after):
        with Session(context_of(cluster), IMPATIENT) as session:
            result, kinds = find_custom(session, store, Custom(("*",)), run=Run("one"), settings=settings)
            assert result.outcome == "complete"
            found.append([kind.name for kind in kinds])
    assert found == [[], ["things.town.example"]]
