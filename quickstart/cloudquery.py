"""`make cloudquery`: the real CloudQuery CLI with cloudquery.yml, into the embedded PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from k8s_inventory.kinds import KINDS
from quickstart import airflow, demo, postgres
from quickstart.places import LOCAL, PROJECT

FOLDER = LOCAL / "cloudquery"
SCHEMA = "cloudquery"
"""Tables that CloudQuery writes have columns of its own, so they stand apart from those of the DAG."""


def run() -> int:
    """The exit status of `cloudquery sync`."""
    kubeconfig = None
    if not airflow.has_kubeconfig():
        print("No kubeconfig ($KUBECONFIG, ~/.kube/config): starting two demo clusters.", flush=True)
        kubeconfig = demo.start()
    database_url = make_conninfo(postgres.database_url(), options=f"-csearch_path={SCHEMA}")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    env = {**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}{os.pathsep}{PROJECT}"}
    if kubeconfig:
        env["KUBECONFIG"] = kubeconfig
    config = _config(database_url)
    for program in ("source", "destination"):  # the CLI gives them some seconds to start; the first time takes more
        subprocess.run([str(FOLDER / program), "--help"], env=env, stdout=subprocess.DEVNULL, check=True)
    command = [sys.executable, "-m", "cloudquery", "sync", str(config), "--telemetry-level", "none"]
    print("Its destination here is the small one of the tests: CloudQuery's own needs `cloudquery login`.", flush=True)
    status = subprocess.run(command, cwd=FOLDER, env=env, check=False).returncode
    if status:
        print(f"The log is {FOLDER / 'cloudquery.log'}", file=sys.stderr)
    _show(database_url)
    print(f'Connect with:  make psql   and   SET search_path TO {SCHEMA}, "$user", public;')
    return status


def _config(database_url: str) -> Path:
    """cloudquery.yml with this checkout's programs in it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    source, destination = yaml.safe_load_all((PROJECT / "cloudquery.yml").read_text())
    source["spec"]["path"] = _program("source", "k8s_inventory.cloudquery.serve")
    source["spec"]["spec"] = {}
    local: dict[str, Any] = {"registry": "local", "path": _program("destination", "tests.destination")}
    destination["spec"] |= {**local, "spec": {"url": database_url}}
    path = FOLDER / "cloudquery.yml"
    path.touch(0o600)
    path.write_text(yaml.safe_dump_all([source, destination]))
    return path


def _program(name: str, module: str) -> str:
    path = FOLDER / name
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
    path.chmod(0o755)
    return str(path)


def _show(database_url: str) -> None:
    table = Table("table", "rows", "contexts", box=SIMPLE_HEAD, pad_edge=False)
    with psycopg.connect(database_url) as connection:
        for kind in KINDS.values():
            if connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.{kind.table}"]).fetchone() == (None,):
                continue
            count = sql.SQL("SELECT count(*), count(DISTINCT context_name) FROM {}").format(sql.Identifier(kind.table))
            rows = connection.execute(count).fetchone()
            table.add_row(kind.table, *map(str, rows or ()))
    Console().print(table)
