"""Secrets in every place of kubeconfigs and Airflow connections, every way to fail, every door: none is to be found."""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import kubeconfig_contexts
from k8s_inventory.kube.errors import KubeconfigError
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Run, Sync, Targets
from k8s_inventory.sync.configured import open_session
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN
from tests.e2e.airflow_home import AirflowHome
from tests.e2e.cloudquery_cli import CloudQuery
from tests.installed import PROJECT
from tests.listener import Authority

FAST = {
    "connect_timeout": 1,
    "read_timeout": 2,
    "request_timeout": 3,
    "context_timeout": 3,
    "credential_timeout": 2,
    "resources": ["pods"],
}
ENVIRONMENT = {
    f"K8S_{name.upper()}": ",".join(value) if isinstance(value, list) else str(value) for name, value in FAST.items()
} | {"K8S_RETRIES": "0"}
OIDC = {"idp-issuer-url": "https://127.0.0.1:1", "client-id": "inventory"}


class Planted:
    """Kubeconfigs with secrets, in a folder; `secrets` are all of them, by where they are."""

    def __init__(self, folder: Path, cluster: Cluster, echo: str, authority: Authority) -> None:
        self.folder = folder
        self.secrets: dict[str, str] = {"the token that works": ADMIN.token}
        self._ca = base64.b64encode(cluster.ca_file.read_bytes()).decode()
        self._server = cluster.server
        self._echo = (echo, base64.b64encode(authority.certificate).decode())
        self._issued, self._other = authority.issue("one"), authority.issue("two")
        self.path = folder / "config"
        self.broken = folder / "broken"
        self.hanging = folder / "hanging"
        self._write()

    def word(self, where: str) -> str:
        return self.secrets.setdefault(where, f"pl4nted-{len(self.secrets):03}-{where.replace(' ', '-')}")

    def key(self, where: str, **form: Any) -> str:
        pem = self._issued.pem(**form).decode()
        self.secrets[where] = "".join(pem.splitlines()[1:3])[:48]
        self.secrets[f"{where}, in base64"] = base64.b64encode(pem.encode()).decode()[64:112]
        return pem

    def program(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def _exec(self, name: str, text: str, **more: Any) -> dict[str, Any]:
        return {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": self.program(name, text),
                "args": ["get-token", "--client-secret", self.word(f"argument of {name}")],
                "env": [
                    {"name": "CLIENT_SECRET", "value": self.word(f"secret variable of {name}")},
                    {"name": "AREA", "value": self.word(f"variable of {name}")},
                ],
                "interactiveMode": "Never",
                **more,
            }
        }

    def users(self) -> dict[str, Any]:
        """What is under `user`, by the name of a context."""
        certificate = base64.b64encode(self._issued.certificate).decode()
        key = _base64(self.key("key"))
        other = base64.b64encode(self._other.pem()).decode()
        word = self.word
        printed = (
            '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}'
        )
        return {
            "works": {"token": ADMIN.token},
            "refused": {"token": word("token that is refused")},
            "basic": {"username": "u", "password": word("password that is refused")},
            "null-token": {"token": None, "client-key-data": key},
            "null-certificate": {"client-certificate-data": None, "client-key-data": key, "token": {"a": word("map")}},
            "no-id-token": {
                "auth-provider": {
                    "name": "oidc",
                    "config": OIDC | {"client-secret": word("client-secret"), "refresh-token": word("refresh-token")},
                }
            },
            "other-provider": {
                "auth-provider": {"name": "gcp", "config": {"access-token": word("access-token"), "expiry": "x"}}
            },
            "odd-id-token": {
                "auth-provider": {
                    "name": "oidc",
                    "config": OIDC | {"id-token": word("id-token"), "client-secret": word("other client-secret")},
                }
            },
            "config-of-text": {"auth-provider": {"name": "oidc", "config": word("text for a mapping")}},
            "key-for-a-path": {"client-certificate-data": certificate, "client-key": key},
            "pem-for-a-path": {"client-certificate-data": certificate, "client-key": self.key("pem")},
            "token-for-a-path": {"tokenFile": word("token for a path")},
            "path-of-token": {"tokenFile": str(self._file("token", word("token in a file") + "\nmore"))},
            "two-lines": {"token": f"{word('first line')}\n{word('second line')}"},
            "list": {"token": [word("token in a list")]},
            "encrypted": {
                "client-certificate-data": certificate,
                "client-key-data": _base64(self.key("encrypted key", password=word("password of a key"))),
            },
            "mismatched": {"client-certificate-data": certificate, "client-key-data": other},
            "bad-base64": {"client-certificate-data": certificate, "client-key-data": f"{key[:-5]}!"},
            "key-for-a-certificate": {"client-certificate-data": key, "client-key-data": key},
            "non-latin": {"token": f"ł{word('token with other letters')}", "as": "ł"},
            "failing": self._exec("failing", "env >&2; echo $* >&2; exit 3"),
            "chatty": self._exec("chatty", f"echo login {word('printed and no JSON')}; env"),
            "old": self._exec("old", f"echo '{printed % word('of an old plugin')}'", apiVersion="v1alpha1"),
            "refused-plugin": self._exec("refused-plugin", f"echo '{printed % word('refused token of a plugin')}'"),
            "odd-plugin": self._exec("odd-plugin", f"echo '{printed % (word('odd token') + chr(92) + 'n1')}'"),
            "missing-plugin": {"exec": {"apiVersion": "v1", "command": "./none", "env": {"A": word("env of a map")}}},
            "echoed": {"token": word("token that is echoed")},
            "echoed-password": {"username": "u", "password": word("password that is echoed")},
        }  # fmt: skip

    def clusters(self) -> dict[str, Any]:
        """What is beside or in the place of a server that works, by the name of a context."""
        address = self._server.partition("://")[2]
        echo, ca = self._echo
        return {
            "works": {"server": f"https://u:{self.word('password of a server')}@{address}"},
            "echoed": {"server": echo, "certificate-authority-data": ca},
            "echoed-password": {"server": echo, "certificate-authority-data": ca},
            "plain": {"server": f"http://{address}"},
            "no-scheme": {"server": address},
            "quoted": {"insecure-skip-tls-verify": "false"},
            "dead": {"server": f"https://u:{self.word('password of a dead server')}@127.0.0.1:1"},
            "odd": {"server": f"https://u:{self.word('password with odd letters')}/#@{address}"},
            "host": {"server": f"https://{self.word('user before a host')}@ {address}"},
            "proxied": {"proxy-url": f"http://u:{self.word('password of a proxy')}@127.0.0.1:1"},
            "socks": {"proxy-url": f"socks5://u:{self.word('password of a SOCKS proxy')}@127.0.0.1:1"},
            "odd-proxy": {"proxy-url": f"ftp://u:{self.word('password of no proxy')}@127.0.0.1:1"},
            "key-for-a-ca": {"certificate-authority-data": _base64(self.key("key for a CA"))},
            "other-ca": {"certificate-authority-data": ca},
        }  # fmt: skip

    def config(self, users: dict[str, Any], clusters: dict[str, Any]) -> dict[str, Any]:
        names = list(dict.fromkeys([*users, *clusters])) or ["works"]
        good = {"server": self._server, "certificate-authority-data": self._ca}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": names[0],
            "clusters": [{"name": name, "cluster": {**good, **clusters.get(name, {})}} for name in names],
            "users": [
                {"name": name, "user": users[name] if name in users else {"token": self.word(f"token of {name}")}}
                for name in names
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
        }

    def _write(self) -> None:
        config = self.config(self.users(), self.clusters())
        config["users"] += [
            {"user": {"token": self.word("token of a user without a name")}},
            {"name": "beside", "token": self.word("token beside its user")},
            {"name": "twice", "user": {"token": self.word("token of a first user")}},
            {"name": "twice", "user": {"token": self.word("token of a second user")}},
        ]
        for name in ("beside", "twice"):
            config["contexts"].append({"name": name, "context": {"cluster": "works", "user": name}})
        self.path.write_text(yaml.safe_dump(config))
        broken = yaml.safe_dump(self.config({"x": {"token": self.word("token of a broken file")}}, {}))
        self.broken.write_text(broken.replace("  user:\n    token:", "  user:\n   - token:\n    token:"))
        hanging = self._exec("hangs", f"echo {self.word('said and hangs')}; sleep 600")
        self.hanging.write_text(
            yaml.safe_dump(self.config({"hanging": hanging, "null-token": self.users()["null-token"]}, {}))
        )

    def _file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def found_in(self, **places: str) -> list[str]:
        """Which secrets are where, in any form."""
        return [
            f"{where} is in {place} as {form}: ...{text[max(0, text.find(form) - 200) :][:300]}"
            for place, text in places.items()
            for where, secret in self.secrets.items()
            for form in _forms(secret)
            if form in text
        ]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _forms(secret: str) -> set[str]:
    content = secret.encode()
    shifted = (base64.b64encode(bytes(before) + content).decode() for before in range(3))
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *(each[4:-4] for each in shifted)}


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Authority]]:
    """An API server that refuses everything, and says who asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = self.headers.get("Authorization", "")
            body = json.dumps(
                {"kind": "Status", "apiVersion": "v1", "code": 500, "message": f"who is {said}?"}
            ).encode()
            self.send_response(500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    authority = Authority()
    own = authority.issue("server", "127.0.0.1")
    path = tmp_path_factory.mktemp("echo") / "pem"
    path.write_bytes(own.certificate + own.pem())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}", authority
        server.shutdown()


@pytest.fixture
def planted(tmp_path: Path, cluster: Cluster, echo: tuple[str, Authority]) -> Planted:
    folder = tmp_path / "planted"
    folder.mkdir()
    made = Planted(folder, cluster, *echo)
    assert len(made.secrets) > 60
    return made


def _stored(database_url: str) -> str:
    with Store.connect(database_url) as store:
        query = "SELECT relname FROM pg_class WHERE relname LIKE 'k8s%' AND relkind = 'r'"
        tables = [row[0] for row in store.connection.execute(query)]
        return "\n".join(str(store.connection.execute(f'SELECT t::text FROM "{each}" t').fetchall()) for each in tables)


@contextmanager
def _watched(folder: Path) -> Iterator[list[str]]:
    """All that files in a folder hold, while programs run."""
    found: set[str] = set()
    said: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            for path in folder.rglob("*"):
                with suppress(OSError):
                    if path.is_file() and path.stat().st_size < 1 << 20:
                        found.add(path.read_bytes().decode(errors="replace"))

    folder.mkdir()
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        over.set()
        thread.join()
        said += found


def test_a_sync_of_each_context(
    planted: Planted,
    store: Store,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    settings = Settings.load(FAST)
    contexts = kubeconfig_contexts(str(planted.path))
    targets = [
        Targets(name, lambda context=context: open_session(context, settings), [KINDS["pods"]])  # type: ignore[misc]
        for name, context in contexts.items()
    ]
    sync = Sync(
        targets,
        run=Run("run"),
        settings=settings,
        open_store=lambda: Store.connect(database_url),
        contexts_at_once=8,
    )
    results = {result.context_name: result for result in sync.results()}
    assert results.keys() == contexts.keys()
    assert results["works"].outcome == "complete", results["works"].error
    good = [name for name, result in results.items() if result.outcome == "complete"]
    assert set(good) <= {"works", "mismatched"}, good
    with pytest.raises(KubeconfigError) as refused:
        kubeconfig_contexts(str(planted.broken))
    said = "\n".join([*(str(result.error) for result in results.values()), str(refused.value)])
    assert not planted.found_in(
        messages=said, log=caplog.text, database=_stored(database_url), terminal=str(capfd.readouterr())
    )


def test_the_dag(planted: Planted, tmp_path: Path, database_url: str, airflow_database: Any) -> None:
    airflow = AirflowHome.make(tmp_path / "airflow", database=airflow_database())
    parts = conninfo_to_dict(database_url)
    url = database_url.replace("postgres@", f"postgres:{planted.word('password of DATABASE_URL')}@")
    with _watched(tmp_path / "temporary") as temporary:
        run = airflow.test_dag(
            KUBECONFIG=str(planted.path),
            DATABASE_URL=url,
            TMPDIR=str(tmp_path / "temporary"),
            AIRFLOW__LOGGING__LOGGING_LEVEL="DEBUG",
            **ENVIRONMENT,
        )
        assert run.returncode != 0
        assert airflow.states()["works · pods"] == "success", run.stdout[-3000:]
        failed = {state for name, state in airflow.states().items() if name.endswith("· pods") and "works" not in name}
        assert failed == {"failed"}
        # By connections, whose passwords and extras are secrets, too.
        contents = {
            name: json.dumps(planted.config({name: planted.users()[name]} if name in planted.users() else {}, {}))
            for name in ("works", "no-id-token", "failing", "null-token", "key-for-a-path", "two-lines")
        }
        connections: dict[str, Any] = {
            name: {
                "conn_type": "kubernetes",
                "login": "u",
                "password": planted.word(f"password of connection {name}"),
                "extra": {"kube_config": content, "api_token": planted.word(f"extra of connection {name}")},
            }
            for name, content in contents.items()
        }
        connections["no-json"] = {"conn_type": "kubernetes", "extra": {"kube_config": contents["works"][:-9]}}
        connections["two-sources"] = {
            "conn_type": "kubernetes",
            "extra": {"kube_config": contents["works"], "in_cluster": True},
        }
        connections["k8s_inventory"] = {
            "conn_type": "postgres",
            "host": parts["host"],
            "login": parts["user"],
            "schema": parts["dbname"],
            "password": planted.word("password of the inventory's connection"),
        }
        # Not at DEBUG: there `airflow dags test` itself logs the extras of connections, as what it is told to mask.
        by_connections = airflow.test_dag(
            K8S_KUBERNETES_CONN_IDS=",".join(name for name in connections if name != "k8s_inventory"),
            TMPDIR=str(tmp_path / "temporary"),
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(each) for name, each in connections.items()},
            **ENVIRONMENT,
        )
        assert airflow.states()["works · pods"] == "success", by_connections.stdout[-3000:]
    assert not planted.found_in(
        terminal=run.stdout + run.stderr + by_connections.stdout + by_connections.stderr,
        Airflow=airflow.everything(),
        database=_stored(database_url),
        temporary="\n".join(temporary),
    )


@pytest.fixture
def cq(tmp_path: Path, database_url: str) -> CloudQuery:
    """With the plugin of the checkout."""
    plugin = tmp_path / "plugin"
    serve = f"{sys.executable} -m k8s_inventory.cloudquery.serve"
    plugin.write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT}/plugins exec {serve} "$@"\n')
    plugin.chmod(0o755)
    return CloudQuery(tmp_path, plugin, {"url": database_url})


def test_cloudquery(planted: Planted, cq: CloudQuery, tmp_path: Path, new_database: Callable[[], str]) -> None:
    database_url = new_database()
    spec = {**FAST, "kubeconfig": str(planted.path), "database_url": database_url}
    broken = {**spec, "kubeconfig": str(planted.broken), "digest_key": planted.word("key of digests")}
    unknown = {**spec, "token": planted.word("what no setting takes")}
    temporary = tmp_path / "temporary"
    with _watched(temporary) as files:
        env = {"TMPDIR": str(temporary)}
        done = [
            cq.run("sync", str(cq.config({"tables": ["k8s_pods"], "spec": each})), "--log-level", "trace", **env)
            for each in (spec, broken, unknown)
        ]
    assert [each.returncode for each in done] != [0, 0, 0]
    said = "\n".join(each.stdout + each.stderr for each in done)
    assert "key-for-a-path · pods" in said
    assert cq.count("k8s_pods") > 0
    left = "\n".join(each.read_text(errors="replace") for each in temporary.rglob("*") if each.is_file())
    assert not planted.found_in(
        terminal=said, database=_stored(database_url), temporary="\n".join(files), left_behind=left
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cloudquery_that_is_ended(planted: Planted, cq: CloudQuery, tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "temporary"
    spec = {**FAST, "kubeconfig": str(planted.hanging), "credential_timeout": 60, "context_timeout": 120}
    config = cq.config({"tables": ["k8s_pods"], "spec": spec})
    with _watched(temporary) as files:
        process = cq.start("sync", str(config), "--log-level", "trace", TMPDIR=str(temporary))
        until = time.monotonic() + 120
        while _pids(planted.folder / "hangs") == [] and time.monotonic() < until:
            time.sleep(0.1)
        assert _pids(planted.folder / "hangs"), "the plugin has not started"
        parent = psutil.Process(process.pid)
        for each in [*parent.children(recursive=True), parent]:  # as Ctrl-C does
            with suppress(psutil.NoSuchProcess):
                each.send_signal(number)
        try:
            said, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        until = time.monotonic() + 60
        while _pids(planted.folder / "hangs") and time.monotonic() < until:
            time.sleep(0.1)
        assert _pids(planted.folder / "hangs") == [], "the plugin goes on"
    left = "\n".join(each.read_text(errors="replace") for each in temporary.rglob("*") if each.is_file())
    assert not planted.found_in(terminal=said, temporary="\n".join(files), left_behind=left)


def _pids(program: Path) -> list[int]:
    found = []
    for each in os.listdir("/proc"):
        with suppress(OSError):
            if each.isdigit() and os.fsencode(program) in Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0"):
                found.append(int(each))
    return found
