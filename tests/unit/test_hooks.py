"""Airflow connections: what their fields say, as JSON and as a URI, in which everything is text."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _quiet_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Airflow sets up the logging of the whole process when it is imported."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path_factory.getbasetemp() / "airflow"))
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize(
    ("given", "verifies"),
    [("False", True), ("false", True), ("0", True), ("", True), ("True", False), ("true", False), ("1", False)],
)
@pytest.mark.parametrize("prefix", ["", "extra__kubernetes__"])
def test_a_flag_in_a_uri_means_what_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, verifies: bool, prefix: str
) -> None:
    from k8s_inventory.hooks.clusters import ClusterHook

    query = f"{prefix}disable_verify_ssl={given}&in_cluster=False&kube_config_path=%2Fnowhere"
    monkeypatch.setenv("AIRFLOW_CONN_HERE", f"kubernetes://?{query}")
    found = ClusterHook(conn_id="here").context()
    assert (found.problem, found.verify_tls, found.in_cluster) == (None, verifies, False)


@pytest.mark.parametrize("field", ["disable_verify_ssl", "in_cluster"])
@pytest.mark.parametrize("value", ["maybe", "Flase", 2, [], {"a": 1}])
def test_a_flag_that_is_none_is_the_problem_of_its_context(
    monkeypatch: pytest.MonkeyPatch, field: str, value: object
) -> None:
    from k8s_inventory.hooks.clusters import ClusterHook

    extra = {"kube_config_path": "/nowhere", field: value or "none"}
    monkeypatch.setenv("AIRFLOW_CONN_HERE", json.dumps({"conn_type": "kubernetes", "extra": extra}))
    assert ClusterHook(conn_id="here").context().problem == f"connection here: {field} must be true or false"


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"kube_config_path": ["/a"]}, "connection here: kube_config_path must be text"),
        ({"kube_config_path": 5}, "connection here: kube_config_path must be text"),
        ({"kube_config": {"contexts": []}, "cluster_context": ["a"]}, "connection here: cluster_context must be text"),
        ({"in_cluster": True, "cluster_context": 5}, "connection here: cluster_context must be text"),
        ([1], "connection here: its extra must be an object of JSON"),
        ('"text"', "connection here: its extra must be an object of JSON"),
    ],
)
def test_what_a_connection_can_not_hold_is_the_problem_of_its_context(
    monkeypatch: pytest.MonkeyPatch, extra: object, problem: str
) -> None:
    from k8s_inventory.hooks.clusters import ClusterHook

    monkeypatch.setenv("AIRFLOW_CONN_HERE", json.dumps({"conn_type": "kubernetes", "extra": extra}))
    assert ClusterHook(conn_id="here").context().problem == problem


def test_the_kubeconfig_of_a_connection_is_not_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from k8s_inventory.hooks.clusters import ClusterHook
    from k8s_inventory.kube.errors import ContextError

    extra = {"kube_config_path": str(tmp_path / "nowhere"), "cluster_context": "c"}
    monkeypatch.setenv("AIRFLOW_CONN_HERE", json.dumps({"conn_type": "kubernetes", "extra": extra}))
    with pytest.raises(ContextError, match=r"context here: .*no kubeconfig at /\S+/nowhere$"):
        ClusterHook(conn_id="here").context().client(seconds=1)


def test_a_secrets_backend_that_does_not_answer_is_asked_again_by_the_next_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from k8s_inventory.hooks.clusters import ClusterHook
    from k8s_inventory.kube.errors import ContextError

    def refuse(*_: object) -> None:
        raise TimeoutError("s3cret")

    monkeypatch.setattr(ClusterHook, "get_connection", refuse)
    with pytest.raises(ContextError, match=r"can not look up the connection 'here' now \(TimeoutError\)") as raised:
        ClusterHook(conn_id="here").context().client()
    assert raised.value.retryable
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(("given", "said"), [("false", "Connection refused"), ("perhaps", "iam must be true or false")])
def test_a_flag_of_the_database_means_what_it_says(monkeypatch: pytest.MonkeyPatch, given: str, said: str) -> None:
    from k8s_inventory.hooks.inventory import InventoryHook
    from k8s_inventory.settings import Settings
    from k8s_inventory.store import StoreError

    monkeypatch.setenv("AIRFLOW_CONN_K8S_INVENTORY", f"postgres://u:s3cret@127.0.0.1:1/d?iam={given}")
    with pytest.raises(StoreError, match=said) as refused:
        InventoryHook(Settings.load()).store()
    assert "s3cret" not in str(refused.value)


def test_the_hook_gives_a_client_of_the_library_that_asks_as_the_connection_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from kubernetes.client import Configuration, VersionApi

    from k8s_inventory.hooks.clusters import ClusterHook
    from tests.listener import Authority, Listener

    authority = Authority()
    with Listener(tmp_path, authority) as listener:
        (tmp_path / "ca.crt").write_bytes(authority.certificate)
        user = {"token": "s3cret-of-the-user", "as": "jane", "as-groups": ["a", "b"]}
        content = {
            "clusters": [
                {"name": "c", "cluster": {"server": listener.url, "certificate-authority": str(tmp_path / "ca.crt")}}
            ],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
        extra = {"kube_config": json.dumps(content), "cluster_context": "c"}
        monkeypatch.setenv("AIRFLOW_CONN_HERE", json.dumps({"conn_type": "kubernetes", "extra": extra}))
        monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:1")  # not for this machine
        client = ClusterHook(conn_id="here").get_conn()
        assert VersionApi(client).get_code(_request_timeout=5).git_version == "v1.36.0"
        who = ("authorization: Bearer s3cret-of-the-user", *(f"impersonate-group: {each}" for each in "ab"))
        assert listener.asked == [(*who, "impersonate-user: jane")]
        assert "s3cret" not in str(vars(client.configuration))
    assert Configuration.get_default_copy().host != listener.url


def test_where_there_is_no_kubeconfig_connections_are_named_to_airflow_alone(tmp_path: Path) -> None:
    from k8s_inventory.hooks.contexts import contexts
    from k8s_inventory.kube.errors import KubeconfigError
    from k8s_inventory.settings import Settings
    from k8s_inventory.sync.configured import configured_contexts

    settings = Settings.load({"kubeconfig": str(tmp_path / "nowhere")})
    with pytest.raises(
        KubeconfigError, match="nowhere: set KUBECONFIG, or name Airflow connections of type kubernetes"
    ):
        contexts(settings)
    with pytest.raises(KubeconfigError, match="nowhere: set KUBECONFIG$"):
        configured_contexts(settings)


@pytest.mark.parametrize("cursor", ["dictcursor", "namedtuplecursor", "realdictcursor", "DictCursor", "none of these"])
def test_the_rows_of_a_connection_are_ours_whatever_kind_it_has_for_others(
    monkeypatch: pytest.MonkeyPatch, database_url: str, cursor: str
) -> None:
    from psycopg.conninfo import conninfo_to_dict

    from k8s_inventory.hooks.inventory import InventoryHook
    from k8s_inventory.settings import Settings

    parts = conninfo_to_dict(database_url)
    fields = {"host": parts["host"], "login": parts["user"], "schema": parts["dbname"], "extra": {"cursor": cursor}}
    monkeypatch.setenv("AIRFLOW_CONN_K8S_INVENTORY", json.dumps({"conn_type": "postgres", **fields}))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with InventoryHook(Settings.load()).store() as store:
        assert store.connection.execute("SELECT 1, 2").fetchone() == (1, 2)
        assert store.rows("schema_state")


@pytest.mark.parametrize("given", [0, "0", 1, "5", None, "", "None"])
def test_however_soon_a_connection_prepares_statements_ours_run(
    monkeypatch: pytest.MonkeyPatch, database_url: str, given: object
) -> None:
    """Of psycopg's parameters, the one that people set for their poolers; in a URI all is text."""
    from psycopg.conninfo import conninfo_to_dict

    from k8s_inventory.hooks.inventory import InventoryHook
    from k8s_inventory.settings import Settings

    parts = conninfo_to_dict(database_url)
    fields = {"host": parts["host"], "login": parts["user"], "schema": parts["dbname"]}
    extra = {"prepare_threshold": given}
    monkeypatch.setenv("AIRFLOW_CONN_K8S_INVENTORY", json.dumps({"conn_type": "postgres", **fields, "extra": extra}))
    with InventoryHook(Settings.load()).store() as store:
        assert store.migrate()
        for _ in range(8):
            store.check_schema()


def test_a_connection_that_says_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from k8s_inventory.hooks.inventory import InventoryHook
    from k8s_inventory.settings import Settings
    from k8s_inventory.store import StoreError

    monkeypatch.setenv("AIRFLOW_CONN_K8S_INVENTORY", "postgres://u:s3cret@127.0.0.1:1/d?prepare_threshold=soon")
    with pytest.raises(StoreError, match="'k8s_inventory': prepare_threshold must be a number or null"):
        InventoryHook(Settings.load()).store()


@pytest.mark.parametrize(
    ("base_url", "begins"),
    [
        (None, "/dags/"),
        ("", "/dags/"),
        ("https://data.example/airflow", "https://data.example/airflow/dags/"),
        ("https://data.example/airflow/", "https://data.example/airflow/dags/"),
        ("http://localhost:8080", "http://localhost:8080/dags/"),
    ],
)
def test_the_link_to_the_report_is_where_airflow_is(
    monkeypatch: pytest.MonkeyPatch, base_url: str | None, begins: str
) -> None:
    from types import SimpleNamespace
    from typing import Any

    from k8s_inventory.operators.sync import ReportLink

    if base_url is not None:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    operator: Any = None
    for run_id, quoted in (("manual__1+00:00", "manual__1+00:00"), ("a b/c#d?%", "a%20b%2Fc%23d%3F%25")):
        link = ReportLink().get_link(operator, ti_key=SimpleNamespace(dag_id="k8s_inventory", run_id=run_id))
        assert link == f"{begins}k8s_inventory/runs/{quoted}/tasks/report"


def test_every_field_of_the_form_takes_what_is_typed() -> None:
    """Airflow makes a list of `examples` or `enum` from which alone one may pick."""
    from k8s_inventory.operators.params import run_params

    for name, param in run_params().items():
        assert not param.schema.keys() & {"examples", "enum"}, name
        assert param.resolve() is None
        if "array" in param.schema["type"]:
            assert param.resolve([]) == []
            assert param.resolve(["anything at all"]) == ["anything at all"]


def test_the_documentation_of_the_dags_is_for_their_users(monkeypatch: pytest.MonkeyPatch) -> None:
    from k8s_inventory.operators.about import about_following, about_forgetting, about_inventory
    from k8s_inventory.outcome import Outcome
    from k8s_inventory.settings import per_run_settings

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://data.example/airflow")
    text = about_inventory(inventory="one", forget="other")
    for name in (*per_run_settings(), *Outcome):
        assert f"| `{name}` | " in text
    assert "(https://data.example/airflow/dags/other)" in text
    assert "(https://data.example/airflow/dags/one/runs)" in text
    assert "(https://data.example/airflow/dags/one)" in about_forgetting(inventory="one")
    for mode in ("incremental", "watch"):
        text = about_following(inventory="one", mode=mode)
        assert "(https://data.example/airflow/dags/one)" in text
        assert f"| `{Outcome.BUSY}` | " in text
        for name in per_run_settings():
            assert f"| `{name}` | " in text
