"""Kinds of clusters that are older than what is declared: under other versions of their group, or under none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kinds.custom import custom_kind_named
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.discovery import discover
from k8s_inventory.kube.session import Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, reading
from tests.cluster import Cluster, Rejected
from tests.cluster.binary import KUBERNETES_VERSION, OLDEST_VERSION
from tests.cluster.every_kind import OBJECTS, make_every_kind
from tests.cluster.objects import crd, make_workloads, pod
from tests.conftest import IMPATIENT, sync_with_custom_objects
from tests.equality import (
    assert_custom_objects_equal_cluster,
    assert_printer_columns_equal_table,
    assert_table_equals_cluster,
    query_rows,
    rows_of,
)
from tests.proxy import Answer, Proxy

OLD = "resource.k8s.io/v1=false,resource.k8s.io/v1beta2=false,resource.k8s.io/v1beta1=true"
DEVICES = ("deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices")
LATER_KINDS = {
    *DEVICES,
    *("ipaddresses", "servicecidrs", "volumeattributesclasses"),
    *("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
    *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
}
"""What came after the oldest Kubernetes that is supported."""
OPEN = {part: {"rule": "RunAsAny"} for part in ("seLinux", "runAsUser", "fsGroup", "supplementalGroups")}


@pytest.fixture(scope="module")
def old(start_cluster: Callable[..., Cluster]) -> Cluster:
    """A cluster that serves a group by its first beta alone."""
    cluster = start_cluster(arguments=[f"--runtime-config={OLD}"])
    root = "/apis/resource.k8s.io/v1beta1"
    cluster.create(f"{root}/deviceclasses", {"metadata": {"name": "gpu"}, "spec": {}})
    spec = {"devices": {"requests": [{"name": "one", "deviceClassName": "gpu"}]}}
    cluster.create(f"{root}/namespaces/default/resourceclaims", {"metadata": {"name": "c"}, "spec": spec})
    template = {"metadata": {"name": "t"}, "spec": {"spec": spec}}
    cluster.create(f"{root}/namespaces/default/resourceclaimtemplates", template)
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
    devices = [{"name": "d", "basic": {"attributes": {"model": {"string": "x"}}}}]
    of_slice = {"driver": "d.example", "pool": pool, "nodeName": "n", "devices": devices}
    cluster.create(f"{root}/resourceslices", {"metadata": {"name": "s"}, "spec": of_slice})
    return cluster


@pytest.mark.parametrize("kind", DEVICES)
def test_a_kind_is_read_in_the_version_that_there_is(
    old: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context], kind: str
) -> None:
    result = sync(context_of(old), kind)
    assert (result.attempt.outcome, result.attempt.objects) == ("complete", 1), result
    row = store.connection.execute(f"SELECT api_version, name FROM k8s_{kind}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    assert row[0] == "resource.k8s.io/v1beta1"
    assert sync(context_of(old), kind).attempt.changed == 0


def test_a_core_kind_of_a_later_kubernetes(cluster: Cluster, context_of: Callable[..., Context]) -> None:
    resource = {"resource": "wheels", "responseKind": {"kind": "Wheel"}, "scope": "Namespaced", "verbs": ["list"]}

    def later(path: str, real: Answer) -> Answer | None:
        if path != "/api":
            return None
        value = real.json
        if value["kind"] != "APIGroupDiscoveryList":
            return None
        value["items"][0]["versions"][0]["resources"].append(resource)
        return real.with_json(value)

    with Proxy(cluster) as proxy:
        proxy.spoil = later
        with Session(proxy.context, IMPATIENT) as session:
            found = discover(session).kinds
    assert found["wheels.core"].list_path("v1", "shop") == "/api/v1/namespaces/shop/wheels"
    assert custom_kind_named("wheels.core").group == ""
    with Session(context_of(cluster), IMPATIENT) as session:
        assert discover(session).kinds == {name: kind for name, kind in found.items() if name != "wheels.core"}
    assert not any(name.endswith(".core") for name in found if name != "wheels.core"), "what is declared, and no status"


@pytest.fixture
def oldest(tmp_path: Path) -> Iterator[Cluster]:
    """The oldest Kubernetes that is supported, with objects of every kind that it serves."""
    with Cluster.start(tmp_path / "cluster", version=OLDEST_VERSION) as cluster:
        served = [path for path in OBJECTS if serves(cluster, path)]
        served.remove("/apis/apiregistration.k8s.io/v1/apiservices")  # an aggregated API that is down: see elsewhere
        make_every_kind(cluster, served)
        make_workloads(cluster, "default")
        cluster.create("/api/v1/namespaces/default/pods", pod("web"))
        policy = {"metadata": {"name": "open", "labels": {"a": "b"}}, "spec": OPEN}
        cluster.create("/apis/policy/v1beta1/podsecuritypolicies", policy)
        cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd("widgets", "shop.example"))
        widgets = "/apis/shop.example/v1/namespaces/default/widgets"
        cluster.until_served(widgets)
        widget = {"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "w", "labels": {"a": "b"}}}
        cluster.create(widgets, widget)
        yield cluster


def serves(cluster: Cluster, path: str) -> bool:
    try:
        cluster.list(path)
    except Rejected as error:
        return error.status != 404
    return True


def version_served(cluster: Cluster, kind: str) -> str | None:
    """The first of the versions that we know of the kind's group in which the cluster itself lists it."""
    paths = {version: KINDS[kind].list_path(version) for version in KINDS[kind].versions}
    return next((version for version, path in paths.items() if serves(cluster, path)), None)


def assert_inventory_equals_cluster(store: Store, cluster: Cluster, results: dict[str, Result]) -> set[str]:
    """Every kind that the cluster serves is complete, every other one absent with proof; returns those."""
    absent = set()
    for kind in KINDS:
        version, result = version_served(cluster, kind), results[kind]
        if version is None:
            absent.add(kind)
            assert (result.attempt.outcome, result.absence_proven, rows_of(store, kind)) == ("absent", True, 0), result
            continue
        assert result.attempt.outcome == "complete", result
        assert_table_equals_cluster(store, cluster, kind, version=version)
        read_in = {row["api_version"] for row in query_rows(store, f"SELECT api_version FROM {KINDS[kind].table}")}
        assert read_in <= {f"{KINDS[kind].group}/{version}".lstrip("/")}, kind
    return absent


def test_the_oldest_kubernetes(
    oldest: Cluster, store: Store, context_of: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no aggregated discovery, and a group without a dot in its name that is gone since. Its metadata comes in
    the binary form as well."""
    monkeypatch.setattr(reading, "LEAST_BYTES", 0)
    context = context_of(oldest)
    results = sync_with_custom_objects(store, context, "1")
    assert oldest.request("GET", "/version")["gitVersion"] == OLDEST_VERSION
    assert assert_inventory_equals_cluster(store, oldest, results) == LATER_KINDS
    for name in ("podsecuritypolicies.policy", "widgets.shop.example"):
        assert results[name].attempt.outcome == "complete"
        assert assert_custom_objects_equal_cluster(store, oldest, name) == 1
        assert_printer_columns_equal_table(store, oldest, name)
    again = sync_with_custom_objects(store, context, "2")
    assert [kind for kind, result in again.items() if result.attempt.changed and kind != "leases"] == []
    oldest.patch("/api/v1/namespaces/default/pods/web", {"metadata": {"labels": {"changed": "yes"}}})
    assert sync_with_custom_objects(store, context, "3", [KINDS["pods"]])["pods"].attempt.changed == 1
    assert_table_equals_cluster(store, oldest, "pods", version="v1")
    read = {row["metadata_first"] for row in query_rows(store, "SELECT metadata_first FROM k8s_sync_targets")}
    assert read == {"yes", "no"}, "none answered otherwise"


def test_a_cluster_is_upgraded(oldest: Cluster, store: Store, context_of: Callable[..., Context]) -> None:
    """In one step, which nobody should do: it is the whole way from the oldest API to the newest."""
    context = context_of(oldest)
    sync_with_custom_objects(store, context, "1")
    query = "SELECT name, spec FROM k8s_custom_objects WHERE \"group\" = 'policy'"
    ((name, spec),) = store.connection.execute(query).fetchall()
    assert (name, spec["seLinux"]) == ("open", OPEN["seLinux"])

    oldest.upgrade()
    results = sync_with_custom_objects(store, context, "2")
    assert oldest.request("GET", "/version")["gitVersion"] == KUBERNETES_VERSION
    assert assert_inventory_equals_cluster(store, oldest, results) == set()
    assert assert_custom_objects_equal_cluster(store, oldest, "widgets.shop.example") == 1
    gone = results["podsecuritypolicies.policy"].attempt
    assert (gone.outcome, gone.deleted) == ("absent", 1), gone
    assert store.connection.execute(query).fetchall() == []
