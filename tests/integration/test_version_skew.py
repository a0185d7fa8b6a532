"""Kinds of clusters that are older than what is declared: under other versions of their group, or under none."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from k8s_inventory.kinds.custom import custom_kind_named
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.discovery import discover
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom, sync_target
from tests.cluster import Cluster
from tests.conftest import IMPATIENT
from tests.proxy import Answer, Proxy

OLD = "resource.k8s.io/v1=false,resource.k8s.io/v1beta2=false,resource.k8s.io/v1beta1=true"
DEVICES = ("deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices")


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


def test_a_kind_that_only_old_clusters_have(cluster: Cluster, store: Store) -> None:
    """PodSecurityPolicies went with 1.25, whose group has no dot. No API server of today serves them: a proxy does."""
    listed = {
        "kind": "PodSecurityPolicyList",
        "apiVersion": "policy/v1beta1",
        "metadata": {"resourceVersion": "5"},
        "items": [{"metadata": {"name": "p", "uid": "psp", "resourceVersion": "4"}, "spec": {"privileged": True}}],
    }
    served = {
        "metadata": {"name": "policy"},
        "versions": [
            {
                "version": "v1beta1",
                "resources": [
                    {
                        "resource": "podsecuritypolicies",
                        "responseKind": {"kind": "PodSecurityPolicy"},
                        "scope": "Cluster",
                        "verbs": ["list"],
                    }
                ],
            }
        ],
    }

    def older(path: str, real: Answer) -> Answer | None:
        if path == "/apis" and real.json["kind"] == "APIGroupDiscoveryList":
            value = real.json
            value["items"].append(served)
            return real.with_json(value)
        return Answer(200, json.dumps(listed).encode()) if "/podsecuritypolicies?" in path else None

    def find(run: str, proxy: Proxy) -> Result:
        settings = Settings.load({})
        with Session(proxy.context, IMPATIENT) as session:
            _, kinds = find_custom(session, store, Custom(("*",)), run=Run(run), settings=settings)
            (kind,) = [each for each in kinds if each.name == "podsecuritypolicies.policy"]
            return sync_target(session, store, kind, run=Run(run), settings=settings)

    with Proxy(cluster) as proxy:
        proxy.spoil = older
        assert find("1", proxy).attempt.outcome == "complete"
        query = "SELECT name, spec FROM k8s_custom_objects WHERE \"group\" = 'policy'"
        assert store.connection.execute(query).fetchall() == [("p", {"privileged": True})]
        proxy.spoil = lambda path, real: None  # the cluster is upgraded
        gone = find("2", proxy).attempt
        assert (gone.outcome, gone.deleted) == ("absent", 1), gone
        assert store.connection.execute(query).fetchall() == []
