"""A cluster behind proxies, as kubectl reaches it: real proxies, a real API server, and kubectl to compare with."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k8s_inventory.kinds import KINDS, ApiPath
from k8s_inventory.kube import transport
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import ContextError, Unreachable, Unusable
from k8s_inventory.kube.proxies import pool_manager, proxy_for
from k8s_inventory.kube.session import Session
from k8s_inventory.kube.watching import Event, Watch, Watches
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN
from tests.conftest import IMPATIENT
from tests.kubectl import KUBECTL
from tests.proxies import LoopbackProxy, Serve, head_of, http_proxy, socks5_proxy
from tests.proxy import Proxy

LOGIN = "user:p@ss:wörd"
LOGIN_IN_URL = "user:p%40ss%3Aw%C3%B6rd"
VERSION = ApiPath("version")
CONNECT_TIMEOUT = 0.6


def port_of(cluster: Cluster) -> int:
    return int(cluster.server.rpartition(":")[2])


def named(cluster: Cluster) -> str:
    """The server by a name that none but the proxies of the tests resolve."""
    return f"https://kube.test:{port_of(cluster)}"


def get(pools: urllib3.PoolManager, url: str, *, seconds: float = 10) -> transport.Answer:
    return transport.get(
        pools,
        url,
        query={},
        headers={"Authorization": f"Bearer {ADMIN.token}"},
        timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=seconds),
        allowance=transport.Allowance(seconds=seconds, silence=seconds, bytes=1 << 20, stopped=threading.Event()),
        most=1 << 20,
    )


def pools_for(cluster: Cluster, server: str, proxy_url: str = "", **environ: str) -> urllib3.PoolManager:
    return pool_manager(
        proxy_for(server, proxy_url, environ),
        tls=ssl.create_default_context(cafile=str(cluster.ca_file)),
        tls_server_name="kubernetes.default",
    )


@pytest.fixture
def http() -> Iterator[LoopbackProxy]:
    with LoopbackProxy(http_proxy) as made:
        yield made


@pytest.fixture
def socks() -> Iterator[LoopbackProxy]:
    with LoopbackProxy(socks5_proxy) as made:
        yield made


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of a proxy on this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = builder.sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("proxy") / "proxy.pem"
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(encoding)
    )
    return path


@pytest.mark.parametrize(
    ("serve", "scheme"), [(http_proxy, "http"), (socks5_proxy, "socks5"), (socks5_proxy, "socks5h")]
)
@pytest.mark.parametrize("credentials", ["", LOGIN])
def test_through_a_proxy(cluster: Cluster, serve: Serve, scheme: str, credentials: str) -> None:
    with LoopbackProxy(serve, credentials=credentials) as proxy:
        url = f"{scheme}://{LOGIN_IN_URL + '@' if credentials else ''}{proxy.address}"
        pools = pools_for(cluster, named(cluster), url)
        for _ in range(2):
            assert b"gitVersion" in get(pools, f"{named(cluster)}/version").body
        assert proxy.asked == [f"kube.test:{port_of(cluster)}"], "the proxy resolves the name, once a connection"
        pools.clear()


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_url_is_used_for_this_machine_too(cluster: Cluster, scheme: str) -> None:
    with LoopbackProxy(http_proxy if scheme == "http" else socks5_proxy) as proxy:
        pools = pools_for(cluster, cluster.server, f"{scheme}://{proxy.address}", NO_PROXY="*")
        assert get(pools, f"{cluster.server}/version").status == 200
        assert proxy.asked == [cluster.server.removeprefix("https://")]
        pools.clear()


def test_a_server_without_tls_behind_a_proxy(proxy: Proxy, http: LoopbackProxy, socks: LoopbackProxy) -> None:
    for url, through in ((f"http://{http.address}", http), (f"socks5://{socks.address}", socks)):
        pools = pool_manager(proxy_for(proxy.url, url, {}), tls=None)
        assert get(pools, f"{proxy.url}/version").status == 200
        assert through.asked == [proxy.url.removeprefix("http://")]
        pools.clear()


def test_a_proxy_by_tls_is_verified_by_the_system(
    cluster: Cluster, own_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(own_certificate)
    with LoopbackProxy(http_proxy, credentials=LOGIN, tls=tls) as proxy:
        url = f"https://{LOGIN_IN_URL}@localhost:{proxy.address.partition(':')[2]}"
        with pytest.raises(urllib3.exceptions.ProxyError, match="CERTIFICATE_VERIFY_FAILED"):
            get(pools_for(cluster, named(cluster), url), f"{named(cluster)}/version")
        assert not proxy.asked
        monkeypatch.setenv("SSL_CERT_FILE", str(own_certificate))
        pools = pools_for(cluster, named(cluster), url)
        for _ in range(2):
            assert get(pools, f"{named(cluster)}/api/v1/namespaces").status == 200
        assert len(proxy.asked) == 1
        pools.clear()


def test_the_environment_is_read_by_nobody_else(
    cluster: Cluster, http: LoopbackProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{http.address}")
        monkeypatch.setenv(name.lower(), f"http://{http.address}")
    pools = pool_manager(None, tls=ssl.create_default_context(cafile=str(cluster.ca_file)))
    assert get(pools, f"{cluster.server}/version").status == 200
    assert not http.asked
    pools.clear()


# -- proxies that do not connect -----------------------------------------------------------------------


def silent(proxy: LoopbackProxy, client: socket.socket) -> None:
    while client.recv(4096):
        pass


def closing(proxy: LoopbackProxy, client: socket.socket) -> None:
    client.recv(4096)


def dripping(text: bytes) -> Serve:
    def serve(proxy: LoopbackProxy, client: socket.socket) -> None:
        for byte in text * 1000:
            time.sleep(0.05)
            client.sendall(bytes([byte]))

    return serve


def saying(text: bytes) -> Serve:
    def serve(proxy: LoopbackProxy, client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(text)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
            client.recv(4096)

    return serve


def endless(proxy: LoopbackProxy, client: socket.socket) -> None:
    head_of(client)
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        client.sendall(b"X-A: b\r\n" * 1000)


def tls_drips(proxy: LoopbackProxy, client: socket.socket) -> None:
    """It connects, and then what should be the server never ends its TLS."""
    head_of(client)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    client.recv(4096)
    client.sendall(b"\x16\x03\x03\x40\x00")
    dripping(b"\x02\x00\x3f\xfc")(proxy, client)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("serve", [silent, dripping(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"), tls_drips])
def test_a_proxy_that_does_not_get_done_costs_the_connect_timeout(cluster: Cluster, serve: Serve, scheme: str) -> None:
    if scheme == "socks5" and serve is not silent:
        serve = dripping(b"\5\0\5\0\0\3\xff")
    with LoopbackProxy(serve) as proxy:
        pools = pools_for(cluster, named(cluster), f"{scheme}://{proxy.address}")
        start = time.monotonic()
        with pytest.raises((urllib3.exceptions.ConnectTimeoutError, transport.ProxyRefused)):
            get(pools, f"{named(cluster)}/version")
        assert time.monotonic() - start < CONNECT_TIMEOUT + 8


@pytest.mark.parametrize("serve", [silent, dripping(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"), tls_drips])
def test_a_proxy_by_tls_that_does_not_get_done_costs_the_connect_timeout(
    cluster: Cluster, own_certificate: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(own_certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(own_certificate))
    with LoopbackProxy(serve, tls=tls) as proxy:
        url = f"https://localhost:{proxy.address.partition(':')[2]}"
        start = time.monotonic()
        with pytest.raises(urllib3.exceptions.ConnectTimeoutError):
            get(pools_for(cluster, named(cluster), url), f"{named(cluster)}/version")
        assert time.monotonic() - start < CONNECT_TIMEOUT + 8


def test_a_proxy_whose_answer_does_not_end_costs_bounded_memory(cluster: Cluster) -> None:
    with LoopbackProxy(endless) as proxy:
        with pytest.raises(transport.Oversized):
            get(pools_for(cluster, named(cluster), f"http://{proxy.address}"), f"{named(cluster)}/version")


def test_a_server_that_takes_the_connection_and_is_silent_costs_the_connect_timeout(cluster: Cluster) -> None:
    with LoopbackProxy(silent) as server:
        start = time.monotonic()
        with pytest.raises(urllib3.exceptions.ConnectTimeoutError):
            get(pools_for(cluster, f"https://{server.address}"), f"https://{server.address}/version")
        assert time.monotonic() - start < CONNECT_TIMEOUT + 8


def context_behind(cluster: Cluster, proxy_url: str, **fields: Any) -> Context:
    its_cluster = {
        "server": f"https://kube.test:{port_of(cluster)}",
        "certificate-authority": str(cluster.ca_file),
        "tls-server-name": "kubernetes.default",
        "proxy-url": proxy_url,
    }
    content = {
        "clusters": [{"name": "c", "cluster": its_cluster | fields}],
        "users": [{"name": "u", "user": {"token": ADMIN.token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    return Context(name="behind", kubeconfig=content, context="c")


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (
            saying(b"HTTP/1.1 407 x\r\n\r\n"),
            "refused to connect to https://kube.test:{port}: it answered 407 Proxy Auth",
        ),
        (saying(b"HTTP/1.1 403 SeCrEt\r\n\r\n<html>"), "it answered 403 Forbidden"),
        (saying(b"HTTP/1.1 502 x\r\n\r\n"), "it answered 502 Bad Gateway"),
        (saying(b"HTTP/1.1 999 x\r\n\r\n"), "it answered 999"),
        (saying(b"SSH-2.0-OpenSSH_9\r\n"), "its answer is no HTTP"),
        (closing, "it closed the connection"),
        (silent, "did not answer in 0.6 s"),
    ],
)
def test_what_a_proxy_says_is_said_with_its_name(cluster: Cluster, serve: Serve, said: str) -> None:
    limits = replace(IMPATIENT, connect_timeout=CONNECT_TIMEOUT, longest_wait=0.05)
    with LoopbackProxy(serve) as proxy:
        context = context_behind(cluster, f"http://u:SeCrEt@{proxy.address}")
        with Session(context, limits) as session, pytest.raises(Unreachable) as failed:
            session.get(VERSION)
        message = str(failed.value)
    assert said.format(port=port_of(cluster)) in message
    assert f"the proxy http://{proxy.address}" in message
    assert "SeCrEt" not in message


def test_a_proxy_that_passes_requests_on_and_wants_credentials(proxy: Proxy) -> None:
    with LoopbackProxy(http_proxy, credentials=LOGIN) as through:
        content = {
            "clusters": [{"name": "c", "cluster": {"server": proxy.url, "proxy-url": f"http://{through.address}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        }
        with Session(Context(name="behind", kubeconfig=content, context="c"), IMPATIENT) as session:
            with pytest.raises(Unreachable, match=f"proxy http://{through.address} refused .* 407 Proxy Auth"):
                session.get(VERSION)


@pytest.mark.parametrize("serve", [http_proxy, socks5_proxy])
@pytest.mark.parametrize("where", ["proxy-url", "environment"])
def test_a_context_behind_a_proxy(cluster: Cluster, serve: Serve, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackProxy(serve, credentials=LOGIN) as proxy:
        url = f"{'http' if serve is http_proxy else 'socks5'}://{LOGIN_IN_URL}@{proxy.address}"
        if where == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)
        with Session(context_behind(cluster, url if where == "proxy-url" else ""), IMPATIENT) as session:
            assert b"gitVersion" in session.get(VERSION)
        assert proxy.asked == [f"kube.test:{port_of(cluster)}"]


def watches_of(session: Session, count: int) -> None:
    """Opens so many, and waits for their ends."""
    kind = KINDS["namespaces"]
    body = session.get(kind.list_path("v1"), {"limit": 1})
    revision = int(json.loads(body)["metadata"]["resourceVersion"])
    made = {number: Watch(session, kind, version="v1", revision=revision, seconds=1) for number in range(count)}
    with Watches[int](session) as watches:
        watches.open(made)
        ended: list[object] = []
        end = time.monotonic() + 60
        while len(ended) < count and time.monotonic() < end:
            ended += [event for _, event in watches.read(0.5) if not isinstance(event, Event)]
    assert ended == [None] * count


@pytest.mark.parametrize("serve", [http_proxy, socks5_proxy])
def test_watches_share_a_connection_behind_a_proxy(cluster: Cluster, serve: Serve) -> None:
    with LoopbackProxy(serve, credentials=LOGIN) as proxy:
        url = f"{'http' if serve is http_proxy else 'socks5'}://{LOGIN_IN_URL}@{proxy.address}"
        with Session(context_behind(cluster, url), IMPATIENT) as session:
            watches_of(session, 6)
        assert proxy.asked == [f"kube.test:{port_of(cluster)}"] * 2, "one for lists, one for watches"


def test_watches_behind_a_proxy_by_tls_have_connections_of_their_own(
    cluster: Cluster, own_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(own_certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(own_certificate))
    with LoopbackProxy(http_proxy, credentials=LOGIN, tls=tls) as proxy:
        url = f"https://{LOGIN_IN_URL}@localhost:{proxy.address.partition(':')[2]}"
        with Session(context_behind(cluster, url), IMPATIENT) as session:
            watches_of(session, 3)


def test_a_proxy_url_that_is_none_is_refused_by_its_field(cluster: Cluster) -> None:
    with Session(context_behind(cluster, "http//u:SeCrEt@127.0.0.1:3128"), IMPATIENT) as session:
        with pytest.raises(ContextError, match="`proxy-url` of its cluster") as refused:
            session.get(VERSION)
    assert "SeCrEt" not in str(refused.value)


@pytest.mark.parametrize("serve", [http_proxy, socks5_proxy])
def test_connections_that_are_given_away_need_no_timeout(cluster: Cluster, serve: Serve) -> None:
    """Airflow's hook gives them to a client of the library."""
    with LoopbackProxy(serve) as proxy:
        scheme = "http" if serve is http_proxy else "socks5"
        pools = pools_for(cluster, named(cluster), f"{scheme}://{proxy.address}")
        answer = pools.request("GET", f"{named(cluster)}/version", retries=False)
        assert answer.headers["Content-Type"] == "application/json", "all of them are kept"
        pools.clear()


def test_a_proxy_that_is_down_is_named(cluster: Cluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with Session(context_behind(cluster, f"http://{address}"), IMPATIENT) as session:
        with pytest.raises(Unreachable, match=f"proxy http://{address} on the way to https://kube.test:.* refused"):
            session.get(VERSION)


@pytest.mark.parametrize(
    ("serve", "credentials", "said"),
    [
        (saying(b"\5\xff"), "", "credentials"),
        (saying(b"\4\0"), "", "no SOCKS5 proxy"),
        (saying(b"HTTP/1.1 400 Bad Request\r\n"), "", "no SOCKS5 proxy"),
        (saying(b"\5\0\5\2\0\1" + bytes(6)), "", "rules do not allow"),
        (saying(b"\5\0\5\4\0\0" + bytes(6)), "", "does not reach the host"),
        (saying(b"\5\0\5\x63\0\1" + bytes(6)), "", "of its own"),
        (saying(b"\5\0\5\0\0\7"), "", "no SOCKS5 proxy"),
        (saying(b"\5"), "", "closed the connection"),
        (closing, "", "closed the connection"),
        (socks5_proxy, "other:password", "does not take the name and password"),
    ],
)
def test_what_a_socks_proxy_says(cluster: Cluster, serve: Serve, credentials: str, said: str) -> None:
    with LoopbackProxy(serve, credentials=credentials) as proxy:
        userinfo = f"{LOGIN_IN_URL}@" if credentials else ""
        pools = pools_for(cluster, named(cluster), f"socks5://{userinfo}{proxy.address}")
        with pytest.raises(transport.ProxyRefused, match=said):
            get(pools, f"{named(cluster)}/version")


# -- as kubectl does it ---------------------------------------------------------------------------------

kubectl = pytest.mark.skipif(KUBECTL is None, reason="no kubectl of today is installed")
DEAD = "http://127.0.0.1:1"
TABLE: dict[str, tuple[str, str, dict[str, str]]] = {
    # what it is: the server, its proxy-url, the environment
    "nothing": ("loopback", "", {}),
    "HTTPS_PROXY": ("named", "", {"HTTPS_PROXY": "{http}"}),
    "no scheme": ("named", "", {"HTTPS_PROXY": "{address}"}),
    "capitals": ("named", "", {"HTTPS_PROXY": "HTTP://{address}"}),
    "a path": ("named", "", {"HTTPS_PROXY": "{http}/path?query"}),
    "lower case": ("named", "", {"https_proxy": "{http}"}),
    "upper before lower": ("named", "", {"HTTPS_PROXY": "{http}", "https_proxy": DEAD}),
    "upper before lower, dead": ("named", "", {"HTTPS_PROXY": DEAD, "https_proxy": "{http}"}),
    "empty upper": ("named", "", {"HTTPS_PROXY": "", "https_proxy": "{http}"}),
    "HTTP_PROXY is for http": ("named", "", {"HTTP_PROXY": "{http}"}),
    "ALL_PROXY": ("named", "", {"ALL_PROXY": "{http}", "all_proxy": "{http}"}),
    "loopback": ("loopback", "", {"HTTPS_PROXY": DEAD}),
    "NO_PROXY": ("named", "", {"HTTPS_PROXY": "{http}", "NO_PROXY": "a, .test"}),
    "NO_PROXY of another": ("named", "", {"HTTPS_PROXY": "{http}", "NO_PROXY": "est,kube,.kube.test"}),
    "NO_PROXY with port": ("named", "", {"HTTPS_PROXY": "{http}", "NO_PROXY": "kube.test:{port}"}),
    "NO_PROXY with another port": ("named", "", {"HTTPS_PROXY": "{http}", "NO_PROXY": "kube.test:1"}),
    "no_proxy": ("named", "", {"HTTPS_PROXY": "{http}", "no_proxy": "*"}),
    "proxy-url": ("named", "{http}", {"HTTPS_PROXY": DEAD, "NO_PROXY": "*"}),
    "proxy-url for loopback": ("loopback", "{http}", {"NO_PROXY": "127.0.0.1"}),
    "proxy-url socks5": ("named", "{socks}", {}),
    "proxy-url without scheme": ("named", "{address}", {}),
    "proxy-url with a typo": ("named", "http//{address}", {}),
    "proxy-url of spaces": ("loopback", " {http}", {}),
    "socks5": ("named", "", {"HTTPS_PROXY": "{socks}"}),
    "login": ("named", "", {"HTTPS_PROXY": "http://%75ser:pass@{address}"}),
}


@kubectl
@pytest.mark.parametrize("what", TABLE)
def test_as_kubectl(cluster: Cluster, http: LoopbackProxy, socks: LoopbackProxy, tmp_path: Path, what: str) -> None:
    kind, proxy_url, environ = TABLE[what]
    places = {
        "http": f"http://{http.address}",
        "socks": f"socks5://{socks.address}",
        "address": http.address,
        "port": str(port_of(cluster)),
    }
    server = cluster.server if kind == "loopback" else named(cluster)
    proxy_url = proxy_url.format(**places)
    environ = {name: value.format(**places) for name, value in environ.items()}

    config = yaml.safe_load(json.dumps(context_behind(cluster, proxy_url, server=server).kubeconfig))
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    command = ["kubectl", f"--kubeconfig={path}", "--context=c", "--request-timeout=3s", "get", "--raw", "/version"]
    ran = subprocess.run(
        command, capture_output=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environ}
    )
    theirs = (ran.returncode == 0, set(http.asked), set(socks.asked), proxy_credentials(http))

    http.asked.clear(), http.heads.clear(), socks.asked.clear()
    try:
        worked = get(pools_for(cluster, server, proxy_url, **environ), f"{server}/version").status == 200
    except (urllib3.exceptions.HTTPError, Unusable):
        worked = False
    ours = (worked, set(http.asked), set(socks.asked), proxy_credentials(http))
    assert ours == theirs, ran.stderr.decode()


def proxy_credentials(proxy: LoopbackProxy) -> set[str]:
    lines = [line for head in proxy.heads for line in head.split("\r\n")]
    return {line for line in lines if line.lower().startswith("proxy-authorization")}
