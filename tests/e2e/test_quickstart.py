"""`make run` as a user types it; the run on the demo clusters is a step of .ci/run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.e2e.airflow_home import PROJECT
from tests.equality import assert_table_equals_cluster


def run(command: str = "run", **env: str) -> subprocess.CompletedProcess[str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "K8S_"))}
    full = {**keep, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}", **env}
    return subprocess.run(
        [sys.executable, "-m", "quickstart", command],
        cwd=PROJECT,
        env=full,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def config(cluster: Cluster, start_cluster: Callable[..., Cluster], tmp_path: Path) -> Path:
    """Two live contexts and a dead one."""
    content = yaml.safe_load(kubeconfig({"east": cluster, "west": start_cluster(), "dead": cluster}))
    content["clusters"][2]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(content))
    return path


def test_one_command_syncs_all_contexts_and_says_what_is_not_complete(
    cluster: Cluster, config: Path, database_url: str
) -> None:
    done = run(KUBECONFIG=str(config), DATABASE_URL=database_url)
    assert done.returncode == 1, done.stdout + done.stderr
    for said in ("east      pods", "dead · pods: unreachable", "FROM k8s_pods", "make psql", "psql 'postgresql://"):
        assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    with Store.connect(database_url) as store:
        assert_table_equals_cluster(store, cluster, "pods", context="east")

    live = run(KUBECONFIG=str(config), DATABASE_URL=database_url, K8S_CONTEXTS="east,west", K8S_RESOURCES="po,svc")
    assert live.returncode == 0, live.stdout + live.stderr


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"K8S_RESOURCES": "podz"}, "did you mean 'pods'"),
        ({"K8S_CONTEXTS": "nowhere"}, "there is dead, east, west"),
        ({"KUBECONFIG": "/nonexistent"}, "no kubeconfig at /nonexistent"),
        ({"DATABASE_URL": "postgresql//u:s3cret@h"}, "DATABASE_URL is malformed"),
        ({"DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/d"}, "refused"),
    ],
)
def test_bad_input_ends_in_one_line_and_2(config: Path, database_url: str, env: dict[str, str], said: str) -> None:
    done = run(**({"KUBECONFIG": str(config), "DATABASE_URL": database_url} | env))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_an_unknown_command_shows_those_there_are() -> None:
    done = run("fly")
    assert done.returncode == 2
    assert "run | stop | ui | psql" in done.stderr
