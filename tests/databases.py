"""PostgreSQL servers for tests: the two of the embedded wheel, and Debian's 15 where it is installed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from quickstart import embedded

DEBIAN = Path("/usr/lib/postgresql/15/bin")
if (DEBIAN / "initdb").exists():
    embedded.PROGRAMS[15] = DEBIAN
VERSIONS: list[int] = sorted(embedded.PROGRAMS, reverse=True)


@dataclass(frozen=True)
class Server:
    url: Callable[[str], str]
    stop: Callable[[], object]


def start(version: int, folder: Path) -> Server:
    """Starts a server of this version with its data in `folder`; it listens on a socket file alone."""
    server = embedded.start(folder / "data", version=version)
    return Server(server.url, lambda: embedded.stop(server.data))


def administer(database_url: str, *statements: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for each in statements:
            connection.execute(each.encode())


def new_database(server: Server, template: str = "template1") -> str:
    """Makes a database, with what the one of the name `template` holds."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    administer(server.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return server.url(name)


def drop_database(server: Server, database_url: str) -> None:
    administer(server.url("postgres"), f"DROP DATABASE {name_of(database_url)} WITH (FORCE)")


def name_of(database_url: str) -> str:
    return str(conninfo_to_dict(database_url)["dbname"])
