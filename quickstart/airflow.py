"""Airflow on this machine: its settings, a DAG run in the foreground, and its UI."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

from quickstart import demo, postgres
from quickstart.places import AIRFLOW, PROJECT

LOG = AIRFLOW / "k8s_inventory.log"
_BIN = Path(sys.executable).parent
_PORT = 8080
_SYNCED = "[airflow.task.operators.k8s_inventory.operators.sync.SyncOperator]"


def environment(database_url: str, kubeconfig: str | None) -> dict[str, str]:
    """The environment that Airflow runs in; what the user has set stays."""
    ours = {
        "AIRFLOW_HOME": str(AIRFLOW),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(_PORT),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "DATABASE_URL": database_url,
        "PATH": f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    if kubeconfig:
        ours["KUBECONFIG"] = kubeconfig
    return {**os.environ, **ours}


def make_database(env: dict[str, str]) -> None:
    """Makes or upgrades Airflow's own database."""
    AIRFLOW.mkdir(parents=True, exist_ok=True)
    with LOG.open("w") as log:
        made = subprocess.run([str(_BIN / "airflow"), "db", "migrate"], env=env, stdout=log, stderr=log, check=False)
    if made.returncode:
        raise SystemExit(f"Airflow's database could not be made; see {LOG}")


def test_run(env: dict[str, str]) -> int:
    """`airflow dags test k8s_inventory`, its output in `LOG` and a line a target on the terminal."""
    command = [str(_BIN / "airflow"), "dags", "test", "k8s_inventory"]
    with LOG.open("a") as log:
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                if _SYNCED in line:
                    print("  " + line.split("]", 1)[1].split(_SYNCED)[0].strip(), flush=True)
    return process.returncode


def ui() -> int:
    """Airflow standalone with this DAG in it, until it is interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped then, too
    kubeconfig = None if has_kubeconfig() else demo.start()
    env = environment(postgres.database_url(), kubeconfig)
    make_database(env)
    passwords = AIRFLOW / "simple_auth_manager_passwords.json.generated"
    with (
        LOG.open("a") as log,
        subprocess.Popen([str(_BIN / "airflow"), "standalone"], env=env, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_up(process)
            password = json.loads(passwords.read_text())["admin"]
            print(f"Airflow is at http://127.0.0.1:{_PORT}/dags/k8s_inventory\n  user: admin\n  password: {password}")
            print("Press Ctrl-C to stop it.", flush=True)
            return process.wait()
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends `airflow standalone` as Ctrl-C does, and those of its processes that outlive it."""
    if process.poll() is not None:
        return
    standalone = psutil.Process(process.pid)
    family = [standalone, *standalone.children(recursive=True)]
    process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=10)
    for each in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.terminate()
    psutil.wait_procs(alive, timeout=20)


def _wait_until_up(process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    print("Starting Airflow ...", flush=True)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/api/v2/monitor/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"Airflow did not come up; see {LOG}")


def has_kubeconfig() -> bool:
    """Whether the user has a kubeconfig: $KUBECONFIG counts even where its file is not there."""
    return (
        bool(os.environ.get("KUBECONFIG") or os.environ.get("K8S_KUBECONFIG"))
        or Path("~/.kube/config").expanduser().exists()
    )
