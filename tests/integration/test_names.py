"""Names that are chosen to be read as something else: as another path, another kind, another object."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kinds.custom import as_json, custom_kind
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.discovery import discover
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Custom, Result, Run, find_custom, sync_target
from tests.cluster import Cluster, Rejected
from tests.cluster.objects import crd, namespace
from tests.conftest import IMPATIENT
from tests.equality import query_rows, status_of
from tests.proxy import Answer, Proxy

Sync = Callable[..., Result]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
TO_SECRETS = "../../../../api/v1/namespaces/vault/secrets#"
PLANTED = "pl4nted-in-a-secret"
ENCODED = base64.b64encode(PLANTED.encode()).decode()
LOOTS = custom_kind(group="loot.example", version="v1", kind="Secret", plural="loots", namespaced=True)


@pytest.fixture(scope="module")
def vault(start_cluster: Callable[..., Cluster]) -> Cluster:
    """A Secret and a ConfigMap, and two kinds whose lists are called just as those of Secrets are."""
    cluster = start_cluster()
    cluster.create("/api/v1/namespaces", namespace("vault"))
    cluster.create("/api/v1/namespaces/vault/secrets", {"metadata": {"name": "db"}, "stringData": {"key": PLANTED}})
    cluster.create("/api/v1/namespaces/vault/configmaps", {"metadata": {"name": "db"}, "data": {"key": PLANTED}})
    for plural, group in (("loots", "loot.example"), ("secrets", "copy.example")):
        cluster.create(CRDS, crd(plural, group, kind="Secret"))
        cluster.until_served(f"/apis/{group}/v1/{plural}")
    return cluster


@pytest.fixture
def through(vault: Cluster) -> Iterator[Proxy]:
    with Proxy(vault) as proxy:
        yield proxy


def _find_and_sync(
    store: Store, context: Context, *include: str, run: str = "run", **settings: Any
) -> dict[str, Result]:
    chosen = Settings.load({})
    for name, value in settings.items():
        setattr(chosen, name, value)  # whatever the check of the settings says of it
    with Session(context, IMPATIENT) as session:
        _, kinds = find_custom(session, store, Custom(include or ("*",)), run=Run(run), settings=chosen)
        return {kind.name: sync_target(session, store, kind, run=Run(run), settings=chosen) for kind in kinds}


def _stored(store: Store) -> str:
    tables = [
        row["tablename"] for row in query_rows(store, "SELECT tablename FROM pg_tables WHERE tablename ~ '^k8s_'")
    ]
    return "".join(str(query_rows(store, f'SELECT stored::text FROM "{table}" AS stored')) for table in tables)


# -- as another path -------------------------------------------------------------------------------


def test_a_namespace_leads_nowhere_else(through: Proxy, store: Store) -> None:
    """The settings refuse each; here it got past them."""
    for name in (TO_SECRETS, "../secrets", "vault/secrets#", "..", ".", "vault%2Fsecrets", "%2e%2e"):
        result = _find_and_sync(store, through.context, "loots.loot.example", namespaces=[name])["loots.loot.example"]
        assert result.attempt.outcome == "failed"
        assert "not asked for" in str(result.attempt.error)
    assert not any("secrets" in path for path in through.requests)
    assert PLANTED not in _stored(store)
    assert ENCODED not in _stored(store)


def test_a_list_of_secrets_is_a_list_of_nothing_else(through: Proxy, vault: Cluster, store: Store) -> None:
    """Whatever it was that led there: the list of a custom kind may be called SecretList, but not be of `v1`."""
    through.spoil = lambda path, real: (
        real.with_json(vault.request("GET", "/api/v1/namespaces/vault/secrets")) if "/loots?" in path else None
    )
    result = _find_and_sync(store, through.context, "loots.loot.example")["loots.loot.example"]
    assert result.attempt.outcome == "failed"
    assert "asked for a SecretList of loot.example/v1, the answer is a SecretList of v1" in str(result.attempt.error)
    assert ENCODED not in _stored(store)


@pytest.mark.parametrize("said", [{"apiVersion": "v1", "kind": "Secret"}, {"kind": "Secret"}, {}])
def test_secrets_in_a_list_of_something_else_are_not_stored(
    through: Proxy, vault: Cluster, store: Store, said: dict[str, str]
) -> None:
    """As an aggregated API sends them that keeps copies: what says that it is a Secret of `v1` is refused, of what
    does not say so the data stays out."""
    secrets = [each | said for each in vault.list("/api/v1/namespaces/vault/secrets")]
    through.spoil = lambda path, real: real.with_json(real.json | {"items": secrets}) if "/loots?" in path else None
    result = _find_and_sync(store, through.context, "loots.loot.example")["loots.loot.example"]
    assert result.attempt.outcome == ("failed" if "apiVersion" in said else "complete")
    rows = query_rows(store, "SELECT name, data FROM k8s_custom_objects")
    assert rows == (
        [] if "apiVersion" in said else [{"name": "db", "data": {"type": "Opaque", "data": {"key": "<redacted>"}}}]
    )
    assert ENCODED not in _stored(store)


def test_copies_of_secrets_in_another_group_keep_their_data(vault: Cluster, store: Store, context_of: Any) -> None:
    path = "/apis/copy.example/v1/namespaces/vault/secrets"
    copy = {"apiVersion": "copy.example/v1", "kind": "Secret", "metadata": {"name": "db"}, "type": "Opaque"}
    wrapped = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"key": PLANTED}}
    vault.create(path, copy | {"data": {"key": ENCODED}, "spec": {"manifests": [wrapped], "size": 3}})
    results = _find_and_sync(store, context_of(vault), "*.copy.example")
    assert results["secrets.copy.example"].attempt.outcome == "complete"
    (row,) = query_rows(store, "SELECT spec, data FROM k8s_custom_objects")
    assert row["data"] == {"type": "Opaque", "data": {"key": "<redacted>"}}
    assert row["spec"] == {"manifests": [wrapped | {"stringData": {"key": "<redacted>"}}], "size": 3}
    assert PLANTED not in _stored(store)
    assert ENCODED not in _stored(store)


# -- as another kind -------------------------------------------------------------------------------


def _write_kinds(store: Store, *names: str) -> None:
    """Whoever may write into the database may write there which kinds a cluster has."""
    for name in names:
        store.connection.execute("INSERT INTO k8s_sync_targets (context_name, kind) VALUES ('proxied', %s)", [name])


def test_no_declared_kind_is_read_without_its_declaration(through: Proxy, store: Store) -> None:
    names = ("secrets.core", "configmaps.core", "pods.core", "deployments.apps")
    _write_kinds(store, *names)
    notes = []
    for name in names:
        plural, _, group = name.partition(".")
        kind, group = KINDS[plural], group.removesuffix("core")
        custom = custom_kind(group=group, version=kind.version, kind=kind.kind, plural=plural, namespaced=True)
        notes.append(as_json(custom))
    _find_and_sync(store, through.context, "nothings.shop.example", run="first")
    store.discovered(notes, run_id="noted", context_name="proxied")
    assert _find_and_sync(store, through.context, run="noted") == {}
    assert not any(f"/{name.partition('.')[0]}" in path for path in through.requests for name in names)
    assert PLANTED not in _stored(store)


def test_names_of_kinds_in_the_database_lead_nowhere_else(through: Proxy, store: Store) -> None:
    outcomes = {
        "loots/../../../../api/v1/namespaces/vault/secrets#.core": "failed",
        "..core": "failed",
        "x.../..": "failed",
        "secrets#.core": "absent",  # a name like any other: nothing is called so
        "loots?.a.b": "absent",
    }
    _write_kinds(store, *outcomes)
    results = _find_and_sync(store, through.context)
    assert {name: results[name].attempt.outcome for name in outcomes} == outcomes
    assert not any("/secrets" in path.replace("/secrets%23", "") for path in through.requests if "copy.ex" not in path)
    assert ENCODED not in _stored(store)


def test_what_is_no_note_of_discovery_is_asked_anew(through: Proxy, store: Store) -> None:
    note = as_json(LOOTS)
    _find_and_sync(store, through.context, "nothings.shop.example", run="first")
    for spoilt in (
        5,
        {},
        [5],
        [{}],
        [note | {"version": 1}],
        [note | {"group": None}],
        [note | {"printer_columns": [["one"]]}],
        [note | {"printer_columns": [[1, 2, 3]]}],
    ):
        store.discovered(spoilt, run_id="noted", context_name="proxied")
        through.requests.clear()
        found = _find_and_sync(store, through.context, run="noted")
        assert found.keys() == {"loots.loot.example", "secrets.copy.example"}, spoilt
        assert "/apis" in through.requests


@pytest.mark.parametrize(
    "named",
    [
        {"resource": "loots.loot", "responseKind": {"kind": "Secret"}},
        {"resource": "lo\0ts", "responseKind": {"kind": "Loot"}},
        {"resource": "..", "responseKind": {"kind": "Loot"}},
        {"resource": "new", "responseKind": {"kind": "Lo\0t"}},
        {"resource": "new", "responseKind": {"kind": ""}},
    ],
)
def test_what_can_be_no_kinds_name_fails_its_group_alone(through: Proxy, named: dict[str, Any]) -> None:
    def spoil(path: str, real: Answer) -> Answer | None:
        if path != "/apis":
            return None
        value = real.json
        resource = {**named, "scope": "Namespaced", "verbs": ["list"]}
        version = {"version": "v1", "resources": [resource], "freshness": "Current"}
        value["items"].append({"metadata": {"name": "odd.example"}, "versions": [version]})
        return real.with_json(value)

    through.spoil = spoil
    with Session(through.context, IMPATIENT) as session:
        found = discover(session)
    assert "can be no kind's name" in found.failed["odd.example"]
    assert found.kinds.keys() == {"loots.loot.example", "secrets.copy.example"}


# -- as another object -----------------------------------------------------------------------------

LABELLED = {"label_selectors": {"clusterroles": "tier=web"}}
ODD = [
    "a?b",
    "a#b",
    "a b",
    "a:b",
    "..x",
    "...",
    "ünï",
    "名前",
    "a\\b",
    "a\nb",
    "a;b&c=d+e",
    "a",
    "[a]{b}|c^d`e\"'<f>~!@$*,",
]
ALTERED = "a\0b"
"""PostgreSQL holds no U+0000: of this name another is stored."""


def _role(name: str, tier: str = "web") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"tier": tier}}, "rules": []}


@pytest.fixture
def roles(vault: Cluster) -> Iterator[Cluster]:
    for name in (*ODD, ALTERED):
        vault.create(ROLES, _role(name))
    yield vault
    for name in (*ODD, ALTERED):
        with suppress(Rejected):  # a test may have done it
            vault.request("DELETE", f"{ROLES}/{quote(name, safe='')}")


def _roles(store: Store) -> set[str]:
    return {row["name"] for row in query_rows(store, "SELECT name FROM k8s_clusterroles WHERE labels ? 'tier'")}


def test_whatever_an_object_is_called_only_its_own_absence_deletes_it(
    roles: Cluster, store: Store, sync: Sync, context_of: Callable[..., Context]
) -> None:
    context = context_of(roles)
    sync(context, "clusterroles")
    everything = {*ODD, "a\ufffdb"}
    assert _roles(store) == everything
    for name in (*ODD, ALTERED):
        roles.request("PUT", f"{ROLES}/{quote(name, safe='')}", _role(name, "none"))
    result = sync(context, "clusterroles", **LABELLED)
    assert (result.attempt.outcome, result.attempt.deleted) == ("complete", 0)
    assert _roles(store) == everything, "they have only left the selection"
    assert "whether 1 stored objects are gone could not be confirmed" in str(result.attempt.warning)
    assert "its name could not be stored as it is" in str(result.attempt.warning)
    for name in (*ODD, ALTERED):
        roles.request("DELETE", f"{ROLES}/{quote(name, safe='')}")
    assert sync(context, "clusterroles", **LABELLED).attempt.deleted == len(ODD)
    assert _roles(store) == {"a\ufffdb"}
    assert sync(context, "clusterroles").attempt.deleted == 1, "the list of all proves it"


def test_what_can_not_be_named_stays(roles: Cluster, through: Proxy, store: Store, sync: Sync) -> None:
    """Kubernetes itself lets none of these be made; another server may, and a list that it sends is a list."""
    names = {"a%2fb", "100%", "a/b", "../clusterrolebindings/a", ".", "..", "a%3Fb"}

    def with_them(path: str, real: Answer) -> Answer | None:
        if "/clusterroles?" not in path:
            return None
        items = [_role(name) for name in names]
        for number, item in enumerate(items):
            item["metadata"] |= {"uid": f"odd-{number}", "resourceVersion": "1"}
        return real.with_json(real.json | {"items": [*real.json["items"], *items]})

    through.spoil = with_them
    sync(through.context, "clusterroles")
    through.spoil = lambda path, real: None
    through.requests.clear()
    result = sync(through.context, "clusterroles", **LABELLED)
    assert (result.attempt.outcome, result.attempt.deleted) == ("complete", 0)
    assert names <= _roles(store)
    warning = str(status_of(store, "clusterroles", context="proxied")["warning"])
    assert f"whether {len(names)} stored objects are gone could not be confirmed" in warning
    assert "not asked for" in warning
    assert [path for path in through.requests if "/rbac.authorization.k8s.io/" in path] == through.lists("clusterroles")


def test_an_object_of_a_custom_kind_is_confirmed_by_its_group(
    vault: Cluster, store: Store, context_of: Callable[..., Context]
) -> None:
    path = "/apis/loot.example/v1/namespaces/vault/loots"
    for name in ("left", "gone"):
        body = {
            "apiVersion": "loot.example/v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"tier": "web"}},
        }
        vault.create(path, body)
    selected = {"label_selectors": {"loots.loot.example": "tier=web"}}
    _find_and_sync(store, context_of(vault), "loots.loot.example")
    vault.patch(f"{path}/left", {"metadata": {"labels": {"tier": "none"}}})
    vault.delete(f"{path}/gone")
    result = _find_and_sync(store, context_of(vault), "loots.loot.example", **selected)["loots.loot.example"]
    vault.delete(f"{path}/left")
    assert (result.attempt.outcome, result.attempt.deleted, result.attempt.warning) == ("complete", 1, None)
    assert [row["name"] for row in query_rows(store, "SELECT name FROM k8s_custom_objects")] == ["left"]


def test_what_the_api_server_says_of_an_object_that_is_not_there(vault: Cluster) -> None:
    """What proof rests on: it names the object, its plural and its group; and `%2F` is a slash to it."""
    for path, details in (
        (f"{ROLES}/no%3Fpe", {"name": "no?pe", "kind": "clusterroles", "group": "rbac.authorization.k8s.io"}),
        ("/api/v1/namespaces/vault/pods/nope", {"name": "nope", "kind": "pods"}),
        (f"{ROLES}/no%2Fpe", {}),
        ("/api/v1/namespaces/vault%2Fsecrets/nope", {"name": "nope", "kind": "secrets"}),
    ):
        with pytest.raises(Rejected) as raised:
            vault.request("GET", path)
        assert raised.value.status == 404
        assert json.loads(str(raised.value).partition(": ")[2])["details"] == details
