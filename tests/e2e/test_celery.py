"""The processes of docker-compose.yaml, started by hand: Celery, Redis, two workers, the whole DAG."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from k8s_inventory.kinds import FAMILIES, KINDS
from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import free_ports
from tests.e2e.airflow_home import AirflowHome, server_settings, started, until
from tests.equality import assert_table_equals_cluster


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Starts programs, each with its log in a file, and ends them by their own pid."""
    with ExitStack() as stack:
        yield lambda name, command, env: stack.enter_context(started(name, command, env, tmp_path))


def test_two_celery_workers_share_the_whole_dag(
    cluster: Cluster,
    start_cluster: Callable[..., Cluster],
    airflow_database: Callable[[], str],
    database_url: str,
    processes: Callable[..., Path],
    tmp_path: Path,
) -> None:
    redis = shutil.which("redis-server")
    if redis is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is missing; .ci/run installs it")
        pytest.skip("redis-server is not on the PATH")
    second = start_cluster()
    config = tmp_path / "kubeconfig"
    config.write_text(kubeconfig({"east": cluster, "west": second}))

    metadata = airflow_database()
    redis_port, api_port, health_port = free_ports(3)
    logs = [
        processes("redis", [redis, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", ""], dict(os.environ))
    ]
    until("Redis", lambda: not socket.create_connection(("127.0.0.1", redis_port), 1).close(), logs, 20)
    airflow = AirflowHome.make(
        tmp_path / "airflow",
        database=metadata,
        AIRFLOW__CORE__EXECUTOR="CeleryExecutor",
        **server_settings(api_port, health_port),
        AIRFLOW__CELERY__BROKER_URL=f"redis://127.0.0.1:{redis_port}/0",
        AIRFLOW__CELERY__RESULT_BACKEND="db+" + metadata.replace("postgresql://", "postgresql+psycopg://"),
        AIRFLOW__CELERY__WORKER_CONCURRENCY="2",
        KUBECONFIG=str(config),
        DATABASE_URL=database_url,
        K8S_SCHEDULE="",
        K8S_POOL="k8s_inventory",
        C_FORCE_ROOT="true",
    )
    airflow.run("pools", "set", "k8s_inventory", "4", "syncs at a time").check_returncode()
    program = str(airflow.bin / "airflow")
    celery = [str(Path(sys.executable).parent / "airflow"), "celery", "worker", "--skip-serve-logs"]
    workers = [
        processes(
            name, [*celery, "--celery-hostname", f"{name}@%h", "--pid", str(tmp_path / f"{name}.pid")], airflow.env
        )
        for name in ("worker-1", "worker-2")
    ]
    for name in ("api-server", "scheduler", "dag-processor"):
        logs.append(processes(name, [program, name], airflow.env))
    logs += workers

    def api_is_up() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{api_port}/api/v2/monitor/health", timeout=5) as answer:
            return bool(answer.status == 200)

    until("The API server", api_is_up, logs)
    until("The DAG", lambda: airflow.query("SELECT 1 FROM dag WHERE dag_id = 'k8s_inventory'") != [], logs)
    until("The workers", lambda: all("ready" in log.read_text() for log in workers), logs)
    airflow.run("dags", "trigger", "k8s_inventory", "--run-id", "celery-run").check_returncode()
    ended = "SELECT state FROM dag_run WHERE run_id = 'celery-run' AND state IN ('success', 'failed')"
    until("The end of the run", lambda: airflow.query(ended) != [], logs)
    states = airflow.query(
        "SELECT task_id, state, count(*) FROM task_instance WHERE run_id = 'celery-run' GROUP BY 1, 2 ORDER BY 1"
    )
    syncs = 2 * (len(FAMILIES) + 1)
    tasks = ("announce", "plan", "report", "sync", "views")
    assert states == [(each, "success", syncs if each == "sync" else 1) for each in tasks]
    with Store.connect(database_url) as store:
        for name, live in (("east", cluster), ("west", second)):
            for kind in KINDS:
                assert_table_equals_cluster(store, live, kind, context=name)
    assert all("execute_workload" in log.read_text() for log in workers), "one worker did all the work"
