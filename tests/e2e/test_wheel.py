"""The package as a wheel: a deployment that has the DAG file from Git, and nothing else of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.store import Store
from tests.cluster import Cluster
from tests.e2e.airflow_home import PROJECT, AirflowHome
from tests.equality import assert_table_equals_cluster
from tests.installed import UV, install


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with `k8s-inventory[airflow]`."""
    return install(wheel, tmp_path_factory.mktemp("venv"), extra="airflow")


def test_the_wheel_holds_the_sql_and_nothing_of_the_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name.removeprefix("k8s_inventory/sql/") for name in names if name.startswith("k8s_inventory/sql/")}
    assert packed == {
        str(path.relative_to(PROJECT / "include/sql")) for path in (PROJECT / "include/sql").rglob("*.[sj]*")
    }
    assert "k8s_inventory/grafana/k8s_inventory.json" in names
    assert all(name.startswith(("k8s_inventory/", "k8s_inventory-")) for name in names)


def test_the_dag_runs_with_the_wheel_and_the_dag_file_alone(
    installed: Path, cluster: Cluster, tmp_path: Path, database_url: str, airflow_database: Callable[[], str]
) -> None:
    airflow = AirflowHome.of_wheel(
        tmp_path, bin=installed, cluster=cluster, database=airflow_database(), inventory=database_url
    )
    run = airflow.test_dag()
    assert run.returncode == 0, run.stdout[-3000:]
    with Store.connect(database_url) as store:
        for kind in KINDS:
            assert_table_equals_cluster(store, cluster, kind)
    assert "k8s-inventory" in airflow.run("providers", "list", "--output", "plain").stdout
    assert "k8s_inventory" in airflow.run("plugins", "--output", "plain").stdout


def test_what_is_below_the_front_doors_works_without_airflow(wheel: Path, tmp_path: Path) -> None:
    """The base install has no Airflow: reading, decoding and writing import all the same."""
    folder = tmp_path / "venv"
    subprocess.run([str(UV), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(UV), "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([*install, "--constraint", str(PROJECT / "requirements.txt"), str(wheel)], check=True)
    code = "import k8s_inventory.sync, sys; print('airflow' in sys.modules); import airflow"
    done = subprocess.run(
        [str(python), "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "False"
    assert "No module named 'airflow'" in done.stderr
