"""One cluster: its processes, its users, and a plain client for setting up what a test needs."""

from __future__ import annotations

import base64
import hmac
import json
import os
import random
import secrets
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
import psutil
import urllib3
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cluster.binary import KUBERNETES_VERSION, find_programs

Object = dict[str, Any]
START_SECONDS = 60
STOP_SECONDS = 15


@dataclass(frozen=True)
class User:
    """A user of the cluster, known by a bearer token; `groups` decide what it may do."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        return f"{self.name}-{hmac.digest(_key(), self.name.encode(), 'sha256').hex()}"


@cache
def _key() -> bytes:
    """What tokens are made of, so that no other user of the machine knows them; kept, as clusters outlive a process."""
    cache = platformdirs.user_cache_path("k8s-inventory", ensure_exists=True)
    path = cache / "tokens.key"
    with suppress(FileExistsError), tempfile.NamedTemporaryFile(dir=cache) as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.link(file.name, path)
    return path.read_bytes()


ADMIN = User("admin", ("system:masters",))
NOBODY = User("nobody")


class Rejected(Exception):
    """The API server refused a request of the test's own."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body[:500]}")
        self.status = status
        self.body = body


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Waits for what the control plane does by itself; raises `TimeoutError` if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not after {seconds:g} s: {what}")
        time.sleep(0.1)


@dataclass
class Cluster:
    """A running control plane; `directory` holds its data, certificates, sockets, logs and `state.json`.

    Its etcd, which asks nobody who he is, listens on a socket in there, and nobody else can look into it.
    """

    directory: Path
    port: int
    arguments: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    version: str = KUBERNETES_VERSION
    pids: dict[str, int] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        controllers: bool = False,
        arguments: Sequence[str] = (),
        users: Sequence[User] = (),
        version: str = KUBERNETES_VERSION,
    ) -> Cluster:
        """Starts a cluster in `directory`, or finds the one that runs there already.

        `arguments` go to kube-apiserver: `--etcd-compaction-interval=5s` makes continue tokens expire,
        `--runtime-config=apps/v1=false` takes a group away. `users` come beside `admin` (every right)
        and `nobody` (none). `version` is one of those in `tests.cluster.binary`.
        """
        directory = directory.absolute()
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        everyone = [ADMIN, NOBODY, *users]
        if (directory / "state.json").exists():
            cluster = cls.load(directory)
        else:
            (port,) = free_ports(1)
            cluster = cls(directory, port, list(arguments), [user.name for user in everyone], version)
            _write_key(directory)
        if _write_tokens(directory, everyone):  # they are read once
            cluster.stop()
        try:
            cluster._run(controllers)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def load(cls, directory: Path) -> Cluster:
        """The cluster that was started in `directory`, running or not."""
        state = json.loads((directory / "state.json").read_text())
        return cls(directory, **{each.name: state[each.name] for each in fields(cls) if each.name in state})

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.directory / "certificates" / "apiserver.crt"

    def _run(self, controllers: bool) -> None:
        programs = find_programs(self.version)
        client, peer = "unix://client:0", "unix://peer:0"  # files of these names, beside the data
        data = str(self.directory / "etcd")
        if programs.etcd_is_ours:
            self._spawn("etcd", [*programs.etcd, data, client, peer])
        else:
            self._spawn(
                "etcd",
                [
                    *programs.etcd,
                    f"--data-dir={data}",
                    f"--listen-client-urls={client}",
                    f"--advertise-client-urls={client}",
                    f"--listen-peer-urls={peer}",
                    "--unsafe-no-fsync",
                ],
            )
        key = self.directory / "service-account.key"
        self._spawn(
            "kube-apiserver",
            [
                *programs.kube_apiserver,
                f"--etcd-servers={client}",
                f"--cert-dir={self.ca_file.parent}",
                f"--secure-port={self.port}",
                "--bind-address=127.0.0.1",
                "--service-cluster-ip-range=10.0.0.0/16",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                f"--token-auth-file={self.directory / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                "--disable-admission-plugins=ServiceAccount",
                "--allow-privileged",
                *self.arguments,
            ],
        )
        self._wait_until_ready()
        if controllers:
            config = self.directory / "controllers.kubeconfig"
            config.write_text(kubeconfig({"controllers": self}))
            shared = [f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0"]
            if programs.kube_controller_manager is None or programs.kube_scheduler is None:
                raise SystemExit("KUBEBUILDER_ASSETS holds no kube-controller-manager and kube-scheduler")
            self._spawn(
                "kube-controller-manager",
                [
                    *(*programs.kube_controller_manager, *shared, f"--service-account-private-key-file={key}"),
                    "--controllers=*,-node-lifecycle-controller",  # it takes a node without a kubelet for lost
                ],
            )
            self._spawn("kube-scheduler", [*programs.kube_scheduler, *shared])

    def _spawn(self, name: str, command: list[str]) -> None:
        if self._alive(name):
            return
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.pids[name] = process.pid
        state = {key: value for key, value in asdict(self).items() if key != "directory"}
        (self.directory / "state.json").write_text(json.dumps(state))

    def _alive(self, name: str) -> psutil.Process | None:
        """The process, if it still is ours: a pid alone may have gone to another program."""
        pid = self.pids.get(name)
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            command = " ".join(process.cmdline())
        except psutil.Error:
            return None
        return process if str(self.directory) in command and process.status() != psutil.STATUS_ZOMBIE else None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            if _ended(self.pids["kube-apiserver"]):
                raise RuntimeError(f"kube-apiserver ended at once; see {self.directory / 'kube-apiserver.log'}")
            try:
                self.request("GET", "/readyz")
                self.request("GET", "/api/v1/namespaces/kube-system")
                return
            except (Rejected, urllib3.exceptions.HTTPError, ssl.SSLError, OSError) as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"kube-apiserver in {self.directory} was not ready in {START_SECONDS} s"
                    ) from error
                time.sleep(0.1)

    def stop(self) -> bool:
        """Ends every process of this cluster; the API server before its etcd, or it would hang.

        Returns whether there was one.
        """
        names = ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
        ended = [self._end(name) for name in names]
        return any(ended)

    def _end(self, name: str) -> bool:
        process = self._alive(name)
        if process is None:
            return False
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
        return True

    def end_api_server(self) -> None:
        """Ends the API server alone; `upgrade` starts another."""
        self._end("kube-apiserver")

    def upgrade(self, version: str = KUBERNETES_VERSION) -> None:
        """Puts an API server of this version in the place of the one that runs; the objects stay."""
        self.end_api_server()
        self.version = version
        self._run(controllers=False)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- the test's own client ---------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: Object | bytes | None = None,
        *,
        user: User = ADMIN,
        accept: str = "application/json",
        content_type: str = "application/json",
    ) -> Any:
        """One request; returns the answer, raises `Rejected` for any other status than 2xx.

        A body of bytes may be what nothing here could take apart; then the answer is not, either.
        """
        response = self._pool().request(
            method,
            path,
            body=json.dumps(body) if isinstance(body, dict) else body,
            headers={"Authorization": f"Bearer {user.token}", "Accept": accept, "Content-Type": content_type},
            retries=False,
            timeout=30,
        )
        if not 200 <= response.status < 300:
            raise Rejected(response.status, response.data.decode(errors="replace"))
        if response.data[:1] not in (b"{", b"[") or isinstance(body, bytes):
            return response.data.decode()
        return json.loads(response.data)

    def _pool(self) -> urllib3.HTTPSConnectionPool:
        pool = getattr(_pools, "pools", None)
        if pool is None:
            pool = _pools.pools = {}
        if self.server not in pool:
            pool[self.server] = urllib3.HTTPSConnectionPool(
                "127.0.0.1", self.port, ca_certs=str(self.ca_file), assert_hostname=False
            )
        found: urllib3.HTTPSConnectionPool = pool[self.server]
        return found

    def create(self, path: str, body: Object | bytes) -> Any:
        return self.request("POST", path, body)

    def create_all(self, objects: Iterable[tuple[str, Object]], then: Callable[[Any], None] | None = None) -> None:
        """Creates many objects, each given with its path, over eight connections."""

        def one(item: tuple[str, Object]) -> None:
            created = self.create(*item)
            if then is not None:
                then(created)

        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(one, objects):
                pass

    def replace_status(self, path: str, body: Object) -> Any:
        return self.request("PUT", f"{path}/status", body)

    def patch(self, path: str, body: Object) -> Any:
        return self.request("PATCH", path, body, content_type="application/merge-patch+json")

    def delete(self, path: str) -> Any:
        return self.request("DELETE", f"{path}?gracePeriodSeconds=0")

    def list(self, path: str) -> list[Object]:
        items: list[Object] = self.request("GET", path)["items"] or []
        return items

    def until_served(self, path: str) -> None:
        """Waits for the kind of a new CRD: it is served, and in discovery, some moments after it was made."""
        _, _, group, version, *_, plural = path.split("/")

        def is_served() -> bool:
            try:
                self.list(path)
                resources = self.request("GET", f"/apis/{group}/{version}")["resources"]
            except Rejected:
                return False
            return any(each["name"] == plural for each in resources)

        wait_until(is_served, f"{path} is served")

    def until_gone(self, path: str) -> None:
        """Waits for an object that was deleted: finalizers may have to be done before."""

        def is_gone() -> bool:
            try:
                self.request("GET", path)
            except Rejected as error:
                return error.status == 404
            return False

        wait_until(is_gone, f"{path} is gone")

    def grant(self, user: User, rules: Sequence[Mapping[str, Any]]) -> None:
        """Gives a user a ClusterRole of its own with these rules."""
        group = "rbac.authorization.k8s.io"
        meta = {"name": f"test-{user.name}"}
        self.create(f"/apis/{group}/v1/clusterroles", {"metadata": meta, "rules": [dict(rule) for rule in rules]})
        self.create(
            f"/apis/{group}/v1/clusterrolebindings",
            {
                "metadata": meta,
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": meta["name"]},
                "subjects": [{"kind": "User", "name": user.name, "apiGroup": group}],
            },
        )


_pools = threading.local()


def kubeconfig(contexts: Mapping[str, Cluster], *, user: User = ADMIN, users: Mapping[str, User] | None = None) -> str:
    """The text of a kubeconfig; `users` names another user for some of its contexts."""
    chosen = {name: (users or {}).get(name, user) for name in contexts}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {
                        "server": cluster.server,
                        "certificate-authority-data": base64.b64encode(cluster.ca_file.read_bytes()).decode(),
                    },
                }
                for name, cluster in contexts.items()
            ],
            "users": [{"name": name, "user": {"token": chosen[name].token}} for name in contexts],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
            "current-context": next(iter(contexts), ""),
        }
    )


def _ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def _write_tokens(directory: Path, users: Sequence[User]) -> bool:
    """Whether they are others than before."""
    text = "".join(f'{user.token},{user.name},{user.name},"{",".join(user.groups)}"\n' for user in users)
    tokens = directory / "tokens.csv"
    if tokens.exists() and tokens.read_text() == text:
        return False
    tokens.write_text(text)
    return True


def _write_key(directory: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (directory / "service-account.key").write_bytes(pem)
    os.makedirs(directory / "certificates", exist_ok=True)


_held: list[socket.socket] = []


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, below those that the system gives to outgoing connections.

    No other process gets them as long as this one runs: it holds the UDP ports of the same numbers.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 32_000)
        held = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as probe, suppress(OSError):
            held.bind(("127.0.0.1", port))
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
                _held.append(held)
                continue
        held.close()
    return found
