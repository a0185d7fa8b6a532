"""`make cloudquery`: the real CloudQuery CLI with cloudquery.yml, into the embedded PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from k8s_inventory.kinds import KINDS
from k8s_inventory.store.database import connection_parameters
from k8s_inventory.store.refusals import explained
from quickstart import airflow, demo, postgres
from quickstart.places import CLOUDQUERY, PROJECT, private, socket_folder, write_private
from quickstart.processes import started

SCHEMA = "cloudquery"
"""Tables that CloudQuery writes have columns of its own, so they stand apart from those of the DAG."""
_DESTINATION = "QUICKSTART_DESTINATION_URL"


def run() -> int:
    """The exit status of `cloudquery sync`."""
    kubeconfig = None
    if not airflow.has_kubeconfig():
        print("No kubeconfig ($KUBECONFIG, ~/.kube/config): starting two demo clusters.", flush=True)
        kubeconfig = demo.start()
    database_url = _in_schema(postgres.database_url())
    with explained("database"), psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    env = {**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}{os.pathsep}{PROJECT}", _DESTINATION: database_url}
    if kubeconfig:
        env |= demo.environment(kubeconfig)
    config = _config()
    for program in ("source", "destination"):  # the CLI gives them some seconds to start; the first time takes more
        with started([str(CLOUDQUERY / program), "--help"], env=env, stdout=subprocess.DEVNULL) as (process,):
            process.wait()
    command = [sys.executable, "-m", "cloudquery", "sync", str(config), "--telemetry-level", "none"]
    print("Its destination here is the small one of the tests: CloudQuery's own needs `cloudquery login`.", flush=True)
    # The CLI tells its plugins by their arguments, which everybody can read, where to make their sockets. In a folder
    # that all users share, somebody could be there first, and would be sent the URL of the database.
    sockets = socket_folder()
    try:
        with started(command, cwd=CLOUDQUERY, env={**env, "TMPDIR": str(sockets)}) as (process,):
            status = process.wait()
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    if status:
        print(f"The log is {CLOUDQUERY / 'cloudquery.log'}", file=sys.stderr)
    _show(database_url)
    print(f'Connect with:  make psql   and   SET search_path TO {SCHEMA}, "$user", public;')
    return status


def _in_schema(database_url: str) -> str:
    """The URL with the tables in `SCHEMA`. Raises `StoreError`."""
    parameters = connection_parameters(database_url)
    options = f"{parameters.get('options', '')} -csearch_path={SCHEMA}".strip()
    return postgres.url(parameters | {"options": options})


def _config() -> Path:
    """cloudquery.yml with this checkout's programs in it. The URL of the database is in the environment alone."""
    private(CLOUDQUERY)
    source, destination = yaml.safe_load_all((PROJECT / "cloudquery.yml").read_text())
    source["spec"]["path"] = _program("source", "k8s_inventory.cloudquery.serve")
    source["spec"]["spec"] = {}
    local: dict[str, Any] = {"registry": "local", "path": _program("destination", "tests.destination")}
    destination["spec"] |= {**local, "spec": {"url": f"${{{_DESTINATION}}}"}}
    path = CLOUDQUERY / "cloudquery.yml"
    write_private(path, yaml.safe_dump_all([source, destination]))
    return path


def _program(name: str, module: str) -> str:
    path = CLOUDQUERY / name
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
    path.chmod(0o700)
    return str(path)


def _show(database_url: str) -> None:
    table = Table("table", "rows", "contexts", box=SIMPLE_HEAD, pad_edge=False)
    with explained("database"), psycopg.connect(database_url) as connection:
        for kind in KINDS.values():
            if connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.{kind.table}"]).fetchone() == (None,):
                continue
            count = sql.SQL("SELECT count(*), count(DISTINCT context_name) FROM {}").format(sql.Identifier(kind.table))
            rows = connection.execute(count).fetchone()
            table.add_row(kind.table, *map(str, rows or ()))
    Console().print(table)
