"""A real Airflow in a folder of its own, run as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

PROJECT = Path(__file__).parents[2]


@dataclass
class AirflowHome:
    """`database` is the libpq URL of Airflow's own database: its SQLite was found unreadable after a run now and then.

    `bin` is the folder of the airflow program; `dags` and `plugins` are those of the checkout by default.
    """

    home: Path
    database: str
    env: dict[str, str]
    bin: Path = Path(sys.executable).parent

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
        made.run("db", "migrate").check_returncode()
        return made

    def run(self, *arguments: str, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / "airflow"), *arguments]
        return subprocess.run(
            command,
            env={**self.env, **env},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def test_dag(
        self, dag: str = "k8s_inventory", *, conf: dict[str, Any] | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """`airflow dags test`; its return code says whether the run succeeded."""
        extra = ("--conf", json.dumps(conf)) if conf else ()
        return self.run("dags", "test", dag, *extra, **env)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of Airflow's own database."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement.encode()).fetchall()

    def states(self) -> dict[str, str]:
        """The state of each task of the last run, by its name in the grid."""
        rows = self.query(
            "SELECT coalesce(rendered_map_index, task_id), state FROM task_instance WHERE run_id = "
            "(SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1)"
        )
        return dict(rows)

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
