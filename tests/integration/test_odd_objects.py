"""Objects that an API server may hold and a database may choke on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.objects import crd, cron_job, deployment, job, pod, service
from tests.conftest import sync_with_custom_objects
from tests.equality import assert_table_equals_cluster
from tests.proxy import Answer, Proxy

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PODS = "/api/v1/namespaces/shop/pods"
Sync = Callable[..., Result]
ContextOf = Callable[..., Context]


@pytest.fixture
def odd(cluster: Cluster) -> Callable[[str, dict[str, str]], None]:
    """Makes a pod with these annotations, and removes it after the test."""
    made: list[str] = []

    def make(name: str, annotations: dict[str, str]) -> None:
        body = pod(name)
        body["metadata"]["annotations"] = annotations
        cluster.create(PODS, body)
        made.append(name)

    yield make  # type: ignore[misc]
    for name in made:
        cluster.delete(f"{PODS}/{name}")


def stored_annotations(store: Store, name: str) -> object:
    row = store.connection.execute("SELECT annotations FROM k8s_pods WHERE name = %s", [name]).fetchone()
    return row and row[0]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a\0b", "a\ufffdb"),
        ("\0\0", "\ufffd\ufffd"),
        ("C:\\u0000", "C:\\u0000"),
        ("C:\\\0", "C:\\\ufffd"),
        ('tab\tnew\nline\\N quote" \x01 \x7f', 'tab\tnew\nline\\N quote" \x01 \x7f'),
        ("😀 é 漢", "😀 é 漢"),
        ("<redacted>", "<redacted>"),
        ("'); DROP TABLE k8s_pods; --", "'); DROP TABLE k8s_pods; --"),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("%(context_name)s", "%(context_name)s"),
    ],
)
def test_strange_text_is_stored_as_it_is_but_for_what_postgresql_refuses(
    cluster: Cluster,
    store: Store,
    sync: Sync,
    context_of: ContextOf,
    odd: Callable[[str, dict[str, str]], None],
    sent: str,
    stored: str,
) -> None:
    odd("odd", {"text": sent})
    assert sync(context_of(cluster), "pods").attempt.outcome == "complete"
    assert stored_annotations(store, "odd") == {"text": stored}
    assert sync(context_of(cluster), "pods").attempt.changed == 0


@pytest.mark.parametrize(
    ("escaped", "stored"),
    [
        (rb"\ud800", "\ufffd"),
        (rb"\udc00\ud800", "\ufffd\ufffd"),
        (rb"x\uD83Dy", "x\ufffdy"),
        (rb"\ud83d\ude00", "😀"),
        (rb"\\ud800", "\\ud800"),
    ],
)
def test_lone_surrogates_become_the_replacement_character(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, escaped: bytes, stored: str
) -> None:
    """Go's encoder sends none; other API servers may."""
    cluster.patch(f"{PODS}/web-0", {"metadata": {"annotations": {"text": "PLACEHOLDER"}}})
    proxy.spoil = lambda path, real: Answer(real.status, real.body.replace(b"PLACEHOLDER", escaped), real.headers)
    assert sync(proxy.context, "pods").attempt.outcome == "complete"
    assert stored_annotations(store, "web-0") == {"text": stored}


def test_very_large_fields_are_stored(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    big = crd("bigs", "shop.example")
    schema = big["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"] = {"spec": {"type": "object", "description": "x" * 1_000_000}}
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", big)
    assert sync(context_of(cluster), "crds").attempt.outcome == "complete"
    row = store.connection.execute(
        "SELECT octet_length(spec::text) FROM k8s_custom_resources WHERE plural = 'bigs'"
    ).fetchone()
    assert row is not None
    assert row[0] > 1_000_000
    cluster.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bigs.shop.example")


@pytest.mark.parametrize("version", ["", "abc", "12345678901234567890123"])
def test_odd_resource_versions_are_never_taken_for_unchanged(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, version: str
) -> None:
    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        value = real.json
        value["items"][0]["metadata"]["resourceVersion"] = version
        value["items"][0]["metadata"]["labels"] = {"now": labels[-1]}
        return real.with_json(value)

    proxy.spoil = spoil
    labels = ["one"]
    sync(proxy.context, "pods")
    if version == "":
        labels.append("two")  # nothing but the content changed
    result = sync(proxy.context, "pods")
    assert result.attempt.outcome == "complete"
    stored = store.connection.execute("SELECT labels ->> 'now' FROM k8s_pods WHERE labels ? 'now'").fetchall()
    assert stored == [(labels[-1],)]


def test_a_list_with_an_odd_revision_writes_what_differs(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync
) -> None:
    """Where the list's own revision proves nothing, equal versions prove nothing either."""
    sync(proxy.context, "pods")
    store.connection.execute("UPDATE k8s_pods SET labels = '{}'")

    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        value = real.json
        value["metadata"]["resourceVersion"] = "not-a-number"
        return real.with_json(value)

    proxy.spoil = spoil
    sync(proxy.context, "pods")
    assert_table_equals_cluster(store, cluster, "pods", context="proxied")


def test_null_where_an_object_could_be_reads_as_nothing(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync
) -> None:
    def spoil(path: str, real: Answer) -> Answer | None:
        if "/pods?" not in path:
            return None
        value = real.json
        first = value["items"][0]
        first["metadata"] |= {"labels": None, "ownerReferences": None, "finalizers": None, "creationTimestamp": None}
        first["spec"] = {"containers": None, "initContainers": None}
        first["status"] = None
        return real.with_json(value | {"items": [first]})

    proxy.spoil = spoil
    assert sync(proxy.context, "pods").attempt.outcome == "complete"
    row = store.connection.execute(
        "SELECT labels, owner_references, finalizers, images, status, container_count, display_status FROM k8s_pods"
    ).fetchone()
    assert row == ({}, [], [], [], None, 0, None)


def test_last_applied_and_managed_fields_are_stored_nowhere(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    key = "kubectl.kubernetes.io/last-applied-configuration"
    secret = json.dumps({"data": {"password": "cGxhbnRlZA"}})
    body = deployment("applied")
    body["metadata"]["annotations"] = {key: secret, "kept": "yes"}
    body["spec"]["template"]["metadata"]["annotations"] = {key: secret, "kept": "too"}
    cluster.create("/apis/apps/v1/namespaces/shop/deployments", body)
    sync(context_of(cluster), "deployments")
    row = store.connection.execute(
        "SELECT annotations, spec, d::text FROM k8s_deployments d WHERE name = 'applied'"
    ).fetchone()
    assert row is not None
    assert row[0] == {"kept": "yes"}
    assert row[1]["template"]["metadata"]["annotations"] == {"kept": "too"}
    assert "cGxhbnRlZA" not in row[2]
    assert "managedFields" not in row[2]
    cluster.delete("/apis/apps/v1/namespaces/shop/deployments/applied")


@pytest.mark.parametrize("where", ["containers", "initContainers"])
def test_literal_environment_values_are_redacted_and_references_kept(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, where: str
) -> None:
    reference = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    env = [{"name": "PASSWORD", "value": "pl4nted"}, reference, {"name": "EMPTY"}]
    container = {"name": "c", "image": "i", "env": env}
    spec = {"containers": [{"name": "main", "image": "i"}]} | {where: [container]}
    cluster.create(PODS, pod("with-env", **spec))
    sync(context_of(cluster), "pods")
    row = store.connection.execute("SELECT spec, p::text FROM k8s_pods p WHERE name = 'with-env'").fetchone()
    assert row is not None
    assert row[0][where][0]["env"] == [{"name": "PASSWORD", "value": "<redacted>"}, reference, {"name": "EMPTY"}]
    assert "pl4nted" not in row[1]
    cluster.delete(f"{PODS}/with-env")


def test_equal_environments_are_each_redacted_and_equal_text_elsewhere_is_kept(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    env = [{"name": "ndots", "value": "5"}]
    containers = [{"name": name, "image": "i", "env": env} for name in ("a", "b", "c", "d")]
    cluster.create(
        PODS, pod("equal", containers=containers[1:], initContainers=containers[:1], dnsConfig={"options": env})
    )
    sync(context_of(cluster), "pods")
    cluster.delete(f"{PODS}/equal")
    row = store.connection.execute("SELECT spec FROM k8s_pods WHERE name = 'equal'").fetchone()
    assert row is not None
    everywhere = [*row[0]["containers"], *row[0]["initContainers"]]
    assert [each["env"] for each in everywhere] == [[{"name": "ndots", "value": "<redacted>"}]] * 4
    assert row[0]["dnsConfig"]["options"] == env


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("apps/v1", "deployments"),
        ("apps/v1", "replicasets"),
        ("apps/v1", "statefulsets"),
        ("apps/v1", "daemonsets"),
        ("batch/v1", "jobs"),
        ("batch/v1", "cronjobs"),
    ],
)
def test_the_environment_of_every_pod_template_is_redacted(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf, path: str, kind: str
) -> None:
    env = [{"name": "PASSWORD", "value": "pl4nted"}, {"name": "LINES", "value": 'pl4nted\nwith "quotes"'}]
    make = {"jobs": job, "cronjobs": cron_job}.get(kind, deployment)
    body = make("with-env")
    template = body["spec"]["jobTemplate"]["spec"] if kind == "cronjobs" else body["spec"]
    pod_spec = template["template"]["spec"]
    pod_spec["containers"][0]["env"] = env
    pod_spec["initContainers"] = [{"name": "first", "image": "i", "env": env}]
    where = f"/apis/{path}/namespaces/shop/{kind}"
    cluster.create(where, body)
    sync(context_of(cluster), kind)
    cluster.delete(f"{where}/with-env")
    row = store.connection.execute(f"SELECT t::text FROM k8s_{kind} t WHERE name = 'with-env'").fetchone()  # type: ignore[arg-type]
    assert row is not None
    assert row[0].count("<redacted>") == 4
    assert "pl4nted" not in row[0]


def test_names_that_look_like_sql_or_templates(
    cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf
) -> None:
    context = context_of(cluster, name="prod'; DROP TABLE k8s_services; -- {{ 1 }} %s")
    cluster.create("/api/v1/namespaces/shop/services", service("plain"))
    assert sync(context, "services").attempt.outcome == "complete"
    assert_table_equals_cluster(store, cluster, "services", context=context.name)
    cluster.delete("/api/v1/namespaces/shop/services/plain")


def test_a_sum_beyond_its_column_is_null(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    most = 2**31 - 1
    for name, restarts in (("many", most), ("few", 1)):
        made = cluster.create(PODS, pod(name))
        made["status"] = {
            "phase": "Running",
            "containerStatuses": [
                {"name": each, "image": "i", "imageID": "", "ready": True, "restartCount": restarts}
                for each in ("main", "other")
            ],
        }
        cluster.replace_status(f"{PODS}/{name}", made)
    result = sync(context_of(cluster), "pods")
    for name in ("many", "few"):
        cluster.delete(f"{PODS}/{name}")
    assert (result.attempt.outcome, result.attempt.error) == ("complete", None)
    query = "SELECT name, restarts, status #>> '{containerStatuses,0,restartCount}' FROM k8s_pods WHERE name = ANY(%s)"
    rows = store.connection.execute(query, [["many", "few"]]).fetchall()
    assert sorted(rows) == [("few", 2, "1"), ("many", None, str(most))]
    assert "1 objects (first pods shop/many) hold values that a column can not hold" in str(result.attempt.warning)


def test_an_object_of_any_depth_is_a_row(cluster: Cluster, store: Store, context_of: ContextOf) -> None:
    """A page each: what one step of many can just read is too deep for the next, which is called from further down."""
    cluster.create(CRDS, crd("wells", "deep.example"))
    wells = "/apis/deep.example/v1/namespaces/shop/wells"
    cluster.until_served(wells)
    levels = [500, *range(880, 1000), 1500, 9000]
    for each in levels:
        head = f'{{"apiVersion":"deep.example/v1","kind":"Well","metadata":{{"name":"well-{each}"}},"spec":'
        cluster.create(wells, (head + '{"a":' * each + '{"env":{"A":"pl4nted"}}' + "}" * each + "}").encode())
    steps: list[dict[str, object]] = [{}, {"privacy": "strict"}, {"verify": True}]
    for number, settings in enumerate(steps):
        results = sync_with_custom_objects(store, context_of(cluster), f"run-{number}", (), page_size=1, **settings)
        result = results["wells.deep.example"]
        assert (result.attempt.outcome, result.attempt.error) == ("complete", None)
        rows = store.connection.execute("SELECT spec::text FROM k8s_custom_objects WHERE plural = 'wells'").fetchall()
        assert len(rows) == len(levels)
        assert "pl4nted" not in str(rows)


def test_revisions_of_any_form_are_rows(cluster: Cluster, store: Store, sync: Sync, context_of: ContextOf) -> None:
    """As LeaderWorkerSet, SidecarSet and KubeVirt keep them, and as anybody may."""
    revisions = "/apis/apps/v1/namespaces/shop/controllerrevisions"
    containers = [{"name": "a", "image": "i", "env": [{"name": "TOKEN", "value": "pl4nted"}]}]
    secret = {"kind": "Secret", "data": {"password": "pl4nted"}}
    forms = [
        {"spec": {"template": {"$patch": "replace", "spec": {"containers": containers}}}},
        {"spec": {"leaderWorkerTemplate": {"workerTemplate": {"spec": {"containers": containers}}}}},
        {"spec": {"containers": containers}},
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "object": secret, "text": json.dumps(secret)},
        {"spec": {"template": "v1.2.3"}},
        {"spec": [1, 2]},
        {"spec": {"template": {"spec": {"containers": {"a": {"image": "i", "env": {"TOKEN": "pl4nted"}}}}}}},
        {"spec": {"template": None}},
    ]
    for index, form in enumerate(forms):
        cluster.create(revisions, {"metadata": {"name": f"form-{index}"}, "revision": 1, "data": form})
    result = sync(context_of(cluster), "controllerrevisions")
    for index in range(len(forms)):
        cluster.delete(f"{revisions}/form-{index}")
    assert (result.attempt.outcome, result.attempt.error) == ("complete", None)
    rows = dict(store.connection.execute("SELECT name, data::text FROM k8s_controllerrevisions").fetchall())
    assert {f"form-{index}" for index in range(len(forms))} <= rows.keys()
    assert "pl4nted" not in str(rows)
    assert result.attempt.redacted == sum(each.count("<redacted>") for each in rows.values())
