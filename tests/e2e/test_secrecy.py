"""What is planted where secrets are shows nowhere; and of Secrets nothing but metadata crosses the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import User
from tests.cluster.objects import crd, cron_job, deployment, namespace, pod
from tests.e2e.airflow_home import AirflowHome

READER = User("inventory", ("system:masters",))
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "RequestResponse", "users": [READER.name]}, {"level": "None"}],
}
PLANTED = {
    where: f"pl4nted-{where}"
    for where in (
        *("data", "last-applied", "env", "init-env", "template-env", "job-env", "config-map", "config-map-applied"),
        *("custom-env", "custom-path", "custom-applied", "annotation", "label", "url", "server"),
    )
}
"""A word for each place. None of them is to be found."""

DATABASE_PASSWORD = "pl4nted-database"
DIGEST_KEY = "pl4nted-digest-key"
SETTINGS = {
    "K8S_REDACT": "*.secret.example:..password,pods:.spec.hostname",
    "K8S_DROP_ANNOTATIONS": "private.example/*",
    "K8S_DROP_LABELS": "private*",
    "K8S_DIGEST_KEY": DIGEST_KEY,
}


def _env(where: str) -> dict[str, Any]:
    return {"name": where, "image": "a", "env": [{"name": "TOKEN", "value": PLANTED[where]}]}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def vault(start_cluster: Callable[..., Cluster], tmp_path_factory: pytest.TempPathFactory) -> tuple[Cluster, Path]:
    """A cluster full of secrets, and the log of what its API server answered to the inventory."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "policy").write_text(json.dumps(POLICY))
    audit = [f"--audit-policy-file={folder / 'policy'}", f"--audit-log-path={folder / 'log'}"]
    cluster = start_cluster(arguments=audit, users=[READER])
    cluster.create("/api/v1/namespaces", namespace("vault"))
    core, apps, batch = (f"{root}/namespaces/vault" for root in ("/api/v1", "/apis/apps/v1", "/apis/batch/v1"))
    applied = {LAST_APPLIED: json.dumps({"data": {"password": PLANTED["last-applied"]}})}
    secret = {"metadata": {"name": "s", "annotations": applied}, "stringData": {"password": PLANTED["data"]}}
    cluster.create(f"{core}/secrets", secret)
    applied = {LAST_APPLIED: json.dumps({"data": {"a": PLANTED["config-map-applied"]}})}
    config_map = {"metadata": {"name": "c", "annotations": applied}, "data": {"a": PLANTED["config-map"]}}
    config_map["binaryData"] = {"b": _encoded(PLANTED["config-map"])}
    cluster.create(f"{core}/configmaps", config_map)
    with_url = {**_env("env"), "args": [f"--database=postgres://app:{PLANTED['url']}@db.example/app"]}
    made = pod("p", containers=[with_url], initContainers=[_env("init-env")], hostname="pl4nted-hostname")
    made["metadata"]["annotations"] = {"private.example/a": PLANTED["annotation"]}
    made["metadata"]["labels"] = {"private-label": PLANTED["label"]}
    cluster.create(f"{core}/pods", made)
    workload = deployment("d")
    workload["spec"]["template"]["spec"]["containers"] = [_env("template-env")]
    workload["spec"]["template"]["metadata"]["annotations"] = {"private.example/a": PLANTED["annotation"]}
    cluster.create(f"{apps}/deployments", workload)
    nightly = cron_job("n")
    nightly["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"] = [_env("job-env")]
    cluster.create(f"{batch}/cronjobs", nightly)
    _custom(cluster)
    return cluster, folder / "log"


def _custom(cluster: Cluster) -> None:
    definition = crd("safes", "vaults.secret.example")
    columns = [{"name": "Password", "type": "string", "jsonPath": ".spec.login.password"}]
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = columns
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    path = "/apis/vaults.secret.example/v1/namespaces/vault/safes"
    cluster.until_served(path)
    applied = {LAST_APPLIED: json.dumps({"spec": PLANTED["custom-applied"]})}
    spec = {
        "login": {"password": PLANTED["custom-path"], "user": "kept"},
        "parts": [{"template": {"spec": {"containers": [_env("custom-env")]}}}],
    }
    safe = {"apiVersion": "vaults.secret.example/v1", "kind": "Safe", "metadata": {"name": "x", "annotations": applied}}
    cluster.create(path, {**safe, "spec": spec})


def test_what_is_planted_is_nowhere(
    vault: tuple[Cluster, Path], tmp_path: Path, database_url: str, airflow_database: Callable[[], str]
) -> None:
    cluster, log = vault
    airflow = AirflowHome.make(tmp_path / "airflow", database=airflow_database())
    config = tmp_path / "config"
    config.write_text(
        kubeconfig({"vault": cluster}, user=READER).replace("https://", f"https://user:{PLANTED['server']}@")
    )
    url = database_url.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@")
    debug = {"AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG"}
    run = airflow.test_dag(KUBECONFIG=str(config), DATABASE_URL=url, **SETTINGS, **debug)
    assert run.returncode == 0, run.stdout[-3000:]

    with Store.connect(database_url) as store:
        stored = _everything(store)
        assert store.connection.execute("SELECT key_count, type FROM k8s_secrets").fetchall() == [(1, "Opaque")]
        shown = store.connection.execute("SELECT printer_columns, spec -> 'login' FROM k8s_custom_objects").fetchall()
        assert shown == [({"Password": "<redacted>"}, {"password": "<redacted>", "user": "kept"})]
        (digests,) = store.connection.execute("SELECT value_digests FROM k8s_configmaps WHERE name = 'c'").fetchone()  # type: ignore[misc]
        assert digests["a"] == digests["b"], "equal values show as equal"
    secrets = [*PLANTED.values(), "pl4nted-hostname", DATABASE_PASSWORD, DIGEST_KEY, READER.token]
    for place, text in (("database", stored), ("Airflow", airflow.everything() + run.stdout + run.stderr)):
        for word in secrets:
            assert word not in text, f"{word} is in {place}"
            assert _encoded(word) not in text, f"{word} is in {place}, encoded"
    _check_wire(log)


def _everything(store: Store) -> str:
    query = "SELECT relname FROM pg_class WHERE relname LIKE 'k8s%' AND relkind = 'r'"
    tables = [row[0] for row in store.connection.execute(query)]
    return "\n".join(str(store.connection.execute(f'SELECT t::text FROM "{each}" t').fetchall()) for each in tables)


def _check_wire(log: Path) -> None:
    """By the API server's own audit log."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert {event["verb"] for event in events} == {"list", "get"}
    of_secrets = [event for event in events if event.get("objectRef", {}).get("resource") == "secrets"]
    assert of_secrets
    for event in of_secrets:
        assert event["responseObject"]["kind"] == "Table"
        text = json.dumps(event)
        assert PLANTED["data"] not in text
        assert _encoded(PLANTED["data"]) not in text
    everything = log.read_text()
    assert PLANTED["env"] in everything, "the log holds whole answers"
