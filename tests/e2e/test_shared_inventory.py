"""One inventory that several write: Airflows with contexts of their own, and a role that may not touch every view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import refresh_crd_views
from tests.cluster import Cluster, kubeconfig
from tests.cluster.objects import crd
from tests.conftest import sync_custom_objects
from tests.e2e.airflow_home import AirflowHome
from tests.equality import query_rows
from tests.integration.test_store import role

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def make_airflow(tmp_path: Path, airflow_database: Callable[[], str]) -> Callable[[str], AirflowHome]:
    return lambda name: AirflowHome.make(tmp_path / name, database=airflow_database())


def test_contexts_belong_to_the_airflow_that_has_them(
    make_airflow: Callable[[str], AirflowHome], cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    def run(airflow: AirflowHome, *contexts: str) -> str:
        config = tmp_path / "config"
        config.write_text(kubeconfig(dict.fromkeys(contexts, cluster)))
        env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url, "K8S_RESOURCES": "namespaces"}
        ran = airflow.test_dag(**env)
        assert ran.returncode == 0, ran.stdout[-3000:]
        return ran.stdout

    def gone() -> dict[str, bool]:
        query = "SELECT context_name, unconfigured_since IS NOT NULL AS is_gone FROM k8s_clusters"
        with Store.connect(database_url) as store:
            return {row["context_name"]: row["is_gone"] for row in query_rows(store, query)}

    first, second = make_airflow("first"), make_airflow("second")
    run(first, "east", "both")
    run(second, "west", "both", "late")
    assert "not configured any more" not in run(first, "east", "both")  # another process, as after a pod's restart
    assert gone() == {"east": False, "both": False, "west": False, "late": False}
    said = run(second, "west")
    assert "context late is not configured any more" in said
    assert "context both is not" not in said
    assert gone() == {"east": False, "both": False, "west": False, "late": True}
    with Store.connect(database_url) as store:
        sources = query_rows(store, "SELECT context_name, sources FROM k8s_clusters ORDER BY 1")
    (of_first,), (of_second,) = sources[1]["sources"], sources[3]["sources"]
    assert [row["sources"] for row in sources] == [[of_first], [of_first], [], [of_second]]
    assert of_first != of_second


def test_views_that_the_role_may_not_touch_fail_the_run_and_no_other_view(
    make_airflow: Callable[[str], AirflowHome],
    cluster: Cluster,
    tmp_path: Path,
    context_of: Callable[..., Context],
    store: Store,
    database_url: str,
) -> None:
    cluster.create(CRDS, crd("others", "shop.example"))
    sync_custom_objects(store, context_of(cluster), "first")
    view, other = "crd_others_shop_example", "crd_tests_shop_example"
    assert {view, other} <= set(refresh_crd_views(store).made)
    grants = ["GRANT USAGE, CREATE ON SCHEMA public TO {role}", "GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"]
    maker = role(database_url, "k8s_maker", *grants)
    store.connection.execute(
        "UPDATE k8s_schema_tables SET declaration = declaration || 'x' WHERE table_name = %s", [view]
    )
    store.connection.execute(f"DROP VIEW {other}".encode())
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    airflow = make_airflow("airflow")
    try:
        ran = airflow.test_dag(conf={"resources": ["crds"]}, KUBECONFIG=str(config), DATABASE_URL=maker)
    finally:
        cluster.delete(f"{CRDS}/others.shop.example")
    assert ran.returncode != 0
    states = airflow.states()
    assert (states["test · crds"], states["views"], states["report"]) == ("success", "failed", "failed")
    assert f"Warning: views: {view} stays as it is: view {view}: must be owner of view" in ran.stdout
    assert "not complete: views (failed)" in ran.stdout
    assert query_rows(store, "SELECT to_regclass(%s) IS NOT NULL AS is_made", other) == [{"is_made": True}]
