"""Tasks and runs that take too long, in a real Airflow: they end, their rows say so, and the next run comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import yaml

from k8s_inventory.kinds import KINDS as DECLARED
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store, Target
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import free_ports
from tests.e2e.airflow_home import AirflowHome, server_settings, started, until
from tests.equality import status_of
from tests.proxy import Answer, Proxy, dripping, streamed

KINDS = "pods,services,deployments"


@pytest.fixture
def stuck(cluster: Cluster) -> Iterator[Proxy]:
    """A cluster that never ends its answer to a list of pods, and never begins that to one of services."""
    with Proxy(cluster) as proxy:

        def spoil(path: str, real: Answer) -> Answer | None:
            if "/pods?" in path:
                return streamed(dripping(real.body[:100]))
            if "/services?" in path:
                proxy.closing.wait()
            return None

        proxy.spoil = spoil
        yield proxy


def _environment(context: Context, folder: Path, database_url: str, **env: str) -> dict[str, str]:
    config = folder / "stuck"
    config.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **dict(context.kubeconfig or {})}))  # type: ignore[arg-type]
    return {"KUBECONFIG": str(config), "DATABASE_URL": database_url, "K8S_RESOURCES": KINDS, "K8S_MAX_TASKS": "1"} | env


def test_a_task_that_takes_too_long_is_ended_and_its_rows_say_so(
    stuck: Proxy, tmp_path: Path, airflow_database: Callable[[], str], database_url: str
) -> None:
    """All of a context in one task, whose threads wait for the cluster: they hold up neither it nor the process."""
    airflow = AirflowHome.make(tmp_path / "airflow", database=airflow_database())
    env = _environment(stuck.context, tmp_path, database_url, K8S_TASK_TIMEOUT="6", K8S_RETRIES="0")
    start = time.monotonic()
    run = airflow.test_dag(**env)
    seconds = time.monotonic() - start
    assert run.returncode != 0
    assert "longer than it may (K8S_TASK_TIMEOUT)" in run.stdout
    states = airflow.states()
    assert states["proxied · all"] == states["report"] == "failed"
    (took,) = airflow.query("SELECT duration FROM task_instance WHERE task_id = 'sync'")[0]
    assert 6 <= took < 60
    assert seconds < 300, run.stdout[-3000:]
    with Store.connect(database_url) as store:
        assert status_of(store, "deployments", context="proxied")["outcome"] == "complete"
        for kind in ("pods", "services"):
            status = status_of(store, kind, context="proxied")
            assert status["outcome"] == "failed"
            assert "the task that reads it was ended" in str(status["error"])


def test_waiting_for_another_writer_ends_with_the_task(
    cluster: Cluster, tmp_path: Path, airflow_database: Callable[[], str], store: Store, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    airflow = AirflowHome.make(tmp_path / "airflow", database=airflow_database())
    env = {"K8S_TASK_TIMEOUT": "8", "K8S_RETRIES": "0", "K8S_LOCK_WAIT": "600", "K8S_RESOURCES": "pods"}
    with Target.locked(store, DECLARED["pods"], "test"):
        run = airflow.test_dag(KUBECONFIG=str(config), DATABASE_URL=database_url, **env)
    assert run.returncode != 0
    assert airflow.states()["test · pods"] == "failed"
    (took,) = airflow.query("SELECT duration FROM task_instance WHERE task_id = 'sync'")[0]
    assert 8 <= took < 60


def test_a_run_that_takes_too_long_is_ended_and_the_next_one_comes(
    stuck: Proxy, tmp_path: Path, airflow_database: Callable[[], str], database_url: str
) -> None:
    api_port, health_port = free_ports(2)
    patience = {"K8S_READ_TIMEOUT": "600", "K8S_REQUEST_TIMEOUT": "3600", "K8S_RUN_TIMEOUT": "1800"}
    env = _environment(stuck.context, tmp_path, database_url, K8S_RETRIES="0", K8S_SCHEDULE="", **patience)
    airflow = AirflowHome.make(
        tmp_path / "airflow",
        database=airflow_database(),
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        **server_settings(api_port, health_port),
        **env,
    )
    with ExitStack() as stack:
        logs = [
            stack.enter_context(started(name, [str(airflow.bin / "airflow"), name, *more], airflow.env, tmp_path))
            for name, *more in (("api-server",), ("scheduler", "--skip-serve-logs"), ("dag-processor",))
        ]
        until("The DAG", lambda: airflow.query("SELECT 1 FROM dag WHERE dag_id = 'k8s_inventory'") != [], logs)
        for run_id in ("one", "two"):
            airflow.run("dags", "trigger", "k8s_inventory", "--run-id", run_id).check_returncode()

        def attempts() -> dict[str, str | None]:
            with Store.connect(database_url) as store:
                query = "SELECT kind, coalesce(error, outcome) FROM k8s_sync_runs WHERE run_id = 'one'"
                return dict(store.connection.execute(query).fetchall())

        waiting = {"deployments": "complete", "pods": None, "services": None}
        until("The first run's waiting for the cluster", lambda: attempts() == waiting, logs)
        with psycopg.connect(airflow.database) as connection:  # as if it had begun long ago
            connection.execute("UPDATE dag_run SET start_date = start_date - interval '1 hour' WHERE run_id = 'one'")
        begun = "SELECT 1 FROM task_instance WHERE run_id = 'two' AND task_id = 'plan' AND state = 'success'"
        until("The next run", lambda: airflow.query(begun) != [], logs)
        assert airflow.query("SELECT state FROM dag_run WHERE run_id = 'one'") == [("failed",)]
        # The worker is told at its next heartbeat, which may be after the next run has begun.
        why = "the task that reads it was ended"
        until("The end of its task", lambda: all(why in str(attempts()[kind]) for kind in ("pods", "services")), logs)
