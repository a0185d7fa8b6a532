"""Objects and definitions that a tenant of a real API server may make: they cost bounded time and memory, their rows
are stored as far as they can be, and no other row is lost for them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.apart import Apart, sync_apart
from tests.cluster import Cluster
from tests.cluster.objects import Object, crd, namespace, pod
from tests.conftest import context_to, sync_with_custom_objects
from tests.equality import assert_table_equals_cluster

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "hostile.example"
MEGABYTES = 120
Sync = Callable[..., Result]
Column = tuple[str, str, str]

NAME = ("Name", "string", ".metadata.name")
DEEP = [("Deep", "string", "..a..a..a..a"), ("Nowhere", "string", "..a..a..a..b"), ("Last", "string", ".metadata.name")]
MANY = [(f"Column {number}", "string", ".spec.big") for number in range(1000)]
ODD = [
    ("Long", "string", "." + "a" * 200_000),
    ("Quotes", "string", ".spec" + "['a']" * 150),
    ("Unfinished", "string", ".spec['" + "a\\\\" * 450),
    ("Union", "string", ".spec[" + "a," * 450 + "["),
    ("Filter", "string", ".spec[?(@" + " <" * 200 + " " * 200 + "x\ny)]"),
    ("Nowhere", "string", ".spec.list[::0]"),
    ("Backwards", "string", ".spec.list[3:1]"),
    ("Far", "string", ".spec.list[99999999999999999999:999999999999999999999999]"),
    ("Whole", "integer", ".spec.number"),
    ("L" * 2000, "string", ".metadata.name"),
]


def nested(levels: int, of: bytes = b"1") -> bytes:
    return b'{"a":' * levels + of + b"}" * levels


@pytest.fixture(scope="module")
def hostile(start_cluster: Callable[..., Cluster], tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Each definition has the objects that are worst for it, and one of the usual kind."""
    cluster = start_cluster()
    cluster.create("/api/v1/namespaces", namespace("tenant"))
    _define(cluster, "deeps", [NAME, *DEEP])
    _define(cluster, "manies", [NAME, *MANY])
    _define(cluster, "odds", [NAME, *ODD])
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    for name, spec, noted in (
        ("chain", nested(240, b'{"c":[' + b'{"a":1},' * 500 + b'{"a":1}]}'), {}),
        ("deeper", nested(600), applied),
        ("deepest", nested(9000), {}),
        ("usual", nested(3), {}),
    ):
        _make(cluster, "deeps", name, spec, noted)
    _make(cluster, "manies", "big", json.dumps({"big": "x" * 1_000_000}).encode())
    _make(cluster, "manies", "small", b'{"big":"x"}')
    _make(cluster, "odds", "odd", b'{"list":[1,2,3],"number":1e300,"size":1}')
    return cluster


def _define(cluster: Cluster, plural: str, columns: list[Column]) -> None:
    definition = crd(plural, GROUP)
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = [
        {"name": name, "type": openapi_type, "jsonPath": path} for name, openapi_type, path in columns
    ]
    cluster.create(CRDS, definition)
    cluster.until_served(f"/apis/{GROUP}/v1/namespaces/tenant/{plural}")


def _make(cluster: Cluster, plural: str, name: str, spec: bytes, annotations: dict[str, str] | None = None) -> None:
    """As bytes: what is nested so deeply nothing here could write down."""
    kind = crd(plural, GROUP)["spec"]["names"]["kind"]
    metadata = json.dumps({"name": name, "annotations": annotations or {}}).encode()
    head = f'{{"apiVersion":"{GROUP}/v1","kind":"{kind}","metadata":'.encode()
    path = f"/apis/{GROUP}/v1/namespaces/tenant/{plural}"
    cluster.create(path, head + metadata + b',"spec":' + spec + b"}")


@pytest.fixture
def apart(
    hostile: Cluster, store: Store, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Apart]:
    content = context_to(hostile, folder=tmp_path_factory.mktemp("hostile"))

    def run(kind: str, **settings: Any) -> Apart:
        return sync_apart(content, kind, database_url, **settings)

    return run


def _printed(store: Store, plural: str) -> dict[str, dict[str, Any]]:
    query = "SELECT name, printer_columns FROM k8s_custom_objects WHERE plural = %s"
    return dict(store.connection.execute(query, [plural]).fetchall())


def test_columns_at_any_depth(apart: Callable[..., Apart], store: Store) -> None:
    """443 bytes of a CRD took three gigabytes."""
    done = apart(f"deeps.{GROUP}")
    assert (done.outcome, done.objects) == ("complete", 4)
    assert done.megabytes < MEGABYTES
    assert done.seconds < 20
    printed = _printed(store, "deeps")
    assert printed["usual"] == {"Name": "usual", "Deep": None, "Nowhere": None, "Last": "usual"}
    assert printed["chain"]["Name"] == "chain"
    assert printed["chain"]["Deep"] is not None, "the first that there is is found at once"
    assert printed["chain"]["Nowhere"] is None
    assert printed["chain"]["Last"] is None, "what comes after the bound is null"
    assert "K8S_MAX_PRINTER_VALUES" in str(done.warning)
    assert "deeps.hostile.example tenant/chain" in str(done.warning)


def test_a_thousand_columns_of_a_megabyte(apart: Callable[..., Apart], store: Store) -> None:
    done = apart(f"manies.{GROUP}")
    assert (done.outcome, done.objects) == ("complete", 2)
    assert done.megabytes < MEGABYTES
    printed = _printed(store, "manies")
    assert printed["big"]["Name"] == "big"
    assert set(printed["big"].values()) == {"big", None}
    assert set(printed["small"].values()) == {"small", "x"}
    assert len(printed["small"]) == 100
    assert "K8S_MAX_PRINTER_COLUMNS" in str(done.warning)
    assert "1 objects (first manies.hostile.example tenant/big)" in str(done.warning)
    assert apart(f"manies.{GROUP}", max_printer_columns=1000).outcome == "complete"
    assert len(_printed(store, "manies")["small"]) == 1000, "who wants them all may have them"


def test_paths_that_are_odd_in_every_way(apart: Callable[..., Apart], store: Store) -> None:
    start = time.monotonic()
    done = apart(f"odds.{GROUP}")
    assert time.monotonic() - start < 20
    assert (done.outcome, done.objects) == ("complete", 1)
    assert done.megabytes < MEGABYTES
    shown = _printed(store, "odds")["odd"]
    assert shown.pop("Name") == "odd"
    assert shown.pop("Whole") == int(1e300)
    assert set(shown.values()) == {None}
    assert all(len(name) < 300 for name in shown)
    assert len(str(done.warning)) < 3000
    assert "it has more than 1000 characters" in str(done.warning)


def test_objects_that_are_nested_without_end(apart: Callable[..., Apart], store: Store) -> None:
    """What no decoder takes is replaced, and said; the object has its row, and so have all others."""
    done = apart(f"deeps.{GROUP}")
    assert done.outcome == "complete"
    assert "nested too deeply" in str(done.warning)
    assert "first deeps.hostile.example tenant/deep" in str(done.warning)
    found = dict(store.connection.execute("SELECT name, spec::text FROM k8s_custom_objects").fetchall())
    assert "<nested too deeply>" in found["deepest"]
    assert "<nested too deeply>" not in found["usual"]
    again = apart(f"deeps.{GROUP}")
    assert (again.outcome, again.warning) == ("complete", None), "nothing was written this time"


def test_such_objects_keep_no_other_kind_from_being_complete(
    hostile: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    results = sync_with_custom_objects(store, context_of(hostile), "all", kinds=[])
    assert {name: each.attempt.outcome for name, each in results.items() if name.endswith(GROUP)} == {
        f"{plural}.{GROUP}": "complete" for plural in ("deeps", "manies", "odds")
    }


@pytest.fixture
def made(cluster: Cluster) -> Callable[[str, Object], None]:
    """Makes an object of the shared cluster, and removes it after the test."""
    paths: list[str] = []

    def make(path: str, body: Object) -> None:
        cluster.create(path, body)
        paths.append(f"{path}/{body['metadata']['name']}")

    yield make  # type: ignore[misc]
    for path in paths:
        cluster.delete(path)


def test_many_containers_of_many_environments(
    cluster: Cluster, store: Store, sync: Sync, context_of: Callable[..., Context], made: Callable[[str, Object], None]
) -> None:
    """Each of them was looked for in all of the pod."""
    containers = [
        {"name": f"c{number}", "image": "i", "env": [{"name": "PASSWORD", "value": f"pl4nted-{number}"}]}
        for number in range(3000)
    ]
    made("/api/v1/namespaces/shop/pods", pod("crowded", containers=containers))
    start = time.process_time()
    assert sync(context_of(cluster), "pods").attempt.outcome == "complete"
    assert time.process_time() - start < 1
    row = store.connection.execute("SELECT p::text FROM k8s_pods p WHERE name = 'crowded'").fetchone()
    assert row is not None
    assert row[0].count("<redacted>") == 3000
    assert "pl4nted" not in row[0]
    assert_table_equals_cluster(store, cluster, "pods")


def test_endpoints_of_every_address_with_every_port(
    cluster: Cluster, sync: Sync, context_of: Callable[..., Context], made: Callable[[str, Object], None], store: Store
) -> None:
    addresses = [{"ip": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"} for number in range(6000)]
    ports = [{"name": f"p{number}", "port": number + 1} for number in range(6000)]
    body = {"metadata": {"name": "crossed"}, "subsets": [{"addresses": addresses, "ports": ports}]}
    made("/api/v1/namespaces/shop/endpoints", body)
    assert sync(context_of(cluster), "endpoints").attempt.outcome == "complete"
    found = store.connection.execute(
        "SELECT cardinality(addresses) FROM k8s_endpoints WHERE name = 'crossed'"
    ).fetchone()
    assert found == (10_000,)
