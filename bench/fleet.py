"""What a fleet costs Airflow: CPU seconds of each of its parts, with Celery and two workers, by the number of tasks.

    python -m bench.fleet [--contexts 200] [--tasks 200]

Each context is an API server that replays what a real one answers, with a UID of its own, which takes next to no CPU.
Needs `redis-server` on the PATH, and some ten minutes of busy cores. What a mapped task costs is the difference between
two runs that read the same kind of the same contexts, in many tasks and in few, the first of which makes the schema.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import psycopg
import urllib3
import yaml

from tests import databases
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN, free_ports
from tests.cluster.objects import load_pods
from tests.e2e.airflow_home import PROJECT, AirflowHome, server_settings, started, until

FEW = 20
ROUNDS = (
    ("one kind, few tasks", FEW, ["namespaces"]),
    ("one kind, many tasks", None, ["namespaces"]),
    ("all kinds, first load", None, None),
    ("all kinds, nothing changed", None, None),
)
"""Name, the most tasks if not `--tasks`, and `resources` of each run. All kinds are read of `--whole` contexts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--contexts", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=200, help="the most mapped tasks of a run")
    parser.add_argument("--whole", type=int, default=8, help="contexts of which all kinds are read")
    parser.add_argument("--pods", type=int, default=50)
    parser.add_argument("--at-once", type=int, default=4, help="tasks of each of the two workers")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="k8s-inventory-bench-"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            _measure(folder, stack, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, stack: ExitStack, options: argparse.Namespace) -> None:
    cluster = stack.enter_context(Cluster.start(folder / "cluster"))
    load_pods(cluster, options.pods)
    config = folder / "kubeconfig"
    config.write_text(_kubeconfig(stack.enter_context(_replayed(cluster)), options.contexts))
    urls = {}
    for name in ("airflow", "inventory"):
        (folder / name).mkdir()
        server = databases.start(18, folder / name)
        stack.callback(server.stop)
        urls[name] = server.url("postgres")
    redis_port, api_port, health_port = free_ports(3)
    redis = [shutil.which("redis-server") or sys.exit("redis-server is not on the PATH"), "--port", str(redis_port)]
    env = {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        **server_settings(api_port, health_port),
        "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{redis_port}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": "db+" + urls["airflow"].replace("postgresql://", "postgresql+psycopg://"),
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(options.at_once),
        "KUBECONFIG": str(config),
        "DATABASE_URL": urls["inventory"],
        "K8S_SCHEDULE": "",
        "C_FORCE_ROOT": "true",
    }
    for name in (
        "dags",
        "plugins",
        "include",
    ):  # who works in the checkout would break the runs
        shutil.copytree(PROJECT / name, folder / name)
    env["AIRFLOW__CORE__DAGS_FOLDER"] = str(folder / "dags")
    airflow = AirflowHome.make(folder / "home", database=urls["airflow"], plugins=folder / "plugins", bin=None, **env)
    program = str(airflow.bin / "airflow")
    logs = [stack.enter_context(started("redis", [*redis, "--bind", "127.0.0.1", "--save", ""], os.environ, folder))]
    for name in ("api-server", "scheduler", "dag-processor"):
        logs.append(stack.enter_context(started(name, [program, name], airflow.env, folder)))
    until("The DAG", lambda: airflow.query("SELECT 1 FROM dag WHERE dag_id = 'k8s_inventory'") != [], logs)
    used = []
    for number, (name, few, resources) in enumerate(ROUNDS):
        names = [f"c{each}" for each in range(options.contexts if resources else options.whole)]
        most = min(few or options.tasks, len(names))
        conf = {"contexts": names, "resources": resources}
        with ExitStack() as workers:
            for each in ("worker-1", "worker-2"):
                command = [program, "celery", "worker", "--skip-serve-logs", "--celery-hostname", f"{each}@%h"]
                command += ["--pid", str(folder / f"{each}-{number}.pid")]
                given = {**airflow.env, "K8S_MAX_TASKS": str(most)}
                logs.append(workers.enter_context(started(each, command, given, folder)))
            until("The workers", lambda: all("ready" in log.read_text() for log in logs[-2:]), logs)
            used.append((most, _round(airflow, urls["inventory"], f"run-{number}", name, conf, folder, logs)))
    (few, less), (many, more) = used[:2]
    each = ", ".join(f"{part} {(more[part] - less[part]) / (many - few):.3f}" for part in more)
    print(f"one task more, CPU s: {each}", flush=True)


def _round(
    airflow: AirflowHome, inventory: str, run: str, name: str, conf: Mapping[str, Any], folder: Path, logs: list[Path]
) -> dict[str, float]:
    """Triggers a run; prints what it took, and returns the CPU seconds of each part."""
    with redirect_stdout(StringIO()):  # a conf of a thousand contexts is said three times
        airflow.run("dags", "trigger", "k8s_inventory", "--run-id", run, "--conf", json.dumps(conf)).check_returncode()
    before, begun, sessions = _cpu(folder), time.monotonic(), 0

    def is_over() -> bool:
        nonlocal sessions
        with psycopg.connect(inventory) as connection:
            ((count,),) = connection.execute(
                "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
            ).fetchall()
        sessions = max(sessions, count)
        return airflow.query("SELECT 1 FROM dag_run WHERE run_id = %s AND state IN ('success', 'failed')", run) != []

    until("The end of the run", is_over, logs, seconds=3600)
    seconds, after = time.monotonic() - begun, _cpu(folder)
    states = dict(
        airflow.query(
            "SELECT state, count(*) FROM task_instance WHERE run_id = %s AND task_id = 'sync' GROUP BY 1", run
        )
    )
    ((xcom,),) = airflow.query("SELECT coalesce(sum(pg_column_size(value)), 0) / 1024 FROM xcom WHERE run_id = %s", run)
    used = {part: after[part] - before.get(part, 0) for part in after}
    shown = ", ".join(f"{part} {seconds:.1f}" for part, seconds in used.items())
    print(
        f"{name}: {states} in {seconds:.0f} s; at most {sessions} sessions; XComs of {xcom} kB; CPU s: {shown}",
        flush=True,
    )
    return used


def _cpu(folder: Path) -> dict[str, float]:
    """CPU seconds so far, by part: those of processes, of what they have started, and of what of that has ended."""
    parts: dict[str, float] = {}
    for process in psutil.Process().children():
        command = " ".join(process.cmdline())
        part = next((name for name, sought in _PARTS.items() if sought in command), "API servers")
        tree = [process, *process.children(recursive=True)]
        parts[part] = parts.get(part, 0) + sum(map(_seconds, tree))
    for name in ("airflow", "inventory"):
        server = psutil.Process(int(next((folder / name).rglob("postmaster.pid")).read_text().split()[0]))
        parts[f"database of {name}"] = sum(map(_seconds, [server, *server.children(recursive=True)]))
    return parts


_PARTS = {
    "Airflow's API server": "airflow api",
    "scheduler": "scheduler",
    "DAG processor": "dag-processor",
    "workers": "celery",
    "Redis": "redis-server",
}


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def _replayed(cluster: Cluster) -> Iterator[str]:
    """The URL of a server with an API server under every path of one part, such as `/c7`."""
    (port,) = free_ports(1)
    (kube_system,) = [
        each["metadata"]["uid"]
        for each in cluster.list("/api/v1/namespaces")
        if each["metadata"]["name"] == "kube-system"
    ]
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(cluster, kube_system, port), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


def _serve(cluster: Cluster, kube_system: str, port: int) -> None:
    pool = urllib3.PoolManager(maxsize=8, ca_certs=str(cluster.ca_file), assert_hostname=False)
    kept: dict[tuple[str, str], tuple[int, str, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            _, number, path = self.path.split("/", 2)
            key = (path, self.headers.get("Accept", ""))
            if key not in kept:
                headers = {"Authorization": f"Bearer {ADMIN.token}", "Accept": key[1]}
                real = pool.request("GET", f"{cluster.server}/{path}", headers=headers, retries=False)
                kept[key] = (real.status, real.headers.get("Content-Type", ""), real.data)
            status, content_type, body = kept[key]
            body = body.replace(kube_system.encode(), f"{kube_system[:-6]}{int(number[1:]):06x}".encode())
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def _kubeconfig(url: str, contexts: int) -> str:
    names = [f"c{number}" for number in range(contexts)]
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": f"{url}/{name}"}} for name in names],
            "contexts": [{"name": name, "context": {"cluster": name}} for name in names],
        }
    )


if __name__ == "__main__":
    main()
