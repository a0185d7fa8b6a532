"""A run that is cleared in Airflow is done again."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import free_ports
from tests.cluster.objects import pod
from tests.e2e.airflow_home import AirflowHome, server_settings, started, until
from tests.equality import assert_table_equals_cluster, query_rows


def test_a_task_that_is_cleared_reads_again(
    cluster: Cluster, tmp_path: Path, airflow_database: Callable[[], str], database_url: str
) -> None:
    """All its kinds were complete; so is the report, which is done again with it."""
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    api_port, health_port = free_ports(2)
    airflow = AirflowHome.make(
        tmp_path / "airflow",
        database=airflow_database(),
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        **server_settings(api_port, health_port),
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
        KUBECONFIG=str(config),
        DATABASE_URL=database_url,
        K8S_RESOURCES="pods,services",
        K8S_MAX_TASKS="1",
        K8S_SCHEDULE="",
    )
    with ExitStack() as stack, Store.connect(database_url) as store:
        logs = [
            stack.enter_context(started(name, [str(airflow.bin / "airflow"), name, *more], airflow.env, tmp_path))
            for name, *more in (("api-server",), ("scheduler", "--skip-serve-logs"), ("dag-processor",))
        ]

        def state() -> str | None:
            return str(airflow.query("SELECT state FROM dag_run WHERE run_id = 'one'")[0][0])

        def read() -> list[dict[str, Any]]:
            query = "SELECT attempt, kind, outcome FROM k8s_sync_runs WHERE run_id = 'one' ORDER BY attempt, kind"
            return query_rows(store, query)

        until("The DAG", lambda: airflow.query("SELECT 1 FROM dag WHERE dag_id = 'k8s_inventory'") != [], logs)
        airflow.run("dags", "trigger", "k8s_inventory", "--run-id", "one").check_returncode()
        until("The end of the run", lambda: state() == "success", logs)
        first = [{"attempt": 1, "kind": kind, "outcome": "complete"} for kind in ("pods", "services")]
        assert read() == first

        cluster.create("/api/v1/namespaces/shop/pods", pod("since"))
        _clear(api_port, "one", "sync")
        until("The end of what was cleared", lambda: len(read()) > 2 and state() == "success", logs)
        assert read() == [*first, *({**each, "attempt": 2} for each in first)]
        assert_table_equals_cluster(store, cluster, "pods")
        cluster.delete("/api/v1/namespaces/shop/pods/since")


def _clear(api_port: int, run_id: str, task_id: str) -> None:
    """As the button of Airflow's UI does."""
    api = f"http://127.0.0.1:{api_port}"
    token = json.load(urllib.request.urlopen(f"{api}/auth/token", timeout=10))["access_token"]
    body = {
        "dry_run": False,
        "dag_run_id": run_id,
        "task_ids": [task_id],
        "include_downstream": True,
        "only_failed": False,
        "reset_dag_runs": True,
    }
    request = urllib.request.Request(
        f"{api}/api/v2/dags/k8s_inventory/clearTaskInstances",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
