"""Another user of the machine reaches nothing that the quickstart and the tests start."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from quickstart import embedded, places
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN
from tests.databases import VERSIONS, Server
from tests.other_user import as_nobody, let_pass, only_root_is_others, open_to_others

LONG = "folder-with-a-long-name-" * 4
"""A socket in a folder of this name has a path that is too long."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where others can pass: pytest shuts its folders, and here it is the server that must."""
    tmp_path.chmod(0o755)
    let_pass(tmp_path)
    return tmp_path / "data"


def _connect(server: embedded.Server) -> str:
    with psycopg.connect(server.url()) as connection:
        return str(connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone())


@pytest.mark.parametrize("within", ["", LONG, "a, b's"], ids=["short", "long", "odd"])
@pytest.mark.parametrize("version", [version for version in VERSIONS if version >= 16])
def test_the_embedded_database_is_its_users_alone(data: Path, version: int, within: str) -> None:
    folder = data.parent / within
    folder.mkdir(mode=0o755, exist_ok=True)
    server = embedded.start(folder / "data", version=version)
    try:
        assert _connect(server) == "(True,)"
        assert not open_to_others(server.data)
        assert not open_to_others(server.folder)
        assert embedded.start(folder / "data") == server, "it runs already"
        (running,) = (each for each in psutil.process_iter() if str(server.data) in _arguments(each)[1:3])
        assert running.net_connections("inet") == []
        if os.geteuid() == 0:
            for secret in (server.data, server.folder):
                assert as_nobody(lambda at=secret: os.listdir(at)).startswith("PermissionError")  # type: ignore[misc]
            assert "Permission denied" in as_nobody(lambda: _connect(server))
            server.folder.chmod(0o777)
            assert "Peer authentication failed" in as_nobody(lambda: _connect(server))
    finally:
        assert embedded.stop(server.data)
    assert not embedded.stop(server.data)
    assert server.folder == server.data or not server.folder.exists()


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@only_root_is_others
@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
def test_a_database_of_an_earlier_version_is_shut_and_keeps_its_data(data: Path, runs: bool) -> None:
    """As the wheel makes it for a long path: everybody is trusted, by a socket in a folder that everybody may enter."""
    folder = data.parent / LONG
    folder.mkdir()
    data = folder / "data"
    version = VERSIONS[0]
    shared = Path(tempfile.mkdtemp(prefix="k8s-inventory-test-", dir="/tmp"))
    shared.chmod(0o777)
    embedded._make_data(data, version, embedded._owner(data))
    (data / "pg_hba.conf").write_text("local all all trust\n")
    command = ["-w", "-D", str(data), "-l", str(data / "log"), "-o", f"-h '' -k {shared}", "start"]
    embedded._run(data, version, "pg_ctl", *command)
    old = embedded.Server(data, shared)
    assert as_nobody(lambda: _connect(old)) == "got '(True,)'", "the attack as it was"
    with psycopg.connect(old.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    if not runs:
        embedded._run(data, version, "pg_ctl", "-w", "-D", str(data), "stop")
    server = embedded.start(data)
    try:
        for each in (old, server):
            refused = as_nobody(lambda at=each: _connect(at))  # type: ignore[misc]
            assert refused.startswith("OperationalError"), refused
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert (data / "pg_hba.conf").read_text() == "local all all trust\n", "the user's own file was changed"
    finally:
        embedded.stop(data)
        if not runs:
            shared.rmdir()
    assert not shared.exists()


@only_root_is_others
def test_the_folders_above_are_opened_for_passing_and_not_for_looking(tmp_path: Path) -> None:
    shut = tmp_path / "home"
    shut.mkdir(mode=0o700)
    try:
        server = embedded.start(shut / "data")
        assert _connect(server) == "(True,)"
        assert shut.stat().st_mode & 0o777 == 0o701
    finally:
        embedded.stop(shut / "data")


def test_what_the_quickstart_keeps_is_shut_whatever_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LOCAL", tmp_path)
    left = tmp_path / "airflow"
    left.mkdir(mode=0o755)
    (left / "passwords").write_text("s3cret")
    (left / "passwords").chmod(0o644)
    places.private(left)
    assert not open_to_others(left)
    assert not open_to_others(left / "passwords")
    reader = (left / "passwords").open()  # somebody may have it open already
    places.write_private(left / "passwords", "another")
    assert reader.read() == "s3cret", "it went into a file that others have open"
    assert (left / "passwords").read_text() == "another"
    assert not open_to_others(left / "passwords")
    assert [each.name for each in left.iterdir()] == ["passwords"]


def test_a_cluster_of_the_demo_is_its_users_alone(cluster: Cluster) -> None:
    assert not open_to_others(cluster.directory)
    listens = {
        connection.laddr.port
        for pid in cluster.pids.values()
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listens == {cluster.port}, "its etcd asks nobody who he is"
    assert ADMIN.token in (cluster.directory / "tokens.csv").read_text()
    assert ADMIN.token != "admin-token", "others can guess it"
    if os.geteuid() == 0:
        for path in ("tokens.csv", "service-account.key", "etcd", "state.json"):
            assert as_nobody(lambda at=path: os.stat(cluster.directory / at)).startswith("PermissionError")  # type: ignore[misc]
        etcd = socket.socket(socket.AF_UNIX)
        assert as_nobody(lambda: etcd.connect(str(cluster.directory / "client:0"))).startswith("PermissionError")
        etcd.close()


def test_the_servers_of_the_tests_are_shut_too(database_servers: Callable[[int], Server]) -> None:
    for version in VERSIONS:
        server = database_servers(version)
        with psycopg.connect(server.url("postgres")) as connection:
            folder = connection.execute("SELECT current_setting('unix_socket_directories')").fetchone()
        assert folder
        assert not open_to_others(folder[0])
