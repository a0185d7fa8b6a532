"""What someone can do who may trigger the DAGs, and nothing else: choose what is read now."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.e2e.airflow_home import AirflowHome
from tests.equality import rows_of

HIDDEN = "operators-s3cret"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, airflow_database: Callable[[], str]) -> AirflowHome:
    return AirflowHome.make(tmp_path_factory.mktemp("airflow"), database=airflow_database())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server of the attacker's; it waits for a first connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server


def test_a_run_can_not_say_where_rows_go_nor_by_which_credentials(
    airflow: AirflowHome, cluster: Cluster, tmp_path: Path, database_url: str, listener: socket.socket
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    port = listener.getsockname()[1]
    ran = tmp_path / "ran"
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\nenv > {ran}\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    evil = yaml.safe_load(config.read_text()) | {"users": [{"name": "test", "user": {"exec": command}}]}
    evil["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    (tmp_path / "evil").write_text(yaml.safe_dump(evil))
    conf = {
        "contexts": ["test"],
        "database_url": f"postgresql://u@127.0.0.1:{port}/d",
        "DATABASE_URL": f"postgresql://u@127.0.0.1:{port}/d",
        "kubeconfig": str(tmp_path / "evil"),
        "kubernetes_conn_ids": ["hidden"],
        "postgres_conn_id": "hidden",
        "schema_name": "elsewhere",
        "redact_env": False,
        "config_map_values": True,
        "_env_file": str(tmp_path / "evil"),
        "accept_repointed": ["test"],
    }
    hidden = {"conn_type": "kubernetes", "extra": {"kube_config": json.dumps(evil)}, "password": HIDDEN}
    env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url, "PGPASSWORD": HIDDEN}
    run = airflow.test_dag(conf=conf, **env, AIRFLOW_CONN_HIDDEN=json.dumps(hidden))
    said = run.stdout + run.stderr
    assert run.returncode != 0
    for key in conf.keys() - {"contexts", "accept_repointed"}:
        assert key in said, key
    assert "database_url is the operator's, and no run may set it" in said
    assert not ran.exists()
    with pytest.raises(TimeoutError):
        listener.accept()
    assert HIDDEN not in said + airflow.everything()
    with Store.connect(database_url) as store:
        made = store.connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'k8s%'").fetchone()
        assert made == (0,)


def test_a_run_chooses_what_is_read_and_forget_takes_a_context_alone(
    airflow: AirflowHome, cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster, "other": cluster}))
    env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url}
    chosen = {"contexts": ["test"], "resources": ["pods"], "namespaces": ["shop"], "page_size": 2, "verify": True}
    run = airflow.test_dag(conf=chosen, **env)
    assert run.returncode == 0, run.stdout[-3000:]
    with Store.connect(database_url) as store:
        assert rows_of(store, "pods", context="test") > 0
        assert rows_of(store, "pods", context="other") == 0
        conf = {"context": "test", "database_url": "postgresql://127.0.0.1:1/d"}
        refused = airflow.test_dag("k8s_inventory_forget", conf=conf, **env)
        assert refused.returncode != 0
        assert "database_url is the operator's, and no run may set it" in refused.stdout + refused.stderr
        assert rows_of(store, "pods", context="test") > 0
