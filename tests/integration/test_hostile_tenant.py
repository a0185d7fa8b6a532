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
from k8s_inventory.store import Store, statements
from k8s_inventory.sync import Result
from tests.cluster import Cluster, every_kind
from tests.cluster.objects import crd, pod
from tests.conftest import sync_with_custom_objects

Sync = Callable[..., Result]
ContextOf = Callable[..., Context]

LONG = "".join(random.Random(1).choices(string.ascii_lowercase, k=20_000))
"""No compression makes it fit into an index."""

PODS, CONFIG_MAPS = "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/configmaps"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
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
    "a name of a request": (
        "certificatesigningrequests",
        REQUESTS,
        {"metadata": {"name": LONG[:3000]}, "spec": every_kind.OBJECTS[REQUESTS]["waiting"]["spec"]},
    ),
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


def test_a_role_of_any_name_is_the_one_that_is_bound(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    """The API server bounds no name of RBAC; two may differ in their last characters alone."""
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    bindings = ROLES.replace("roles", "rolebindings")
    names = [f"{LONG[:3000]}{end}" for end in "ab"]
    for name, granted in zip(names, (rules, []), strict=True):
        cluster.create(ROLES, {"metadata": {"name": name}, "rules": granted})
        body = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": f"of-{name[-1]}"}],
        }
        cluster.create(bindings, body)
    try:
        for kind in ("roles", "rolebindings"):
            attempt = sync(context_of(cluster), kind).attempt
            assert attempt.outcome == "complete", attempt.error
    finally:
        for path in (ROLES, bindings):
            for name in names:
                cluster.delete(f"{path}/{name}")
    for table in ("k8s_roles", "k8s_rolebindings"):
        found = store.connection.execute(f"SELECT name FROM {table} WHERE name = ANY(%s) ORDER BY 1", [names])  # type: ignore[call-overload]
        assert found.fetchall() == [(name,) for name in names]
    granted = store.connection.execute(
        "SELECT source_name, role.name FROM k8s_edges JOIN k8s_roles AS role ON role.uid = target_uid "
        "WHERE relation = 'grants' AND source_name = ANY(%s) ORDER BY 1",
        [names],
    )
    assert granted.fetchall() == [(name, name) for name in names]
    query = (statements.FOLDER / "queries" / "rbac" / "who_can_read_secrets.sql").read_text()
    readers = str(store.connection.execute(query).fetchall())  # type: ignore[call-overload]
    assert "of-a" in readers
    assert "of-b" not in readers


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
