"""The DAG in a real Airflow: `airflow dags test`, over live, dead and forbidden clusters."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from k8s_inventory.kinds import FAMILIES, KINDS
from k8s_inventory.store import Store
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import ADMIN, NOBODY
from tests.cluster.objects import crd, pod
from tests.e2e.airflow_home import AirflowHome
from tests.equality import assert_table_equals_cluster, rows_of, status_of


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, airflow_database: Callable[[], str]) -> AirflowHome:
    return AirflowHome.make(tmp_path_factory.mktemp("airflow"), database=airflow_database())


@pytest.fixture(scope="module")
def second(start_cluster: Callable[..., Cluster]) -> Cluster:
    return start_cluster()


@pytest.fixture
def two_live_one_dead(cluster: Cluster, second: Cluster, tmp_path: Path) -> str:
    """KUBECONFIG: two files joined by `:`, three contexts, one of which leads nowhere, and a file that is missing."""
    live = tmp_path / "live"
    live.write_text(kubeconfig({"east": cluster, "west": second}))
    dead = yaml.safe_load(kubeconfig({"dead": second}))
    dead["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "dead"
    path.write_text(yaml.safe_dump(dead))
    return f"{live}:{path}:{tmp_path / 'missing'}"


def test_the_dags_import_fast_and_without_errors(airflow: AirflowHome) -> None:
    listed = airflow.run("dags", "list-import-errors", "--local")  # else it shows what is in the database: nothing yet
    assert listed.returncode == 0
    assert "No data found" in listed.stdout
    airflow.run("dags", "reserialize")
    assert "k8s_inventory_forget" in airflow.run("dags", "list", "--output", "plain").stdout
    plugins = airflow.run("plugins")
    assert "k8s_inventory" in plugins.stdout
    assert "Failed to import plugin" not in plugins.stdout + plugins.stderr


def test_importing_the_dag_file_imports_nothing_heavy(airflow: AirflowHome) -> None:
    code = (
        "import sys, runpy; runpy.run_path('dags/k8s_inventory.py'); "
        "print([name for name in ('kubernetes', 'psycopg') if name in sys.modules])"
    )
    assert _python(airflow, code) == "[]"


def test_a_task_does_not_import_the_kubernetes_library_where_no_connection_needs_it(airflow: AirflowHome) -> None:
    """It takes longer than all else that a task imports, for each of thousands of tasks."""
    code = (
        "import sys; from k8s_inventory.hooks.contexts import contexts; from k8s_inventory.settings import Settings; "
        "from k8s_inventory.hooks.inventory import InventoryHook; import k8s_inventory.operators, k8s_inventory.sync; "
        "contexts(Settings.load()); print('kubernetes' in sys.modules)"
    )
    assert _python(airflow, code, K8S_IN_CLUSTER_NAME="here") == "False"
    assert _python(airflow, code, K8S_KUBERNETES_CONN_IDS="one") == "True"


def _python(airflow: AirflowHome, code: str, **env: str) -> str:
    """The last line that the code prints where Airflow is installed."""
    sqlite = f"sqlite:///{airflow.home}/none.db"  # with PostgreSQL, Airflow imports psycopg itself
    env = {**airflow.env, "PYTHONPATH": "plugins", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sqlite, **env}
    done = subprocess.run(
        [str(airflow.bin / "python"), "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "2 7200.0 43200.0"),
        ({"K8S_RETRIES": "", "K8S_TASK_TIMEOUT": "", "K8S_RUN_TIMEOUT": " "}, "2 7200.0 43200.0"),
        ({"K8S_RETRIES": "0", "K8S_TASK_TIMEOUT": "60", "K8S_RUN_TIMEOUT": "90"}, "0 60.0 90.0"),
        ({"K8S_RETRIES": "two", "K8S_TASK_TIMEOUT": "60"}, "2 7200.0 43200.0"),
    ],
)
def test_every_task_and_run_has_an_end(airflow: AirflowHome, env: dict[str, str], said: str) -> None:
    """A value that is none is named by the task `plan`: the DAG is there to say it."""
    code = (
        "import runpy; dag = runpy.run_path('dags/k8s_inventory.py')['plan'].dag; "
        "(seconds,) = {task.execution_timeout.total_seconds() for task in dag.tasks}; "
        "print(dag.get_task('sync').retries, seconds, dag.dagrun_timeout.total_seconds())"
    )
    assert _python(airflow, code, **env) == said


def test_a_schedule_is_what_it_says_or_refused_by_plan(airflow: AirflowHome) -> None:
    """The DAG is there all the same; by which schedule it says so is the default one."""
    forms = {
        **{form: form for form in ("@hourly", "@quarterly", "@once", "0 3 * * *", "0 3 * * mon", "")},
        " @daily\n": "@daily",
        "none": "",
        "None": "",
        **dict.fromkeys(("@never", "garbage", "60 * * * *", "1 day", "'@daily'", "H 3 * * *"), "refused"),
    }
    code = (
        "import os, json, runpy; from airflow.dag_processing.dagbag import DagBag\n"
        "def of(form):\n"
        "    for which in ('', 'INCREMENTAL_', 'REPORT_'): os.environ[f'K8S_{which}SCHEDULE'] = form\n"
        "    bag = DagBag(os.environ['AIRFLOW__CORE__DAGS_FOLDER'])\n"
        "    assert len(bag.dags) == 5, bag.import_errors\n"
        "    plan = bag.dags['k8s_inventory'].get_task('plan')\n"
        "    assert bool(bag.dags['k8s_inventory_report'].get_task('ask').refused) == bool(plan.refused)\n"
        "    return 'refused' if plan.refused else runpy.run_path('dags/k8s_inventory.py')['SCHEDULE']\n"
        f"print(json.dumps({{form: of(form) for form in {list(forms)!r}}}))"
    )
    assert json.loads(_python(airflow, code).splitlines()[-1]) == forms
    refused = airflow.test_dag(K8S_SCHEDULE="garbage")
    assert refused.returncode != 0
    assert "K8S_SCHEDULE is no schedule: it must be cron" in refused.stdout + refused.stderr


def test_runs_go_on_from_where_the_rows_are(
    airflow: AirflowHome, second: Cluster, tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"west": second}))
    env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url, "K8S_RESOURCES": "pods,namespaces"}
    assert airflow.test_dag(**env).returncode == 0
    assert airflow.note().startswith("**2 of 2 targets are complete.**")
    for dag_id, mode in (("k8s_inventory_incremental", "incremental"), ("k8s_inventory_watch", "watch")):
        run = airflow.test_dag(dag_id, K8S_WATCH_SECONDS="4", **env)
        assert run.returncode == 0, run.stdout
        assert airflow.note().startswith("**2 of 2 targets are complete.**")
        with Store.connect(database_url) as store:
            for kind in ("pods", "namespaces"):
                status = status_of(store, kind, context="west")
                assert (status["mode"], status["outcome"], status["pages"]) == (mode, "complete", 0)
                assert_table_equals_cluster(store, second, kind, context="west")


ENDED_AGAIN = """
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from k8s_inventory.operators.notes import RunNotes
from sqlalchemy import select

with create_session() as session:
    dag = SerializedDagModel.get_dag("k8s_inventory", session=session)
    run = session.scalars(select(DagRun).where(DagRun.dag_id == "k8s_inventory").order_by(DagRun.id.desc())).first()
    run.dag = dag
    before = [run.dag_run_note.user_id]
    for user_id in ("ann", None, "k8s_inventory"):
        run.dag_run_note.user_id, run.dag_run_note.content = user_id, "mine"
        RunNotes().on_dag_run_success(run)
        before.append(run.note[:4])
print(before)
"""


def test_a_note_that_a_person_wrote_stays(
    airflow: AirflowHome, cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"east": cluster}))
    env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url, "K8S_RESOURCES": "namespaces"}
    assert airflow.test_dag(**env).returncode == 0
    own = airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    said = _python(airflow, ENDED_AGAIN, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=own)
    assert said == "['k8s_inventory', 'mine', 'mine', '**1 ']"


def test_two_live_clusters_and_a_dead_one(
    airflow: AirflowHome, cluster: Cluster, second: Cluster, two_live_one_dead: str, database_url: str
) -> None:
    run = airflow.test_dag(KUBECONFIG=two_live_one_dead, DATABASE_URL=database_url)
    assert run.returncode != 0
    with Store.connect(database_url) as store:
        for name, live in (("east", cluster), ("west", second)):
            for kind in KINDS:
                assert_table_equals_cluster(store, live, kind, context=name)
        assert {status_of(store, kind, context="dead")["outcome"] for kind in KINDS} == {"unreachable"}
        tried = [status_of(store, kind, context="dead")["error"] for kind in KINDS]
        assert sum("not tried again" not in str(error) for error in tried) == 1
    states = airflow.states()
    assert states["report"] == "failed"
    for family in FAMILIES:
        assert states[f"east · {family}"] == states[f"west · {family}"] == "success"
        assert states[f"dead · {family}"] == "failed"
    assert "dead · pods: unreachable" in run.stdout
    assert "Check the server's address" in run.stdout
    assert f"Warning: there is no kubeconfig {two_live_one_dead.rpartition(':')[2]}" in run.stdout

    again = airflow.test_dag(
        conf={"contexts": ["east", "west"]}, KUBECONFIG=two_live_one_dead, DATABASE_URL=database_url
    )
    assert again.returncode == 0, again.stdout[-3000:]


def test_what_is_forbidden_is_skipped_by_default_and_fails_where_it_was_named(
    airflow: AirflowHome, cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}, user=NOBODY))
    env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url}
    assert airflow.test_dag(**env).returncode == 0
    assert airflow.states()["test · workloads"] == "skipped"
    assert airflow.states()["report"] == "success"
    assert airflow.test_dag(conf={"resources": ["pods"]}, **env).returncode != 0
    assert airflow.states()["test · pods"] == "failed"
    assert airflow.test_dag(K8S_RESOURCES="pods", **env).returncode != 0


@pytest.mark.parametrize(
    ("conf", "env", "said"),
    [
        ({"resources": ["podz"]}, {}, "unknown resource 'podz' (did you mean 'pods'?)"),
        ({"contexts": ["nowhere"]}, {}, "unknown context 'nowhere'; there is test"),
        ({}, {"KUBECONFIG": "/nonexistent/config"}, "no kubeconfig at /nonexistent/config"),
        ({}, {"K8S_PAGE_SIZE": "none"}, "page_size (K8S_PAGE_SIZE)"),
        ({}, {"K8S_TASK_TIMEOUT": "soon", "K8S_RETRIES": "-1"}, "task_timeout (K8S_TASK_TIMEOUT)"),
        ({}, {"DATABASE_URL": "postgresql://u:12/s3cret@h"}, "DATABASE_URL is malformed"),
        ({}, {"DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/d"}, "Connection refused"),
        ({}, {"DATABASE_URL": ""}, "make the Airflow connection 'k8s_inventory'"),
    ],
)
def test_bad_input_is_refused_by_plan_before_anything_is_touched(
    airflow: AirflowHome,
    cluster: Cluster,
    tmp_path: Path,
    database_url: str,
    conf: dict[str, object],
    env: dict[str, str],
    said: str,
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    run = airflow.test_dag(conf=conf, **({"KUBECONFIG": str(config), "DATABASE_URL": database_url} | env))
    assert run.returncode != 0
    assert said in run.stdout + run.stderr
    assert "s3cret" not in run.stdout + run.stderr
    assert airflow.states()["plan"] == airflow.states()["report"] == "failed"
    with Store.connect(database_url) as store:
        made = store.connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'k8s%'").fetchone()
        assert made == (0,)


def test_the_sql_shows_rendered_and_no_credential_shows_anywhere(
    airflow: AirflowHome, cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    planted = "pl4nted-s3cret"
    env_values = [{"name": "PASSWORD", "value": planted}]
    cluster.create(
        "/api/v1/namespaces/shop/pods", pod("planted", containers=[{"name": "m", "image": "i", "env": env_values}])
    )
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    url = database_url.replace("postgres@", "postgres:db-s3cret@")
    env = {"KUBECONFIG": str(config), "DATABASE_URL": url, "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG"}
    run = airflow.test_dag(**env)
    one = airflow.test_dag(conf={"resources": ["pods"]}, **env)  # of several kinds a task has no one SQL to show
    cluster.delete("/api/v1/namespaces/shop/pods/planted")
    assert run.returncode == one.returncode == 0
    fields = airflow.rendered()["test · pods"]
    assert 'INSERT INTO \\"k8s_pods\\"' in fields
    assert 'DELETE FROM \\"k8s_pods\\"' in fields
    assert "Truncated" not in fields, "a field is longer than the 4,096 characters that Airflow shows"
    kept = airflow.everything() + run.stdout + run.stderr + one.stdout + one.stderr
    with Store.connect(database_url) as store:
        tables = [
            row[0]
            for row in store.connection.execute(
                "SELECT relname FROM pg_class WHERE relname LIKE 'k8s%' AND relkind = 'r'"
            )
        ]
        for table in tables:
            kept += str(store.connection.execute(f'SELECT t::text FROM "{table}" t').fetchall())
    for secret in (planted, "db-s3cret", ADMIN.token):
        assert secret not in kept


def test_clusters_from_airflow_connections(
    airflow: AirflowHome, cluster: Cluster, second: Cluster, tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"inside": cluster}))
    by_path = {"conn_type": "kubernetes", "extra": {"kube_config_path": str(config), "cluster_context": "inside"}}
    content = json.dumps(yaml.safe_load(kubeconfig({"x": second})))
    by_content = {"conn_type": "kubernetes", "extra": {"kube_config": content}}
    nothing = {"conn_type": "kubernetes", "extra": {}}
    env = {
        "AIRFLOW_CONN_CLUSTER_A": json.dumps(by_path),
        "AIRFLOW_CONN_CLUSTER_B": json.dumps(by_content),
        "AIRFLOW_CONN_NOTHING": json.dumps(nothing),
        "AIRFLOW_CONN_K8S_INVENTORY": json.dumps(_postgres_connection(database_url)),
        "K8S_KUBERNETES_CONN_IDS": "cluster_a,cluster_b",
        "K8S_RESOURCES": "pods",
    }
    run = airflow.test_dag(**env)
    assert run.returncode == 0, run.stdout[-3000:]
    with Store.connect(database_url) as store:
        assert_table_equals_cluster(store, cluster, "pods", context="cluster_a")
        assert_table_equals_cluster(store, second, "pods", context="cluster_b")
    # One that names no cluster, and one that is not there, fail alone.
    mixed = airflow.test_dag(**(env | {"K8S_KUBERNETES_CONN_IDS": "cluster_a,nothing,missing"}))
    assert mixed.returncode != 0
    states = airflow.states()
    assert (states["cluster_a · pods"], states["nothing · pods"]) == ("success", "failed")
    assert "connection nothing must have exactly one of in_cluster, kube_config_path and kube_config" in mixed.stdout
    assert "there is no Airflow connection 'missing'" in mixed.stdout


def test_an_airflow_that_maps_little_and_a_connection_that_others_use(
    airflow: AirflowHome, cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    config, one = tmp_path / "config", yaml.safe_load(kubeconfig({"c0": cluster}))
    names = [f"c{number}" for number in range(5)]
    one["contexts"] = [{"name": name, "context": one["contexts"][0]["context"]} for name in names]
    config.write_text(yaml.safe_dump(one))
    run = airflow.test_dag(
        conf={"contexts": [], "resources": ["nodes", "namespaces"], "namespaces": [""]},
        KUBECONFIG=str(config),
        DATABASE_URL="",
        AIRFLOW_CONN_K8S_INVENTORY=json.dumps(
            {**_postgres_connection(database_url), "extra": {"cursor": "dictcursor"}}
        ),
        AIRFLOW__CORE__MAX_MAP_LENGTH="2",
    )
    assert run.returncode == 0, run.stdout[-3000:]
    states = airflow.states()
    assert {name for name in states if "·" in name} == {"c0 and 2 more · all", "c1 and 1 more · all"}
    with Store.connect(database_url) as store:
        for name in names:
            assert_table_equals_cluster(store, cluster, "namespaces", context=name)
            assert status_of(store, "nodes", context=name)["outcome"] == "complete"
    shown = json.loads(airflow.rendered()["c1 and 1 more · all"])
    assert set(shown) >= {"merge", "prune"}
    for name, text in shown.items():
        assert not text.endswith(".sql"), name
        assert "-- for nodes; " in text, name
        assert "Truncated" not in text, name
    assert 'INSERT INTO "k8s_nodes"' in shown["merge"]


def _postgres_connection(database_url: str) -> dict[str, object]:
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(database_url)
    return {"conn_type": "postgres", "host": parts["host"], "login": parts["user"], "schema": parts["dbname"]}


def test_the_report_says_what_a_view_of_a_crd_has_no_column_for(
    airflow: AirflowHome, second: Cluster, tmp_path: Path, database_url: str
) -> None:
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    wide = crd("wides", "wide.example")
    schema = wide["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"] = {
        "spec": {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(1700)}}
    }
    second.create(crds, wide)
    try:
        config = tmp_path / "config"
        config.write_text(kubeconfig({"test": second}))
        for _ in range(2):
            run = airflow.test_dag(conf={"resources": ["crds"]}, KUBECONFIG=str(config), DATABASE_URL=database_url)
            assert run.returncode == 0, run.stdout[-3000:]
            assert "Warning: crd_wides_wide_example can have no more columns" in run.stdout
    finally:
        second.delete(f"{crds}/wides.wide.example")


def test_many_targets_share_tasks(
    airflow: AirflowHome, cluster: Cluster, second: Cluster, tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"east": cluster, "west": second}))
    run = airflow.test_dag(KUBECONFIG=str(config), DATABASE_URL=database_url, K8S_MAX_TASKS="9")
    assert run.returncode == 0, run.stdout[-3000:]
    assert {name for name in airflow.states() if "·" in name} == {"east · all", "west · all"}
    with Store.connect(database_url) as store:
        for kind in KINDS:
            assert_table_equals_cluster(store, cluster, kind, context="east")


def test_a_context_is_forgotten_by_its_dag(
    airflow: AirflowHome, cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"gone": cluster}))
    env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url}
    assert airflow.test_dag(K8S_RESOURCES="pods", **env).returncode == 0
    with Store.connect(database_url) as store:
        assert rows_of(store, "pods", context="gone") > 0
        unknown = airflow.test_dag("k8s_inventory_forget", conf={"context": "other"}, **env)
        assert unknown.returncode != 0
        assert "there is: gone" in unknown.stdout
        assert airflow.test_dag("k8s_inventory_forget", conf={"context": "gone"}, **env).returncode == 0
        assert rows_of(store, "pods", context="gone") == 0
