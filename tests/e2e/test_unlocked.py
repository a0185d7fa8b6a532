"""What users without a lock install: the newest of everything that the bounds of the package allow, and the oldest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.e2e.airflow_home import PROJECT, AirflowHome
from tests.e2e.cloudquery_cli import CloudQuery
from tests.equality import assert_table_equals_cluster
from tests.installed import install_unlocked

NEWEST_AND_OLDEST = pytest.mark.parametrize("newest", [True, False], ids=["newest", "oldest"])


@NEWEST_AND_OLDEST
def test_the_dag_runs(
    wheel: Path,
    cluster: Cluster,
    tmp_path: Path,
    database_url: str,
    airflow_database: Callable[[], str],
    newest: bool,
) -> None:
    programs = install_unlocked(wheel, tmp_path / "venv", extra="airflow", newest=newest)
    dags, config = tmp_path / "dags", tmp_path / "config"
    dags.mkdir()
    shutil.copy(PROJECT / "dags" / "k8s_inventory.py", dags)
    config.write_text(kubeconfig({"test": cluster}))
    airflow = AirflowHome.make(
        tmp_path / "airflow",
        database=airflow_database(),
        plugins=None,
        bin=programs,
        AIRFLOW__CORE__DAGS_FOLDER=str(dags),
        KUBECONFIG=str(config),
        DATABASE_URL=database_url,
    )
    run = airflow.test_dag()
    assert run.returncode == 0, run.stdout[-3000:]
    with Store.connect(database_url) as store:
        for kind in KINDS:
            assert_table_equals_cluster(store, cluster, kind)


@NEWEST_AND_OLDEST
def test_cloudquery_syncs_and_keeps_a_database(
    wheel: Path, cluster: Cluster, tmp_path: Path, database_url: str, new_database: Callable[[], str], newest: bool
) -> None:
    programs = install_unlocked(wheel, tmp_path / "venv", extra="cloudquery", newest=newest)
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    cq = CloudQuery(tmp_path, programs / "k8s-inventory-cloudquery", {"url": new_database()})
    cq.sync({"spec": {"kubeconfig": str(config), "database_url": database_url}})
    with Store.connect(database_url) as store:
        for kind in KINDS:
            assert_table_equals_cluster(store, cluster, kind)
    for kind in ("pods", "secrets", "crds"):
        assert cq.count(KINDS[kind].table) == len(cluster.list(KINDS[kind].list_path(KINDS[kind].version)))
