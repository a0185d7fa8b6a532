"""PostgreSQL servers for tests: the two of the embedded wheel, and Debian's 15 where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
