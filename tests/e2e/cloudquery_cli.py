"""The real CloudQuery CLI, with our plugin as a user installs it and a destination that writes to PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.installed import PROJECT


@dataclass
class CloudQuery:
    """A folder to run in. `plugin` is the source's program; `destination` the spec of tests/destination.py.

    `destination_at` is where that is served already (host:port); by default the CLI starts it. `pk_mode` is what it
    takes for the key of a table.
    """

    folder: Path
    plugin: Path
    destination: dict[str, Any]
    destination_at: str | None = None
    pk_mode: str = "default"

    @property
    def database(self) -> str:
        """The URL of the database that the destination writes to."""
        return str(self.destination["url"])

    def config(self, *sources: dict[str, Any], write_mode: str = "overwrite-delete-stale") -> Path:
        """A configuration file; what a source gives replaces the defaults: `name`, `tables`, `spec` ..."""
        documents = []
        for each in sources or ({},):
            defaults = {
                "name": "k8s",
                "registry": "local",
                "path": str(self.plugin),
                "version": "v1.0.0",
                "tables": ["*"],
                "destinations": ["pg"],
            }
            documents.append({"kind": "source", "spec": {**defaults, **each}})
        destination = self.folder / "destination"
        destination.write_text(f'#!/bin/sh\ncd {PROJECT} && exec {sys.executable} -m tests.destination "$@"\n')
        destination.chmod(0o755)
        spec = {
            "name": "pg",
            **({"registry": "grpc", "path": at} if (at := self.destination_at) else {"registry": "local"}),
            "version": "v1.0.0",
            "write_mode": write_mode,
            "pk_mode": self.pk_mode,
            "spec": self.destination,
        }
        spec.setdefault("path", str(destination))
        path = self.folder / "cloudquery.yml"
        path.write_text(yaml.safe_dump_all([*documents, {"kind": "destination", "spec": spec}]))
        return path

    def run(self, command: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Once more where the CLI has killed a plugin that did not listen in time, as on a busy machine."""
        for _ in range(5):
            done = subprocess.run(**self.arguments(command, *arguments, **env), capture_output=True, timeout=300)
            said = done.stdout + done.stderr
            if "failed to run plugin" not in said or "signal: killed" not in said:
                break
        return done

    def start(self, command: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            **self.arguments(command, *arguments, **env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def arguments(self, command: str, *arguments: str, **env: str) -> dict[str, Any]:
        return {
            "args": [
                str(Path(sys.executable)),
                "-m",
                "cloudquery",
                command,
                *arguments,
                "--telemetry-level",
                "none",
                "--no-log-file",
                "--log-console",
            ],
            "env": {**os.environ, "PYTHONPATH": f"{PROJECT}/plugins:{PROJECT}", **env},
            "cwd": self.folder,
            "text": True,
        }

    def sync(self, *sources: dict[str, Any], write_mode: str = "overwrite-delete-stale", level: str = "info") -> str:
        """Everything that a sync printed, which succeeds."""
        done = self.run("sync", str(self.config(*sources, write_mode=write_mode)), "--log-level", level)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def failing_sync(self, *sources: dict[str, Any]) -> str:
        """Everything that a sync printed, which fails."""
        done = self.run("sync", str(self.config(*sources)))
        assert done.returncode != 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            connection.execute("SET timezone TO 'UTC'")
            return connection.execute(statement.encode()).fetchall()

    def count(self, table: str, where: str = "true") -> int:
        return int(self.query(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])
