"""A real Airflow in a folder of its own, run as its users run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.cluster import Cluster, kubeconfig

PROJECT = Path(__file__).parents[2]


@dataclass
class AirflowHome:
    """`database` is the libpq URL of Airflow's own database: its SQLite was found unreadable after a run now and then.

    `bin` is the folder of the airflow program; `dags` and `plugins` are those of the checkout by default.
    What a command said of errors is printed, so that a test that fails says why.
    """

    home: Path
    database: str
    env: dict[str, str]
    bin: Path = Path(sys.executable).parent
    tested: datetime | None = None
    """The logical date of the last run of `test_dag`: no other has it."""

    @classmethod
    def make(
        cls,
        home: Path,
        *,
        database: str,
        plugins: Path | None = PROJECT / "plugins",
        bin: Path | None = None,
        **env: str,
    ) -> AirflowHome:
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHONPATH"))}
        settings = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql://", "postgresql+psycopg://"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins or home / "no-plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        }
        home.mkdir(exist_ok=True)
        made = cls(home, database, {**keep, **settings, **env}, bin or Path(sys.executable).parent)
        if made.query("SELECT to_regclass('alembic_version')") == [(None,)]:
            made.run("db", "migrate").check_returncode()
        return made

    @classmethod
    def of_wheel(cls, folder: Path, *, bin: Path, cluster: Cluster, database: str, inventory: str) -> AirflowHome:
        """As of a deployment that has the DAG file, an installed wheel, and nothing else of the checkout."""
        dags, config = folder / "dags", folder / "config"
        dags.mkdir()
        shutil.copy(PROJECT / "dags" / "k8s_inventory.py", dags)
        config.write_text(kubeconfig({"test": cluster}))
        return cls.make(
            folder / "airflow",
            database=database,
            plugins=None,
            bin=bin,
            AIRFLOW__CORE__DAGS_FOLDER=str(dags),
            KUBECONFIG=str(config),
            DATABASE_URL=inventory,
        )

    def run(self, *arguments: str, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / "airflow"), *arguments]
        done = subprocess.run(
            command,
            env={**self.env, **env},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        print(f"$ airflow {' '.join(arguments)}\n{_errors(done.stdout)}\n{done.stderr[-2000:]}\n= {done.returncode}")
        return done

    def test_dag(
        self, dag: str = "k8s_inventory", *, conf: dict[str, Any] | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """`airflow dags test`; its return code says whether the run succeeded."""
        extra = ("--conf", json.dumps(conf)) if conf else ()
        self.tested = datetime.now(UTC)
        return self.run("dags", "test", dag, self.tested.isoformat(), *extra, **env)

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of Airflow's own database."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def states(self) -> dict[str, str]:
        """The state of each task of the last run of `test_dag`, by its name in the grid."""
        return self._of_tested("coalesce(rendered_map_index, task_id), task_instance.state")

    def note(self) -> str:
        """The note of the last run of `test_dag`."""
        found = "SELECT content FROM dag_run JOIN dag_run_note ON dag_run.id = dag_run_id WHERE logical_date = %s"
        ((content,),) = self.query(found, self.tested)
        return str(content)

    def rendered(self) -> dict[str, str]:
        """What the UI shows of each mapped task of the last run of `test_dag` (JSON), by its name in the grid."""
        return self._of_tested("rendered_map_index, rendered_fields::text")

    def _of_tested(self, columns: str) -> dict[str, str]:
        return dict(
            self.query(
                f"SELECT {columns} FROM dag_run JOIN task_instance USING (dag_id, run_id) "
                "LEFT JOIN rendered_task_instance_fields USING (dag_id, run_id, task_id, map_index) "
                "WHERE logical_date = %s",
                self.tested,
            )
        )

    def everything(self) -> str:
        """All that Airflow keeps, as text: its database, XComs and rendered fields, and its logs."""
        parts = [path.read_bytes().decode(errors="replace") for path in self.home.rglob("*") if path.is_file()]
        with psycopg.connect(self.database) as connection:
            for (table,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall():
                rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
                parts += [row for (row,) in rows]
        return "\n".join(parts)


def server_settings(api_port: int, health_port: int) -> dict[str, str]:
    """The environment of Airflow's own servers, on loopback alone."""
    return {
        # Of programs that start side by side, each makes a key of its own where there is no airflow.cfg.
        "AIRFLOW__CORE__FERNET_KEY": "Zm9yLXRoaXMtdGVzdC1hbG9uZS0wMTIzNDU2Nzg5YWI=",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{api_port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api_port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": "a-secret-for-this-test",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a-jwt-secret-for-this-test-of-64-bytes-or-more-0123456789-abcdef",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(health_port),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": "0",
    }


@contextmanager
def started(name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> Iterator[Path]:
    """A program with its log in a file, ended by its own pid."""
    log = folder / f"{name}.log"
    process = subprocess.Popen(command, env=env, cwd=folder, stdout=log.open("w"), stderr=subprocess.STDOUT)
    try:
        yield log
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def until(what: str, check: Callable[[], bool], logs: Sequence[Path], seconds: float = 400) -> None:
    """Waits for what programs do; where they do not, says what their logs end with."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, psycopg.Error):
            if check():
                return
        time.sleep(0.5)
    tails = "\n".join(f"== {log.name}\n{log.read_text()[-1500:]}" for log in logs)
    raise AssertionError(f"{what} did not happen in {seconds} s\n{tails}")


def _errors(said: str) -> str:
    """The lines of a log that tell of errors, what stands between the log's lines, and the end."""
    lines = [line for line in said.splitlines() if "[error" in line or not re.match(r"\s|\d{4}-", line)]
    return "\n".join([*lines, "...", said[-2000:]])
