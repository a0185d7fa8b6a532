"""Objects that a tenant of a cluster may make fail no kind, and so hide nobody else's."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.confirming import is_gone
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import Unnameable
from k8s_inventory.kube.session import Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.objects import crd, pod
from tests.conftest import sync_with_custom_objects

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]

LONG = "".join(random.Random(1).choices(string.ascii_lowercase, k=20_000))
"""No compression makes it fit into an index."""

PODS, CONFIG_MAPS = "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/configmaps"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def _owned(uid: str) -> dict[str, Any]:
    owner = {"apiVersion": "v1", "kind": "K", "name": "n", "uid": uid, "controller": True}
    return {"metadata": {"name": "hostile", "ownerReferences": [owner]}}


def _with_memory(amount: str) -> dict[str, Any]:
    resources = {"limits": {"memory": amount}}
    return pod("hostile", containers=[{"name": "c", "image": "i", "resources": resources}])


OBJECTS = {
    "an owner's uid": ("configmaps", CONFIG_MAPS, _owned(LONG)),
    "a name": ("roles", ROLES, {"metadata": {"name": LONG}, "rules": []}),
    "a quantity of 31 digits": ("pods", PODS, _with_memory("1e30")),
    "a quantity of 1,000 digits": ("pods", PODS, _with_memory("1e999")),
    "a quantity in binary": ("pods", PODS, _with_memory("9" * 100 + "Ei")),
    "a quantity of 100,000 characters": ("pods", PODS, _with_memory("9" * 100_000)),
}


@pytest.mark.parametrize("what", OBJECTS)
def test_an_object_without_measure_fails_no_kind(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, what: str
) -> None:
    kind, path, body = OBJECTS[what]
    cluster.create(path, body)
    try:
        attempt = sync(context_of(cluster), kind).attempt
        assert attempt.outcome == "complete", attempt.error
        assert sync(context_of(cluster), kind).attempt.changed == 0
    finally:
        cluster.delete(f"{path}/{quote(body['metadata']['name'], safe='')}")
    assert sync(context_of(cluster), kind).attempt.deleted == 1


@pytest.mark.parametrize("number", ["1e-20000", "0." + "1" * 20_000, "-1e-999999"])
def test_numbers_that_postgresql_can_not_hold_fail_no_kind(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, number: str
) -> None:
    """What is a `RawExtension` comes back as it was sent."""
    path = "/apis/apps/v1/namespaces/shop/controllerrevisions"
    body = {"metadata": {"name": "hostile"}, "revision": 1, "data": {"text": "1e-20000", "number": "NUMBER", "one": 1}}
    cluster.create(path, json.dumps(body).replace('"NUMBER"', number).encode())
    try:
        attempt = sync(context_of(cluster), "controllerrevisions").attempt
    finally:
        cluster.delete(f"{path}/hostile")
    assert attempt.outcome == "complete", attempt.error
    found = store.connection.execute("SELECT data -> 'data' FROM k8s_controllerrevisions WHERE name = 'hostile'")
    assert found.fetchone() == ({"text": "1e-20000", "number": "<number out of range>", "one": 1},)


def test_an_object_whose_name_is_not_stored_whole_is_never_taken_for_gone(
    cluster: Cluster, context_of: ContextOf
) -> None:
    stored = LONG[:500] + "\ufffd"
    with Session(context_of(cluster)) as session, pytest.raises(Unnameable):
        is_gone(session, KINDS["roles"], "v1", namespace="shop", name=stored, uid="u", seconds=5)


@pytest.mark.parametrize("column", ["a\0b", "https://u:s3cret@host/", "\x1b[31m"])
def test_a_printer_column_of_any_name_fails_no_kind(
    cluster: Cluster, store: Store, context_of: ContextOf, column: str
) -> None:
    made = crd("oddities", "shop.example", kind="Oddity")
    made["spec"]["versions"][0]["additionalPrinterColumns"] = [
        {"name": column, "type": "string", "jsonPath": ".spec.x"},
        {"name": "path", "type": "string", "jsonPath": ".spec['a\0b']"},
    ]
    cluster.create(CRDS, made)
    path = "/apis/shop.example/v1/namespaces/shop/oddities"
    cluster.until_served(path)
    metadata = {"name": "odd"}
    cluster.create(path, {"apiVersion": "shop.example/v1", "kind": "Oddity", "metadata": metadata, "spec": {"x": "v"}})
    try:
        results = sync_with_custom_objects(store, context_of(cluster), "run", kinds=[])
    finally:
        cluster.delete(f"{CRDS}/oddities.shop.example")
    assert {result.attempt.outcome for result in results.values()} == {"complete"}
    found = store.connection.execute(
        "SELECT printer_columns, (SELECT array_agg(r::text) FROM k8s_sync_discoveries AS r)::text "
        "FROM k8s_custom_objects WHERE plural = 'oddities'"
    ).fetchone()
    assert found is not None
    assert "v" in found[0].values()
    assert "s3cret" not in str(found)
