"""Kinds that nobody declared: custom resources of every sort, as the API server serves them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from k8s_inventory.kinds import CUSTOM_OBJECTS, PrinterColumn
from k8s_inventory.kinds.custom import as_json, custom_kind_named, from_json
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.discovery import discover
from k8s_inventory.kube.session import JSON, Session
from k8s_inventory.outcome import Outcome, Verdict
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom, sync_target
from tests.cluster import Cluster
from tests.cluster.cluster import User
from tests.cluster.objects import Object, crd, namespace
from tests.conftest import IMPATIENT
from tests.equality import TABLE, status_of
from tests.proxy import Answer, Proxy

PLANTED = "pl4nted-in-custom"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COLUMNS = [
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
    ("Size", "integer", ".spec.size"),
    ("Ratio", "number", ".spec.ratio"),
    ("On", "boolean", ".spec.on"),
    ("Hosts", "string", ".spec.hosts"),
    ("First", "string", ".spec.hosts[0]"),
    ("Map", "string", ".spec.map"),
    ("Label", "string", r".metadata.labels.shop\.example/tier"),
    ("Wrong", "integer", ".spec.hosts"),
    ("Number", "string", ".spec.size"),
    ("Flag", "string", ".spec.on"),
    ("Port", "string", ".spec.port"),
    ("Empty", "string", ".spec.hosts[]"),
    ("Some", "string", ".spec['none', 'size']"),
    ("Elements", "string", ".spec.hosts[1,0]"),
    ("Nested", "string", ".spec['map.k']"),
    ("Escaped", "string", r".metadata.labels['shop\.example/tier']"),
    ("Beyond", "string", ".spec.hosts[7]"),
]
HIDDEN = [("Token", "string", ".env[0].value")]
DATES = [("Since", "date", ".spec.since"), ("Age", "date", ".metadata.creationTimestamp")]
Find = Callable[..., tuple[Result, dict[str, Result]]]


def _columns(columns: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind, "jsonPath": path} for name, kind, path in columns]


def _with_versions(definition: Object, **of_versions: dict[str, Any]) -> Object:
    (template,) = definition["spec"]["versions"]
    definition["spec"]["versions"] = [{**template, "name": name, **given} for name, given in of_versions.items()]
    return definition


@pytest.fixture(scope="module")
def shop(start_cluster: Callable[..., Cluster]) -> Cluster:
    """Custom resources: rich in columns, of several versions, cluster-wide, without schema, alike in two groups."""
    cluster = start_cluster(users=[READER])
    cluster.create("/api/v1/namespaces", namespace("shop"))
    widgets = crd("widgets", "shop.example")
    widgets["spec"]["versions"][0]["additionalPrinterColumns"] = _columns(COLUMNS + DATES + HIDDEN)
    widgets["spec"]["names"]["listKind"] = "ManyWidgets"
    old = {"served": True, "storage": False, "deprecated": True}
    gadgets = _with_versions(crd("gadgets", "shop.example", scope="Cluster"), v2={}, v1beta1=old)
    for definition in (widgets, gadgets, crd("widgets", "other.example"), crd("nothings", "shop.example")):
        cluster.create(CRDS, definition)
    cluster.until_served("/apis/shop.example/v1/namespaces/shop/widgets")
    cluster.until_served("/apis/other.example/v1/widgets")
    cluster.until_served("/apis/shop.example/v2/gadgets")
    for path, body in OBJECTS:
        cluster.create(path, body)
    cluster.grant(READER, [{"apiGroups": ["*"], "resources": ["gadgets"], "verbs": ["list"]}])
    return cluster


READER = User("reader")
WIDGETS = "/apis/shop.example/v1/namespaces/shop/widgets"
_NESTED: Any = "end"
for _ in range(200):
    _NESTED = {"in": _NESTED}
OBJECTS: list[tuple[str, Object]] = [
    (
        WIDGETS,
        {
            "apiVersion": "shop.example/v1",
            "kind": "Widget",
            "metadata": {
                "name": "full",
                "labels": {"shop.example/tier": "web"},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": PLANTED},
            },
            "spec": {
                "size": 3,
                "ratio": 0.5,
                "on": True,
                "hosts": ["a", "b"],
                "map": {"k": [1, {"x": None}]},
                "since": "2026-01-02T03:04:05Z",
                "port": 8080,
                "template": {"spec": {"containers": [{"name": "c", "env": [{"name": "TOKEN", "value": PLANTED}]}]}},
            },
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            "env": [{"name": "TOKEN", "value": PLANTED}, {"name": "EMPTY"}],
            "extra": {"select": "'; DROP TABLE k8s_pods; --"},
        },
    ),
    (WIDGETS, {"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "bare"}}),
    (
        WIDGETS,
        {
            "apiVersion": "shop.example/v1",
            "kind": "Widget",
            "metadata": {"name": "odd"},
            "spec": ["no", "object"],
            "status": "text",
            "printerColumns": {"mine": 1},
        },
    ),
    (
        WIDGETS,
        {"apiVersion": "shop.example/v1", "kind": "Widget", "metadata": {"name": "deep"}, "spec": {"in": _NESTED}},
    ),
    ("/apis/shop.example/v2/gadgets", {"apiVersion": "shop.example/v2", "kind": "Gadget", "metadata": {"name": "g"}}),
    (
        "/apis/other.example/v1/namespaces/shop/widgets",
        {"apiVersion": "other.example/v1", "kind": "Widget", "metadata": {"name": "full"}},
    ),
]


@pytest.fixture
def find(store: Store) -> Find:
    """Discovers the kinds that patterns take, and syncs each."""
    counter = iter(range(1, 100))

    def run(context: Context, *include: str, exclude: tuple[str, ...] = ()) -> tuple[Result, dict[str, Result]]:
        chosen, settings = Run(f"custom-{next(counter)}"), Settings.load({"page_size": 2})
        with Session(context, IMPATIENT) as session:
            custom = Custom(include or ("*",), exclude)
            result, kinds = find_custom(session, store, custom, run=chosen, settings=settings)
            return result, {
                kind.name: sync_target(session, store, kind, run=chosen, settings=settings) for kind in kinds
            }

    return run


def _one_of_a_new_kind(cluster: Cluster, plural: str, group: str) -> None:
    definition = cluster.create(CRDS, crd(plural, group))
    path = f"/apis/{group}/v1/namespaces/shop/{plural}"
    cluster.until_served(path)
    kind = definition["spec"]["names"]["kind"]
    cluster.create(path, {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "one"}})


def _rows(store: Store, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    query = f'SELECT {columns} FROM k8s_custom_objects WHERE {where} ORDER BY plural, "group", name'
    return store.connection.execute(query).fetchall()  # type: ignore[arg-type]


def test_every_custom_object_is_stored_once(
    shop: Cluster, find: Find, context_of: Callable[..., Context], store: Store
) -> None:
    discovery, results = find(context_of(shop))
    assert discovery.attempt.outcome == "complete"
    assert {name: (each.attempt.outcome, each.attempt.objects) for name, each in results.items()} == {
        "gadgets.shop.example": ("complete", 1),
        "nothings.shop.example": ("complete", 0),
        "widgets.other.example": ("complete", 1),
        "widgets.shop.example": ("complete", 4),
    }
    assert _rows(store, 'plural, "group", kind, version, api_version, name, namespace') == [
        ("gadgets", "shop.example", "Gadget", "v2", "shop.example/v2", "g", None),
        ("widgets", "other.example", "Widget", "v1", "other.example/v1", "full", "shop"),
        *(
            ("widgets", "shop.example", "Widget", "v1", "shop.example/v1", name, "shop")
            for name in ("bare", "deep", "full", "odd")
        ),
    ]
    for name, spec, status, data in _rows(store, "name, spec, status, data", "\"group\" = 'shop.example'"):
        live = next(each for path, each in OBJECTS if each["metadata"]["name"] == name and "shop.example" in path)
        rest = {key: value for key, value in live.items() if key not in ("apiVersion", "kind", "metadata")}
        wanted = json.loads(json.dumps(rest).replace(f'"value": "{PLANTED}"', '"value": "<redacted>"'))
        assert spec == wanted.pop("spec", None)
        assert status == wanted.pop("status", None)
        assert data == wanted
    assert status_of(store, "custom")["objects"] == 4
    _, results = find(context_of(shop))
    assert all(each.attempt.changed == each.attempt.deleted == 0 for each in results.values())


def test_one_view_holds_all_objects(
    shop: Cluster, find: Find, sync: Callable[..., Result], context_of: Callable[..., Context], store: Store
) -> None:
    find(context_of(shop))
    sync(context_of(shop), "namespaces")
    sync(context_of(shop), "crds")
    query = 'SELECT kind, "group", plural, count(*)::integer FROM k8s_objects GROUP BY 1, 2, 3 ORDER BY 1, 2'
    assert store.connection.execute(query).fetchall() == [
        ("CustomResourceDefinition", "apiextensions.k8s.io", "customresourcedefinitions", 4),
        ("Gadget", "shop.example", "gadgets", 1),
        ("Namespace", "", "namespaces", len(shop.list("/api/v1/namespaces"))),
        ("Widget", "other.example", "widgets", 1),
        ("Widget", "shop.example", "widgets", 4),
    ]
    labels = store.connection.execute("SELECT labels FROM k8s_objects WHERE name = 'full' AND labels <> '{}'")
    assert labels.fetchall() == [({"shop.example/tier": "web"},)]


def test_nothing_planted_is_stored(shop: Cluster, find: Find, context_of: Callable[..., Context], store: Store) -> None:
    find(context_of(shop))
    text = str(_rows(store, "k8s_custom_objects::text"))
    assert PLANTED not in text
    assert "<redacted>" in text


def test_printer_columns_are_those_of_the_api_server(
    shop: Cluster, find: Find, context_of: Callable[..., Context], store: Store
) -> None:
    find(context_of(shop))
    table = shop.request("GET", WIDGETS, accept=TABLE)
    titles = [column["name"] for column in table["columnDefinitions"]]
    stored = dict(_rows(store, "name, printer_columns", "\"group\" = 'shop.example' AND plural = 'widgets'"))
    assert len(table["rows"]) == len(stored) == 4
    for row in table["rows"]:
        cells = dict(zip(titles, row["cells"], strict=True))
        mine = stored[cells.pop("Name")]
        for name, _, _ in COLUMNS:
            assert mine[name] == cells[name], (name, mine, cells)
    assert stored["full"]["Token"] == "<redacted>"
    assert stored["full"]["Since"] == "2026-01-02T03:04:05Z"
    assert stored["bare"]["Since"] is None
    assert stored["bare"]["Age"].endswith("Z")


def test_a_crd_that_is_gone_takes_its_rows_with_it_and_no_others(
    shop: Cluster, find: Find, context_of: Callable[..., Context], store: Store
) -> None:
    _one_of_a_new_kind(shop, "passings", "gone.example")
    find(context_of(shop))
    assert len(_rows(store, "name")) == 7
    shop.delete(f"{CRDS}/passings.gone.example")
    for _ in range(300):
        _, results = find(context_of(shop))
        gone = results["passings.gone.example"].attempt
        if gone.outcome == "absent":
            break
        assert len(_rows(store, "name")) == 7, "rows went without proof"
        time.sleep(0.1)
    assert (gone.outcome, gone.deleted) == ("absent", 1), gone
    assert len(_rows(store, "name")) == 6
    _, results = find(context_of(shop))
    assert "passings.gone.example" not in results, "what is proven to be gone is not asked for again"


def test_a_crd_that_serves_no_version_keeps_its_rows(
    shop: Cluster, find: Find, context_of: Callable[..., Context], store: Store
) -> None:
    _one_of_a_new_kind(shop, "hiddens", "hidden.example")
    find(context_of(shop), "*.hidden.example")
    definition = shop.request("GET", f"{CRDS}/hiddens.hidden.example")
    definition["spec"]["versions"][0]["served"] = False
    shop.request("PUT", f"{CRDS}/hiddens.hidden.example", definition)
    for _ in range(300):
        _, results = find(context_of(shop), "*.hidden.example")
        if results["hiddens.hidden.example"].attempt.outcome != "complete":
            break
        time.sleep(0.1)
    time.sleep(2)  # for its APIService to go, too
    _, results = find(context_of(shop), "*.hidden.example")
    assert results["hiddens.hidden.example"].attempt.outcome == "failed"
    assert len(_rows(store, "name")) == 1
    shop.delete(f"{CRDS}/hiddens.hidden.example")


def test_each_kind_has_its_own_outcome(
    shop: Cluster, find: Find, context_of: Callable[..., Context], store: Store
) -> None:
    find(context_of(shop))
    discovery, results = find(context_of(shop, user=READER))
    assert discovery.attempt.outcome == "complete"
    outcomes = {name: each.attempt.outcome for name, each in results.items()}
    assert outcomes["gadgets.shop.example"] == "complete"
    assert outcomes["widgets.shop.example"] == outcomes["widgets.other.example"] == "forbidden"
    assert len(_rows(store, "name")) == 6


def test_an_aggregated_api_that_is_down_fails_alone(
    shop: Cluster, find: Find, context_of: Callable[..., Context]
) -> None:
    path = "/apis/apiregistration.k8s.io/v1/apiservices"
    spec = {"group": "down.example", "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 10}
    spec |= {"service": {"name": "nowhere", "namespace": "shop"}, "insecureSkipTLSVerify": True}
    shop.create(path, {"metadata": {"name": "v1.down.example"}, "spec": spec})
    try:
        for _ in range(300):
            discovery, results = find(context_of(shop))
            if discovery.attempt.outcome == "failed":
                break
            time.sleep(0.1)
        assert discovery.attempt.outcome == "failed"
        assert "down.example" in str(discovery.attempt.error)
        assert all(each.attempt.outcome == "complete" for each in results.values())
        excluded, _ = find(context_of(shop), exclude=("*.down.example",))
        assert excluded.attempt.outcome == "complete"
    finally:
        shop.delete(f"{path}/v1.down.example")


def test_discovery_of_old_clusters_finds_the_same(
    shop: Cluster, context_of: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 1.26 there is no aggregated discovery; asked for plain JSON, every API server answers as they do."""
    with Session(context_of(shop), IMPATIENT) as session:
        aggregated = discover(session)
        monkeypatch.setattr("k8s_inventory.kube.discovery._AGGREGATED", JSON)
        classic = discover(session)
    assert classic.kinds == aggregated.kinds
    assert {kind.version for kind in classic.kinds.values() if kind.plural == "gadgets"} == {"v2"}
    assert len(classic.kinds) >= 4


def test_objects_without_a_uid_are_unsupported_and_no_failure(
    shop: Cluster, context_of: Callable[..., Context], store: Store
) -> None:
    """As an aggregated API serves metrics. The proxy stands for one: here is none to be had."""

    def without_uid(path: str, real: Answer) -> Answer | None:
        if "/gadgets?" not in path:
            return None
        value = real.json
        del value["items"][0]["metadata"]["uid"]
        return real.with_json(value)

    with Proxy(shop) as proxy:
        proxy.spoil = without_uid
        with Session(proxy.context, IMPATIENT) as session:
            chosen, settings = Run("metrics"), Settings.load({})
            custom = Custom(("gadgets.shop.example",))
            _, (kind,) = find_custom(session, store, custom, run=chosen, settings=settings)
            result = sync_target(session, store, kind, run=chosen, settings=settings)
    assert result.attempt.outcome == "unsupported"
    assert "without a uid" in str(result.attempt.error)
    assert Outcome.UNSUPPORTED.verdict(named=False) is Verdict.SKIP
    assert Outcome.UNSUPPORTED.verdict(named=True) is Verdict.FAIL


def test_what_is_asked_for_by_name_and_is_not_there_is_absent(
    shop: Cluster, find: Find, context_of: Callable[..., Context]
) -> None:
    _, results = find(context_of(shop), "certificates.cert-manager.io")
    assert results["certificates.cert-manager.io"].attempt.outcome == "absent"


def test_a_changed_definition_rewrites_the_rows(
    shop: Cluster, find: Find, context_of: Callable[..., Context], store: Store
) -> None:
    find(context_of(shop))
    definition = shop.request("GET", f"{CRDS}/gadgets.shop.example")
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = _columns([("Called", "string", ".metadata.name")])
    shop.request("PUT", f"{CRDS}/gadgets.shop.example", definition)
    _, results = find(context_of(shop), "gadgets.shop.example")
    assert results["gadgets.shop.example"].attempt.changed == 1
    assert _rows(store, "printer_columns", "plural = 'gadgets'") == [({"Called": "g"},)]


def test_a_run_discovers_a_context_once(shop: Cluster, store: Store) -> None:
    asked: list[str] = []

    def note(path: str, real: Answer) -> Answer | None:
        asked.append(path.partition("?")[0])
        return None

    def found(run: str, *include: str) -> set[str]:
        with Proxy(shop) as proxy:
            proxy.spoil = note
            with Session(proxy.context, IMPATIENT) as session:
                settings = Settings.load({})
                result, kinds = find_custom(session, store, Custom(include), run=Run(run), settings=settings)
        assert result.attempt.outcome == "complete"
        assert result.attempt.objects == len(kinds)
        return {kind.name for kind in kinds}

    whole = found("one", "*")
    assert (asked.count("/apis"), asked.count(CRDS)) == (2, 4), "two looks, each at their names, and the CRDs twice"
    asked.clear()
    assert found("one", "widgets.*") == {"widgets.shop.example", "widgets.other.example"}
    assert found("one", "gadgets.shop.example", "nothings.nowhere.example") == {
        "gadgets.shop.example",
        "nothings.nowhere.example",
    }
    assert {"/apis", CRDS}.isdisjoint(asked)
    assert found("two", "*") == whole
    assert "/apis" in asked, "another run asks anew"
    store.connection.execute("UPDATE k8s_sync_discoveries SET discovered_at = now() - interval '1 day'")
    asked.clear()
    found("two", "*")
    assert "/apis" in asked, "so does one that is run again long after"


def test_a_kind_survives_the_database() -> None:
    columns = (PrinterColumn("Age", "date", ".metadata.creationTimestamp"),)
    kind = replace(custom_kind_named("a.b.example"), printer_columns=columns, revision="u/1", listed_as="As")
    assert from_json(json.loads(json.dumps(as_json(kind)))) == kind


def test_the_table_holds_what_its_kinds_share() -> None:
    assert CUSTOM_OBJECTS.shared_by == ("group", "plural")
