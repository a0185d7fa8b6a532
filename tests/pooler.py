"""A PgBouncer before the database of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.cluster.cluster import free_ports


@contextmanager
def pooler(database_url: str, *, mode: str, **settings: object) -> Iterator[str]:
    """Yields the URL by which the database is reached through a pooler of this mode.

    It runs as the user whom the server, which knows its users by the socket, lets in.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("pgbouncer is missing; .ci/run installs it")
        pytest.skip("pgbouncer is not on the PATH")
    database = conninfo_to_dict(database_url)
    (port,) = free_ports(1)
    owner = Path(str(database["host"])).stat()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "pgbouncer.ini")
        given = {"listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "any"}
        lines = [f"{name} = {value}" for name, value in {**given, "pool_mode": mode, **settings}.items()]
        server = f"* = host={database['host']} port={database.get('port', 5432)} user=postgres"
        config.write_text("\n".join(["[databases]", server, "[pgbouncer]", *lines]) + "\n")
        as_owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        if as_owner:
            os.chown(folder, owner.st_uid, owner.st_gid)
        with Path(folder, "log").open("w+") as log:
            process = subprocess.Popen([program, "-q", str(config)], stdout=log, stderr=log, **as_owner)  # type: ignore[call-overload]
            url = make_conninfo(host="127.0.0.1", port=port, user="postgres", dbname=database["dbname"])
            try:
                _until_up(url, process, Path(folder, "log"))
                yield url
            finally:
                process.terminate()
                process.wait()


def _until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return
