"""What Airflow takes for plugins and DAGs of a checkout, in both of the syntaxes that it knows."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SYNTAXES = pytest.mark.parametrize("syntax", ["glob", "regexp"])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the project, as links, with what `make run` and users leave beside them."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (PROJECT / name).is_file():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, path)
    (folder / ".venv" / "lib").mkdir(parents=True)
    (folder / ".venv" / "lib64").symlink_to("lib")  # which Airflow takes for a loop, and gives up
    for name in (".venv/lib/example_dag.py", ".local/airflow/dag.py", "conftest.py", "dags/team/tests/theirs.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("from airflow.sdk import DAG\n")
    return folder


def found(folder: Path, syntax: str) -> list[str]:
    os.environ.setdefault("AIRFLOW_HOME", str(folder / "airflow"))
    from airflow._shared.module_loading import find_path_from_directory

    return sorted(
        str(Path(path).relative_to(folder)) for path in find_path_from_directory(folder, ".airflowignore", syntax)
    )


@SYNTAXES
def test_one_module_is_a_plugin(checkout: Path, syntax: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert found(checkout / "plugins", syntax) == ["k8s_inventory/plugin.py"]
    assert "regex" not in caplog.text


@SYNTAXES
def test_a_checkout_is_a_bundle_of_the_dags_in_its_folder(
    checkout: Path, syntax: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert found(checkout, syntax) == [
            "dags/k8s_inventory.py",
            "dags/k8s_inventory_report.py",
            "dags/team/tests/theirs.py",
        ]
    assert "regex" not in caplog.text
    assert found(checkout / "dags", syntax) == ["k8s_inventory.py", "k8s_inventory_report.py", "team/tests/theirs.py"]
