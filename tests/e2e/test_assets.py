"""Other DAGs start on fresh tables, that of the report, too: a whole Airflow, with its scheduler."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import yaml

from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import ADMIN, User, free_ports
from tests.e2e.airflow_home import PROJECT, AirflowHome, server_settings, started, until
from tests.mail_sink import MailSink, html_of

DAGS = """
from airflow.sdk import DAG, Asset, AssetAlias, task

for name, schedule in (
    ("on_pods", [Asset("k8s_inventory/k8s_pods")]),
    ("on_deployments", [Asset("k8s_inventory/k8s_deployments")]),
    ("on_any", [AssetAlias("k8s_inventory")]),
):
    with DAG(name, schedule=schedule, is_paused_upon_creation=False):

        @task
        def started(triggering_asset_events=None):
            return {asset.name: [e.extra for e in events] for asset, events in triggering_asset_events.items()}

        started()
"""


@dataclass
class Running:
    """An Airflow whose programs run. Its contexts: `test`, `reader` whose user may list pods alone, and `dead`."""

    airflow: AirflowHome
    logs: list[Path]
    mail: MailSink
    reports: Path

    def until(self, what: str, check: Callable[[], bool]) -> None:
        until(what, check, self.logs)

    def run_inventory(self, run: str, state: str, **conf: Any) -> None:
        """A run by the scheduler, which would take tasks of one by `dags test`, too, if the DAG is not paused."""
        asked = ("--run-id", run, "--conf", json.dumps(conf))
        self.airflow.run("dags", "trigger", "k8s_inventory", *asked).check_returncode()
        ended = "SELECT state FROM dag_run WHERE run_id = %s AND state IN ('success', 'failed')"
        self.until(f"The end of {run}", lambda: self.airflow.query(ended, run) != [])
        assert self.airflow.query(ended, run) == [(state,)]

    def started(self, dag: str) -> list[dict[str, Any]]:
        """What each run of a DAG of `DAGS` was started by, once it has ended."""
        rows = self.airflow.query(
            "SELECT value FROM xcom JOIN dag_run USING (dag_id, run_id) "
            "WHERE dag_id = %s AND key = 'return_value' ORDER BY dag_run.id",
            dag,
        )
        return [json.loads(value) if isinstance(value, str) else value for (value,) in rows]


@pytest.fixture(scope="module")
def running(
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
    airflow_database: Callable[[], str],
    new_database: Callable[[], str],
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("running")
    dags = folder / "dags"
    dags.mkdir()
    for name in ("k8s_inventory.py", "k8s_inventory_report.py"):
        copy(PROJECT / "dags" / name, dags)
    (dags / "others.py").write_text(DAGS)
    configs = [folder / name for name in ("test", "reader", "dead")]
    configs[0].write_text(kubeconfig({"test": cluster}))
    configs[1].write_text(kubeconfig({"reader": cluster}, user=User("reader")))
    dead = yaml.safe_load(kubeconfig({"dead": cluster}))
    dead["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    configs[2].write_text(yaml.safe_dump(dead))
    api_port, health_port = free_ports(2)
    mail, reports = MailSink(), folder / "reports"
    to_me = {"to": "me@example.com", "subject": "{{ report.title }}", "html_content": "{{ report.html }}"}
    airflow = AirflowHome.make(
        folder / "airflow",
        database=airflow_database(),
        **server_settings(api_port, health_port),
        AIRFLOW__CORE__DAGS_FOLDER=str(dags),
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        AIRFLOW__CORE__PARALLELISM="4",
        AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL="5",
        KUBECONFIG=":".join(map(str, configs)),
        DATABASE_URL=new_database(),
        K8S_SCHEDULE="",
        K8S_RETRIES="0",
        K8S_RESOURCES="configmaps",
        K8S_INCREMENTAL_SCHEDULE="",
        K8S_START_ON_CHANGES="configmaps",
        K8S_START_APART="2",
        K8S_REPORT_QUERIES="security/privileged",
        K8S_REPORT_PATH=str(reports),
        K8S_REPORT_NOTIFIERS=json.dumps({"airflow.providers.smtp.notifications.smtp.SmtpNotifier": to_me}),
        AIRFLOW_CONN_SMTP_DEFAULT=mail.connection,
    )
    program = str(airflow.bin / "airflow")
    with ExitStack() as stack:
        stack.enter_context(mail)
        logs = [
            stack.enter_context(started(name, [program, name], airflow.env, folder))
            for name in ("api-server", "scheduler", "dag-processor", "triggerer")
        ]
        made = Running(airflow, logs, mail, reports)

        def is_up() -> bool:
            with urllib.request.urlopen(f"http://127.0.0.1:{api_port}/api/v2/monitor/health", timeout=5) as answer:
                return bool(answer.status == 200)

        made.until("The API server", is_up)
        made.until("The DAGs", lambda: airflow.query("SELECT count(*) FROM dag WHERE NOT is_stale")[0][0] >= 8)
        yield made


def test_a_run_starts_the_dags_that_wait_for_what_it_completed(running: Running, cluster: Cluster) -> None:
    """Of all workloads, pods can be read in one of two contexts, and nothing else."""
    airflow = running.airflow
    # `dead` fails it
    running.run_inventory("first", "failed", contexts=["reader", "dead"], resources=["workloads"])
    ((note,),) = airflow.query("SELECT content FROM dag_run_note JOIN dag_run ON dag_run.id = dag_run_id")
    assert note.startswith("**1 of ")
    assert "- `dead` unreachable: `pods`, `deployments` and " in note
    assert "- `reader` forbidden: " in note
    running.until("on_pods", lambda: len(running.started("on_pods")) == 1)
    (said,) = running.started("on_pods")
    (extra,) = said["k8s_inventory/k8s_pods"]
    assert extra["not_complete"] == {"dead": "unreachable"}
    assert extra["contexts"].keys() == {"reader"}
    assert extra["contexts"]["reader"]["objects"] == extra["objects"] == len(cluster.list("/api/v1/pods"))
    assert int(extra["contexts"]["reader"]["resource_version"]) > 0
    running.until("on_any", lambda: len(running.started("on_any")) == 1)
    assert airflow.query("SELECT name FROM asset_event JOIN asset ON asset.id = asset_id") == [
        ("k8s_inventory/k8s_pods",)
    ]
    runs = "SELECT dag_id, run_type, count(*) FROM dag_run WHERE dag_id LIKE %s GROUP BY 1, 2 ORDER BY 1"
    assert airflow.query(runs, "on_%") == [("on_any", "asset_triggered", 1), ("on_pods", "asset_triggered", 1)]


def test_a_new_hit_is_mailed_after_the_run_that_found_it(running: Running, cluster: Cluster) -> None:
    airflow = running.airflow
    airflow.run("dags", "unpause", "k8s_inventory_report").check_returncode()
    notes = (
        "SELECT run_type, state, content FROM dag_run LEFT JOIN dag_run_note ON dag_run.id = dag_run_id "
        "WHERE dag_id = 'k8s_inventory_report' ORDER BY dag_run.id"
    )
    path = "/api/v1/namespaces/shop/pods"

    def report(number: int) -> tuple[str, str, str]:
        """What is said of the so-many-th report, which a run of the inventory starts."""
        running.run_inventory(f"reported-{number}", "success", contexts=["test"], resources=["pods"])
        running.until("A report", lambda: [each[1] for each in airflow.query(notes)] == ["success"] * number)
        return airflow.query(notes)[-1]

    first = report(1)
    assert first[:2] == ("asset_triggered", "success")
    assert first[2].startswith("**0 new hits** of 1 query, 0 gone.")
    image = {"name": "main", "image": "registry.example/app:1", "securityContext": {"privileged": True}}
    cluster.create(path, {"metadata": {"name": "newly-privileged"}, "spec": {"containers": [image]}})
    try:
        second = report(2)
    finally:
        cluster.delete(f"{path}/newly-privileged")
    assert second[2].startswith("**1 new hit** of 1 query, 0 gone.\n\nNew:\n- `security/privileged`: 1 new of ")
    (mail,) = running.mail.messages
    assert mail["subject"] == "1 new hit of 1 query in the Kubernetes inventory"
    assert "newly-privileged" in html_of(mail)
    assert len(list(running.reports.rglob("security/privileged.csv"))) == 2
    assert "security/privileged" in (running.reports / "counts.svg").read_text()


def test_a_dag_that_is_only_tested_announces_as_well(running: Running) -> None:
    running.airflow.run("dags", "pause", "k8s_inventory").check_returncode()
    before = len(running.started("on_pods"))
    run = running.airflow.test_dag(conf={"contexts": ["test"], "resources": ["pods"], "namespaces": ["shop"]})
    assert run.returncode == 0, run.stdout[-3000:]
    running.until("on_pods", lambda: len(running.started("on_pods")) == before + 1)
    (extra,) = running.started("on_pods")[-1]["k8s_inventory/k8s_pods"]
    assert extra["contexts"]["test"]["scope"] != "all"


def test_a_change_starts_the_incremental_run(running: Running, cluster: Cluster) -> None:
    airflow = running.airflow
    airflow.run("dags", "unpause", "k8s_inventory_incremental").check_returncode()
    running.until("The trigger", lambda: airflow.query("SELECT 1 FROM trigger WHERE triggerer_id IS NOT NULL") != [])
    runs = "SELECT run_type, state FROM dag_run WHERE dag_id = 'k8s_inventory_incremental'"
    number = 0

    def is_started() -> bool:
        """What changes before the triggerer watches starts nothing."""
        nonlocal number
        number += 1
        path = "/api/v1/namespaces/shop/configmaps"
        cluster.create(path, {"metadata": {"name": f"changing-{number}"}})
        cluster.delete(f"{path}/changing-{number}")
        return airflow.query(runs) != []

    running.until("An incremental run", is_started)
    events = airflow.query(
        "SELECT asset_event.extra FROM asset_event JOIN asset ON asset.id = asset_id "
        "WHERE name = 'k8s_inventory/changes'"
    )
    said = [json.loads(extra) if isinstance(extra, str) else extra for (extra,) in events]
    assert {"from_trigger": True, "payload": {"changed": {"test": ["configmaps"]}}} in said
    running.until("The end of the run", lambda: ("asset_triggered", "failed") in airflow.query(runs))  # by `dead`
    assert {run_type for run_type, _ in airflow.query(runs)} == {"asset_triggered"}
    triggerer = next(log for log in running.logs if log.name == "triggerer.log").read_text()
    assert triggerer.count("context dead") == 1
    ((kwargs,),) = airflow.query("SELECT kwargs FROM trigger")
    assert ADMIN.token not in triggerer + airflow.everything()
    assert kwargs.startswith("gAAAA")  # encrypted, and nothing in it that would need to be
