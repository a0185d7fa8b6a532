"""`make run` as a user types it; the run on the demo clusters is a step of .ci/run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from k8s_inventory.store import Store
from quickstart.airflow import LOG
from quickstart.places import LOCAL
from tests.cluster import Cluster, kubeconfig, wait_until
from tests.cluster.cluster import free_ports
from tests.cluster.objects import pod
from tests.e2e.airflow_home import PROJECT
from tests.equality import assert_table_equals_cluster
from tests.other_user import open_to_others
from tests.proxy import Answer, Proxy
from tests.terminals import Shown, on_terminal


def program(command: str, **env: str) -> dict[str, Any]:
    """How subprocess is to start a command of the Makefile."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "K8S_", "PG"))}
    full = {**keep, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}", **env}
    return {"args": [sys.executable, "-m", "quickstart", command], "cwd": PROJECT, "env": full, "text": True}


def run_on_terminal(*, columns: int, **env: str) -> Shown:
    given = program("run", TERM="xterm-256color", **env)
    return on_terminal(given["args"], cwd=given["cwd"], env=given["env"], columns=columns, seconds=300)


def run(command: str = "run", *, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**program(command, **env), input=given, capture_output=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def west(start_cluster: Callable[..., Cluster]) -> Cluster:
    return start_cluster()


@pytest.fixture(scope="module")
def config(cluster: Cluster, west: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two live contexts and a dead one."""
    content = yaml.safe_load(kubeconfig({"east": cluster, "west": west, "dead": cluster}))
    content["clusters"][2]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path_factory.mktemp("contexts") / "config"
    path.write_text(yaml.safe_dump(content))
    return path


def test_one_command_syncs_all_contexts_and_says_what_is_not_complete(
    cluster: Cluster, config: Path, database_url: str
) -> None:
    done = run(KUBECONFIG=str(config), DATABASE_URL=database_url)
    assert done.returncode == 1, done.stdout + done.stderr
    for said in (
        "east      workloads",
        "dead · all of 59 kinds: unreachable",
        "(queries/images/running.sql)",
        "make psql",
        "psql 'postgresql://",
    ):
        assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    with Store.connect(database_url) as store:
        assert_table_equals_cluster(store, cluster, "pods", context="east")

    # The first of its hosts does not answer. Its password is where a URL may have it, too.
    several = database_url.replace("?host=", "?host=127.0.0.1,").replace("&port=", "&port=1,") + "&password=pl4nted"
    cluster.create("/api/v1/namespaces/shop/pods", pod("made-between"))
    env = {"KUBECONFIG": str(config), "DATABASE_URL": several, "K8S_CONTEXTS": "east,west", "K8S_RESOURCES": "po,svc"}
    live = run_on_terminal(columns=40, **env)
    cluster.delete("/api/v1/namespaces/shop/pods/made-between")
    assert live.status == 0, live.text
    assert not live.hid_the_cursor
    count = len(cluster.list("/api/v1/pods")) + 1 + len(cluster.list("/api/v1/services"))
    assert any(line.startswith("east") and f"{count} objects" in line for line in live.screen), live.screen
    assert "shop/made-between" in "".join(live.text.split()), "it tells what changed"
    assert "Performing upgrade" not in LOG.read_text(), "Airflow's database was made by the run before"
    assert "pl4nted" not in live.text + LOG.read_text()
    for path in (LOCAL / "airflow", *(LOCAL / "airflow").iterdir()):
        assert not path.stat().st_mode & 0o077 or not path.is_file(), path
    assert not (LOCAL / "airflow").stat().st_mode & 0o077


EVIL = "a\x1b]0;pwned\x07b\x1b[2Jc\r\nforged: complete\x7f\x9b31m\u202ereversed\u2028[/x][link=https://evil.example]here[/link]"


@pytest.fixture
def hostile(cluster: Cluster, proxy: Proxy, tmp_path: Path) -> Iterator[Path]:
    """A context of an evil name, to a cluster with evil images and states, whose API server sends evil messages."""
    made = pod("evil", containers=[{"name": "main", "image": EVIL.replace("\r\n", "")}])
    cluster.create("/api/v1/namespaces/shop/pods", made)
    waiting = {"name": "main", "image": EVIL, "imageID": "", "ready": False, "restartCount": 0}
    waiting["state"] = {"waiting": {"reason": EVIL, "message": EVIL}}
    status = {"phase": "Running", "containerStatuses": [waiting]}
    cluster.replace_status("/api/v1/namespaces/shop/pods/evil", made | {"status": status})
    messages = {"/services?": 403, "/endpoints?": 500, "/configmaps?": 418}

    def spoil(path: str, real: Answer) -> Answer | None:
        code = next((code for part, code in messages.items() if part in path), None)
        if "/nodes?" in path:
            return real.with_json({**real.json, "metadata": {"resourceVersion": "1", "continue": EVIL}})
        return Answer(code, json.dumps({"kind": "Status", "message": EVIL}).encode()) if code else None

    proxy.spoil = spoil
    content: Any = proxy.context.kubeconfig
    content["contexts"][0]["name"] = content["current-context"] = EVIL
    path = tmp_path / "hostile"
    path.write_text(yaml.safe_dump(content))
    yield path
    cluster.delete("/api/v1/namespaces/shop/pods/evil")


def test_what_comes_from_a_cluster_shows_on_the_terminal_and_does_nothing_else(
    hostile: Path, database_url: str
) -> None:
    resources = "pods,services,endpoints,configmaps,nodes"
    env = {"KUBECONFIG": str(hostile), "DATABASE_URL": database_url, "K8S_RESOURCES": resources}
    done = run_on_terminal(columns=110, **env)
    log = LOG.read_text()
    assert done.status == 1, done.text
    assert "Connect with:  make psql" in done.text, "it ended before its end"
    for said in (done.text, log):
        for line in said.split("\n"):
            assert line.isprintable(), repr(line)
            assert not line.startswith("forged"), repr(line)
    assert r"\x1b]0;pwned\x07" in done.text
    assert "".join(done.text.split()).count("[/x][link=https://evil.example]here[/link]") >= 4
    with Store.connect(database_url) as store:
        columns = "concat_ws(' ', error, warning)"
        stored = store.connection.execute(f"SELECT {columns} FROM k8s_sync_runs").fetchall()  # type: ignore[arg-type]
        assert all(line.isprintable() for (text,) in stored for line in text.split("\n"))
        names = store.connection.execute("SELECT DISTINCT context_name FROM k8s_pods").fetchall()
        assert names == [(EVIL,)], "rows hold what is there"
    unknown = run(KUBECONFIG=str(hostile), DATABASE_URL=database_url, K8S_CONTEXTS="other")
    assert unknown.returncode == 2
    assert all(line.isprintable() for line in unknown.stderr.split("\n"))


@pytest.mark.parametrize("password", ["pl4n/ted", "12/pl4n@ted"])
@pytest.mark.parametrize("command", ["psql", "run", "cloudquery"])
def test_a_password_that_is_not_escaped_is_refused_by_every_command(config: Path, command: str, password: str) -> None:
    url = f"postgresql://user:{password}@db.invalid:5432/inventory"
    done = run(command, KUBECONFIG=str(config), DATABASE_URL=url)
    assert done.returncode == 2
    assert "DATABASE_URL is malformed" in done.stderr
    for part in ("pl4n", "ted@", "Traceback"):
        assert part not in done.stdout + done.stderr


def test_psql_takes_the_password_where_nobody_sees_it(database_url: str) -> None:
    """psql itself says what its arguments are, as every user of the machine may read them."""
    show = "\\! tr '\\0' ' ' < /proc/$PPID/cmdline\nSELECT 'connected as', current_user;\n\\! echo $PGPASSWORD\n"
    for url in (
        database_url.replace("postgres@", "postgres:pl4n%2Fted@"),
        f"{database_url}&password=pl4n%2Fted",
        make_conninfo(database_url, password="pl4n/ted"),
    ):
        done = run("psql", given=show, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        arguments, _, rest = done.stdout.partition("connected as")
        assert "psql" in arguments
        assert "pl4n" not in arguments
        assert "pl4n/ted" in rest, "it did not reach psql at all"


def test_the_ui_listens_on_loopback_alone_and_ends_with_a_signal(config: Path, database_url: str) -> None:
    (port,) = free_ports(1)
    env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url, "AIRFLOW__API__PORT": str(port)}
    started = subprocess.Popen(**program("ui", **env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert started.stdout is not None
        said = ""
        while "Press Ctrl-C" not in said:
            line = started.stdout.readline()
            assert line, said
            said += line
        password = said.partition("password: ")[2].split()[0]
        passwords = LOCAL / "airflow" / "simple_auth_manager_passwords.json.generated"
        assert json.loads(passwords.read_text()) == {"admin": password}
        assert passwords.stat().st_mode & 0o777 == 0o600
        family = psutil.Process(started.pid).children(recursive=True)
        assert {"api_server", "scheduler", "dag-processor", "triggerer"} <= set(" ".join(map(_command, family)).split())
        listening = [
            (connection.laddr.ip, _command(each))
            for each in family
            for connection in each.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert {address for address, _ in listening} == {"127.0.0.1"}, listening
        second = run("ui", **env)
        assert second.returncode == 1, "it would show the password to whoever listens there"
        assert f"Something else listens on port {port}" in second.stderr
        family = psutil.Process(started.pid).children(recursive=True)
        started.send_signal(signal.SIGTERM)
        assert started.wait(40) == 128 + signal.SIGTERM
        assert [_command(each) for each in family if _runs(each.pid)] == []
    finally:
        started.kill()
        started.communicate()


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_that_a_program_has_started(tmp_path: Path, number: signal.Signals) -> None:
    """Also what has left its group, what was left by its parent, and what is deaf to signals."""
    deaf = tmp_path / "deaf"
    deaf.write_text("trap '' INT TERM HUP; echo $$ >> pids; while :; do sleep 0.1; done")
    family = "set -m; (sh deaf &); sh deaf & exec sh deaf"
    code = f"""
        import signal, sys, time
        from quickstart import processes
        processes.GRACE_SECONDS = 1
        signal.signal(signal.SIGINT, signal.default_int_handler)
        processes.end_on_signals()
        with processes.started(["sh", "-c", {family!r}], cwd={str(tmp_path)!r}):
            time.sleep(60)
    """
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=env, stderr=subprocess.DEVNULL) as process:
        pids = tmp_path / "pids"
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 3, "three processes")
        process.send_signal(number)
        process.wait(20)
    assert [pid for pid in map(int, pids.read_text().split()) if _runs(pid)] == []


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"K8S_RESOURCES": "podz"}, "did you mean 'pods'"),
        ({"K8S_CONTEXTS": "nowhere"}, "there is dead, east, west"),
        ({"KUBECONFIG": "/nonexistent"}, "no kubeconfig at /nonexistent"),
        ({"DATABASE_URL": "postgresql//u:s3cret@h"}, "DATABASE_URL is malformed"),
        ({"DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/d"}, "refused"),
    ],
)
def test_bad_input_ends_in_one_line_and_2(config: Path, database_url: str, env: dict[str, str], said: str) -> None:
    done = run(**({"KUBECONFIG": str(config), "DATABASE_URL": database_url} | env))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_an_unknown_command_shows_those_there_are() -> None:
    done = run("fly")
    assert done.returncode == 2
    assert "run [--all] | stop | ui | psql" in done.stderr


def test_nobody_else_can_make_the_sockets_that_cloudquery_tells_its_plugins(
    cluster: Cluster, tmp_path: Path, database_url: str
) -> None:
    """Whoever listens there first is sent the plugin's spec, and with it the URL of the database."""
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    with tempfile.TemporaryDirectory() as shared:
        Path(shared).chmod(0o1777)
        env = {"KUBECONFIG": str(config), "DATABASE_URL": database_url, "K8S_RESOURCES": "ns", "TMPDIR": shared}
        told: dict[str, bool] = {}
        with subprocess.Popen(**program("cloudquery", **env)) as process:
            while process.poll() is None:
                with suppress(psutil.Error, FileNotFoundError):
                    for each in psutil.Process(process.pid).children(recursive=True):
                        _, given, after = "\0".join(each.cmdline()).partition("--address\0")
                        path = after.partition("\0")[0]
                        if given and path not in told:
                            told[path] = open_to_others(Path(path).parent)
                time.sleep(0.02)
        assert told
        assert not any(told.values()), told
        assert os.listdir(shared) == []
