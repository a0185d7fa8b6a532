"""Airflow on this machine: its settings, a DAG run in the foreground, and its UI."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from importlib.metadata import distributions
from pathlib import Path

import psutil

from k8s_inventory.printable import printable
from quickstart import demo, postgres
from quickstart.bars import Bars
from quickstart.places import AIRFLOW, PROJECT, private, write_private
from quickstart.processes import started

LOG = AIRFLOW / "k8s_inventory.log"
_BIN = Path(sys.executable).parent
_PORT = int(os.environ.get("AIRFLOW__API__PORT") or 8080)
_MADE_BY = AIRFLOW / "database_made_by.json"
_PASSWORDS = AIRFLOW / "simple_auth_manager_passwords.json.generated"
_SYNCED = "[airflow.task.operators.k8s_inventory.operators.sync.SyncOperator]"
_PROGRESS = "[k8s_inventory.sync.progress]"
_COMPONENTS = (
    ("api-server",),
    ("scheduler", "--skip-serve-logs"),
    ("dag-processor",),
    ("triggerer", "--skip-serve-logs"),
)
"""What `airflow standalone` starts, but for the servers of logs: those listen on every address of the machine, and here
all of Airflow reads the files themselves."""


def environment(database_url: str, kubeconfig: str | None) -> dict[str, str]:
    """The environment that Airflow runs in: the user's, and on top what the quickstart needs."""
    ours = {
        "AIRFLOW_HOME": str(AIRFLOW),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_PASSWORDS),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(_PORT),
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "DATABASE_URL": database_url,
        "PATH": f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    if kubeconfig:
        ours |= demo.environment(kubeconfig)
    return {**os.environ, **ours}


def make_database(env: dict[str, str]) -> None:
    """Makes or upgrades Airflow's own database, where this Airflow has not done so already."""
    private(AIRFLOW)
    done = _made_by(env)
    if _MADE_BY.exists() and done and _MADE_BY.read_text() == done and _has_tables():
        LOG.write_text("")
        return
    _MADE_BY.unlink(missing_ok=True)
    with LOG.open("w") as log, started(_airflow("db", "migrate"), env=env, stdout=log, stderr=log) as (process,):
        made = process.wait()
    if made:
        raise SystemExit(f"Airflow's database could not be made; see {LOG}")
    if done:
        write_private(_MADE_BY, done)


def _made_by(env: dict[str, str]) -> str | None:
    """What decides which tables Airflow's own database has; None where it is not the one in the folder `AIRFLOW`."""
    if any(name.startswith("AIRFLOW__DATABASE__") for name in env):
        return None
    packages = {each.name: each.version for each in distributions() if each.name.startswith("apache-airflow")}
    return json.dumps(packages, sort_keys=True)


def _has_tables() -> bool:
    """Whether the database is there, and was made to the end."""
    path = AIRFLOW / "airflow.db"
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return bool(connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,))
    return False


def _airflow(*arguments: str) -> Sequence[str]:
    return [str(_BIN / "airflow"), *arguments]


def test_run(env: dict[str, str], *, tasks: int, bars: Bars) -> int:
    """`airflow dags test k8s_inventory`, its output in `LOG`, and how far it is in `bars`.

    It runs tasks one after another: the fewer they are, the sooner it ends. `tasks`: as few as there may be.
    """
    env = {**env, "K8S_MAX_TASKS": env.get("K8S_MAX_TASKS") or str(tasks)}
    command = _airflow("dags", "test", "k8s_inventory")
    with (
        LOG.open("a") as log,
        started(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as (process,),
        bars,
    ):
        assert process.stdout is not None
        for raw in process.stdout:
            line = printable(raw.rstrip("\n"))
            log.write(f"{line}\n")
            for logger, take in ((_SYNCED, bars.target_ended), (_PROGRESS, bars.sync_told)):
                said, is_there, _ = line.partition(logger)
                if is_there:
                    take(said.partition("]")[2].strip())
        return process.wait()


def ui() -> int:
    """Airflow with this DAG in it, until it is interrupted."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", _PORT)) == 0:  # whoever it is would be given the password
            print(f"Something else listens on port {_PORT}: end it, or set AIRFLOW__API__PORT", file=sys.stderr)
            return 1
    kubeconfig = None if has_kubeconfig() else demo.start()
    env = environment(postgres.database_url(), kubeconfig)
    make_database(env)
    commands = [_airflow(*component) for component in _COMPONENTS]
    with LOG.open("a") as log, started(*commands, env=env, stdout=log, stderr=log) as components:
        _wait_until_up(components)
        password = json.loads(_PASSWORDS.read_text())["admin"]
        print(f"The inventory is at http://127.0.0.1:{_PORT}/plugin/inventory, in Airflow")
        print(f"  user: admin\n  password: {password}")
        print("Press Ctrl-C to stop it.", flush=True)
        while all(component.poll() is None for component in components):
            time.sleep(0.5)
    print(f"A part of Airflow has ended; see {LOG}", file=sys.stderr)
    return 1


def _wait_until_up(components: Sequence[subprocess.Popen[str]], seconds: float = 120) -> None:
    print("Starting Airflow ...", flush=True)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and all(component.poll() is None for component in components):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/api/v2/monitor/health", timeout=5):
                if _listens(components[0]):
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"Airflow did not come up; see {LOG}")


def _listens(component: subprocess.Popen[str]) -> bool:
    """Whether it is this program that answers: the user is about to give a password to it."""
    server = psutil.Process(component.pid)
    return any(
        (each.status, each.laddr.port) == (psutil.CONN_LISTEN, _PORT)
        for process in (server, *server.children(recursive=True))
        for each in process.net_connections("tcp")
    )


def has_kubeconfig() -> bool:
    """Whether the user has a kubeconfig: $KUBECONFIG counts even where its file is not there."""
    return (
        bool(os.environ.get("KUBECONFIG") or os.environ.get("K8S_KUBECONFIG"))
        or Path("~/.kube/config").expanduser().exists()
    )
