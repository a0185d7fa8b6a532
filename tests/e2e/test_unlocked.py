"""What users without a lock install: the newest of everything that the bounds of the package allow, and the oldest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.e2e.airflow_home import AirflowHome
from tests.e2e.cloudquery_cli import CloudQuery
from tests.equality import assert_table_equals_cluster
from tests.installed import install

NEWEST_AND_OLDEST = pytest.mark.parametrize("versions", ["newest", "oldest"])


@NEWEST_AND_OLDEST
def test_the_dag_runs(
    wheel: Path,
    cluster: Cluster,
    tmp_path: Path,
    database_url: str,
    airflow_database: Callable[[], str],
    versions: Literal["newest", "oldest"],
) -> None:
    programs = install(wheel, tmp_path / "venv", extra="airflow", versions=versions)
    airflow = AirflowHome.of_wheel(
        tmp_path, bin=programs, cluster=cluster, database=airflow_database(), inventory=database_url
    )
    run = airflow.test_dag()
    assert run.returncode == 0, run.stdout[-3000:]
    with Store.connect(database_url) as store:
        for kind in KINDS:
            assert_table_equals_cluster(store, cluster, kind)


@NEWEST_AND_OLDEST
def test_cloudquery_syncs_and_keeps_a_database(
    wheel: Path,
    cluster: Cluster,
    tmp_path: Path,
    database_url: str,
    new_database: Callable[[], str],
    versions: Literal["newest", "oldest"],
) -> None:
    programs = install(wheel, tmp_path / "venv", extra="cloudquery", versions=versions)
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    cq = CloudQuery(tmp_path, programs / "k8s-inventory-cloudquery", {"url": new_database()})
    cq.sync({"spec": {"kubeconfig": str(config), "database_url": database_url}})
    with Store.connect(database_url) as store:
        for kind in KINDS:
            assert_table_equals_cluster(store, cluster, kind)
    for kind in ("pods", "secrets", "crds"):
        assert cq.count(KINDS[kind].table) == len(cluster.list(KINDS[kind].list_path(KINDS[kind].version)))
