"""What is stored of secrets: by default what the table of plants says, with `privacy=strict` nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from k8s_inventory.collector.redaction.strict import OF_ANY_KIND, OF_DECLARED_KINDS
from k8s_inventory.kinds import KINDS, TABLES
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.store import Store, statements
from k8s_inventory.sync import Result, refresh_crd_views
from tests.cluster import Cluster, kubeconfig
from tests.cluster.objects import pod
from tests.cluster.planted import APPLICATIONS, NAMESPACE, PLANTED_KEY, PLANTS, make_planted
from tests.conftest import sync_with_custom_objects
from tests.equality import status_of
from tests.integration.test_cloudquery_source import read, source
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
SHOWN = {plant.secret for plant in PLANTS if plant.shows}
HIDDEN = {plant.secret for plant in PLANTS if not plant.shows} | {PLANTED_KEY}
OF_SERVER = "pl4nted-server"


@pytest.fixture(scope="module")
def vault(start_cluster: Callable[..., Cluster]) -> Cluster:
    """A cluster with all that `PLANTS` has."""
    cluster = start_cluster()
    make_planted(cluster)
    return cluster


@pytest.fixture
def config(vault: Cluster, tmp_path: Path) -> Path:
    """A kubeconfig whose server's URL has userinfo."""
    path = tmp_path / "config"
    path.write_text(kubeconfig({"vault": vault}).replace("https://", f"https://user:{OF_SERVER}@"))
    return path


def found_in(text: str) -> set[str]:
    return {secret for secret in (*SHOWN, *HIDDEN, OF_SERVER) if secret in text}


def named(secrets: set[str]) -> list[str]:
    """Which plants these are, for people."""
    return [f"{plant.path} {plant.place}: {plant.value}" for plant in PLANTS if plant.secret in secrets]


def everything(store: Store) -> str:
    """All tables and views, as text."""
    query = (
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
        "AND relkind IN ('r', 'v') ORDER BY 1"
    )
    names = [row[0] for row in store.connection.execute(query)]
    assert {"k8s_pods", "k8s_sync_runs", "k8s_sync_contexts", "k8s_clusters"} <= set(names)
    return "\n".join(str(store.connection.execute(f"SELECT t::text FROM {name} t").fetchall()) for name in names)  # type: ignore[call-overload]


# -- what shows ------------------------------------------------------------------------------------


def test_plants_show_as_the_table_says_and_nowhere_once_strict_was_switched_on(
    config: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    context = kubeconfig_contexts(str(config))["vault"]
    results = sync_with_custom_objects(store, context, "default")
    assert {each.attempt.outcome for each in results.values()} == {"complete"}
    refresh_crd_views(store)
    stored = found_in(everything(store))
    assert (named(stored - SHOWN), named(SHOWN - stored)) == ([], [])
    assert store.connection.execute("SELECT DISTINCT server FROM k8s_clusters").fetchall() == [
        (f"https://<redacted>@{_address(config)}",)
    ]
    _check_counts(store, results)

    results = sync_with_custom_objects(store, context, "strict", privacy="strict")
    assert {each.attempt.outcome for each in results.values()} == {"complete"}
    refresh_crd_views(store)
    assert named(found_in(everything(store))) == []
    assert not found_in(everything(store))
    _check_counts(store, results)
    assert not found_in(caplog.text), "in the log"


def _address(config: Path) -> str:
    return config.read_text().split("@")[1].split()[0]


def _check_counts(store: Store, results: Mapping[str, Result]) -> None:
    """`redacted` is how often it stands in the rows, and rows of all objects were written."""
    for kind in TABLES:
        columns = ", ' ', ".join(f"{name}::text" for name in (*kind.rest, "labels", "annotations"))
        query = f"SELECT count(*) FROM {kind.table}, regexp_matches(concat({columns}), '<redacted>', 'g')"
        (stored,) = store.connection.execute(query).fetchone() or (0,)  # type: ignore[call-overload]
        of_kind = [each for name, each in results.items() if name == kind.name or (kind.shared_by and "." in name)]
        assert (kind.name, sum(each.attempt.redacted for each in of_kind)) == (kind.name, stored)
    counted = status_of(store, "pods", context="vault")["redacted"]
    assert counted == results["pods"].attempt.redacted > 0


@pytest.mark.parametrize(("privacy", "expected"), [("default", SHOWN), ("strict", set())])
def test_rows_for_cloudquery_show_the_same(config: Path, privacy: str, expected: set[str]) -> None:
    targets = read(source(config, privacy=privacy))
    assert not any(problem for problem, _ in targets.values())
    assert {"pods", "applications.argoproj.io"} <= {kind for _, kind in targets}
    found = found_in(str(targets).replace("\\\\", "\\").replace("\\n", "\n"))
    assert (named(found - expected), named(expected - found)) == ([], [])


def test_nothing_changed_redacts_nothing(config: Path, vault: Cluster, store: Store, sync: Sync) -> None:
    context = kubeconfig_contexts(str(config))["vault"]
    assert sync(context, "pods").attempt.redacted > 0
    assert sync(context, "pods").attempt.redacted == 0
    by_namespace = sync(context, "pods", namespaces=NAMESPACE, verify=True).attempt
    assert by_namespace.redacted == sync(context, "pods", verify=True).attempt.redacted > 0


# -- what strict leaves ----------------------------------------------------------------------------

FREE_TEXT = {
    "k8s_deviceclasses.selectors",
    "k8s_events.message",
    "k8s_ingresses.rules",
    "k8s_leases.holder_identity",
    "k8s_persistentvolumes.csi_volume_handle",
    "k8s_priorityclasses.class_description",
}
"""The typed columns that strict changes for objects of every kind."""


def test_strict_leaves_typed_columns_and_relations(cluster: Cluster, store: Store, context_of: Any) -> None:
    """But for those that hold free text, for objects of every kind."""
    context = context_of(cluster)
    sync_with_custom_objects(store, context, "default")
    before, edges = _typed(store), _edges(store)
    sync_with_custom_objects(store, context, "strict", privacy="strict")
    after = _typed(store)
    changed = {f"{table}.{name}" for (table, name), values in before.items() if after[table, name] != values}
    assert changed - {"k8s_leases.resource_version", "k8s_leases.renew_time"} == FREE_TEXT
    assert _edges(store) == edges
    assert len(edges) > 10


def _typed(store: Store) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    left_out = ("annotations", "spec", "status", "data", "printer_columns")
    return {
        (kind.table, column.name): store.connection.execute(
            f'SELECT uid, "{column.name}"::text FROM {kind.table} ORDER BY uid'  # type: ignore[call-overload]
        ).fetchall()
        for kind in TABLES
        for column in kind.columns
        if column.name not in left_out
    }


def _edges(store: Store) -> set[tuple[Any, ...]]:
    return set(store.connection.execute("SELECT * FROM k8s_edges").fetchall())


def test_the_lists_of_strict_are_fields_that_there_are_and_have_every_enumeration(cluster: Cluster) -> None:
    """By the API server's own schema of each declared kind."""
    leaves = set(_leaves(cluster))
    words = [word for word in OF_DECLARED_KINDS.split() if "." not in word]
    assert set(words) - {name for name, _ in leaves} == set()
    kept = {*words, *OF_ANY_KIND.split()}
    words_by_convention = {"action", "reason"}
    of_holders = {"source", "allocatedResourceStatuses"}  # config.source, allocatedResourceStatuses.*
    enumerations = {name for name, is_enumeration in leaves if is_enumeration and not name.endswith("Name")}
    assert enumerations - kept == words_by_convention | of_holders


def _leaves(cluster: Cluster) -> Iterator[tuple[str, bool]]:
    """Names of the fields that hold text, and whether it is an enumeration."""
    for path in cluster.request("GET", "/openapi/v3")["paths"]:
        schemas = cluster.request("GET", f"/openapi/v3/{path}").get("components", {}).get("schemas", {})
        for kind in KINDS.values():
            for name, schema in schemas.items():
                if {"group": kind.group, "kind": kind.kind, "version": kind.version} in schema.get(
                    "x-kubernetes-group-version-kind", ()
                ):
                    yield from sorted(_texts(schema, schemas, "", frozenset({name})))


def _texts(schema: Any, schemas: Any, field: str, seen: frozenset[str]) -> set[tuple[str, bool]]:
    reference = schema.get("$ref") or next((each.get("$ref") for each in schema.get("allOf", ())), None)
    if reference:
        name = reference.rsplit("/", 1)[1]
        return set() if name in seen else _texts(schemas[name], schemas, field, seen | {name})
    if "items" in schema:
        return _texts(schema["items"], schemas, field, seen)
    found: set[tuple[str, bool]] = set()
    for name, inner in schema.get("properties", {}).items():
        found |= _texts(inner, schemas, name, seen)
    if isinstance(inner := schema.get("additionalProperties"), dict):
        found |= _texts(inner, schemas, field, seen)
    if schema.get("type") == "string" or "oneOf" in schema:
        found.add((field, "enum" in schema))
    return found


# -- messages, URLs of servers, what was stored before ---------------------------------------------


def test_what_a_server_says_is_stored_without_credentials(proxy: Proxy, store: Store, sync: Sync) -> None:
    said = f"see https://u:{OF_SERVER}@host.example, password={OF_SERVER} and Authorization: Bearer {OF_SERVER}9"
    status = json.dumps({"kind": "Status", "code": 403, "message": said}).encode()
    proxy.spoil = lambda path, real: Answer(403, status) if "/pods" in path else None
    error = str(sync(proxy.context, "pods").attempt.error)
    assert "see https://<redacted>@host.example, password=<redacted>" in error
    assert OF_SERVER not in error + everything(store)


def test_the_urls_of_a_server_and_of_its_proxy_are_shown_without_userinfo(store: Store, sync: Sync) -> None:
    for cluster in (
        {"server": f"https://user:{OF_SERVER}@127.0.0.1:1"},
        {"server": "https://127.0.0.1:1", "proxy-url": f"http://user:{OF_SERVER}@127.0.0.1:1"},
    ):
        content = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        }
        result = sync(Context(name="test", kubeconfig=content, context="c"), "pods")
        assert result.attempt.outcome == "unreachable"
        assert "127.0.0.1:1 does not answer" in str(result.attempt.error)
        assert OF_SERVER not in str(result.attempt.error)
    assert OF_SERVER not in everything(store)


@pytest.mark.parametrize(
    "sent",
    [
        rb"https:\/\/user:pl4nted@host.example\/",
        rb"https:\u002f\u002Fuser:pl4nted@host.example",
        rb"https\u003A//user:pl4nted\u0040host.example",
        rb"https://user\u003apl4nted@host.example",
        rb"https://DOMAIN\\user:pl4nted@host.example",
        rb"https://user:\u003cpl4nted\u0026@host.example",
    ],
)
@pytest.mark.parametrize("drop_labels", [None, ["x"]])
def test_a_url_loses_its_userinfo_however_it_is_written(
    cluster: Cluster, proxy: Proxy, store: Store, sync: Sync, sent: bytes, drop_labels: Any
) -> None:
    body = pod("written", hostname="placeholder", containers=[{"name": "c", "image": "i", "args": ["PLACEHOLDER"]}])
    cluster.create("/api/v1/namespaces/shop/pods", body)
    proxy.spoil = lambda path, real: Answer(
        real.status, real.body.replace(b"PLACEHOLDER", sent).replace(b'"placeholder"', b'"' + sent + b'"'), real.headers
    )
    assert sync(proxy.context, "pods", drop_labels=drop_labels).attempt.outcome == "complete"
    cluster.delete("/api/v1/namespaces/shop/pods/written")
    row = store.connection.execute(
        "SELECT spec #>> '{containers,0,args,0}', spec ->> 'hostname' FROM k8s_pods WHERE name = 'written'"
    ).fetchone()
    assert row is not None
    assert {each.rstrip("/") for each in row} == {"https://<redacted>@host.example"}
    assert "pl4nted" not in everything(store)


def test_an_upgrade_takes_userinfo_out_of_what_is_stored(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = statements.migrations()
    with Store.connect(database_url) as store:
        monkeypatch.setattr(statements, "migrations", lambda: known[:5])
        monkeypatch.setattr("k8s_inventory.store.database.make_partitions", lambda connection: None)  # of later ones
        store.migrate([])
        monkeypatch.undo()
        said = "context a: https://u:pl4nted@host.example:6443 does not answer, nor https://one.example/a@b"
        store.connection.execute(
            "INSERT INTO k8s_sync_contexts (context_name, server) VALUES ('a', 'https://u:pl4nted@host.example:6443'), "
            "('b', 'https://host.example:6443')"
        )
        store.connection.execute(
            "INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, error) VALUES ('r', 1, 'a', 'pods', %s)",
            [said],
        )
        store.migrate()
        servers = store.connection.execute("SELECT server FROM k8s_clusters ORDER BY context_name").fetchall()
        assert servers == [("https://<redacted>@host.example:6443",), ("https://host.example:6443",)]
        (error,) = store.connection.execute("SELECT error FROM k8s_sync_runs").fetchone() or ("",)
        assert error == said.replace("u:pl4nted", "<redacted>")
        assert store.connection.execute("SELECT redacted FROM k8s_sync_runs").fetchall() == [(None,)]
        assert "pl4nted" not in everything(store)


def test_a_printer_column_shows_what_is_kept(config: Path, vault: Cluster, store: Store) -> None:
    sync_with_custom_objects(store, kubeconfig_contexts(str(config))["vault"], "strict", kinds=(), privacy="strict")
    query = (
        "SELECT printer_columns, spec #>> '{source,helm,parameters,0,name}' FROM k8s_custom_objects WHERE plural = %s"
    )
    assert store.connection.execute(query, [APPLICATIONS.rsplit("/", 1)[1]]).fetchall() == [
        ({"Password": "<redacted>"}, "image.tag")
    ]
