"""`auth-provider: oidc` before real issuers, by TLS: what they are asked, what they give, and what they never get."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from k8s_inventory.kinds import ApiPath
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.errors import NoCredentials, Unauthorized, Unusable
from k8s_inventory.kube.kubeconfig import oidc
from k8s_inventory.kube.kubeconfig.exec_plugin import Credential
from k8s_inventory.kube.kubeconfig.oidc import OidcProvider
from k8s_inventory.kube.session import Session
from tests.cluster import Cluster
from tests.cluster.cluster import kubeconfig
from tests.conftest import IMPATIENT
from tests.kubectl import KUBECTL
from tests.proxies import LoopbackProxy, http_proxy

CLIENT_SECRET, REFRESH = "SeCrEt-of/the client", "SeCrEt-refresh+token"


def jwt(seconds: float | None = 3600, **claims: Any) -> str:
    """A token that expires in so many seconds."""
    exp = {} if seconds is None else {"exp": int(time.time() + seconds)}
    parts = ({"alg": "RS256"}, {"iss": "issuer", **exp, **claims})
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts), "c2ln"]
    )


@dataclass
class Answer:
    """`body` may be a stream of bytes, sent as they come."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    path: str
    form: dict[str, str]
    basic: tuple[str, str] | None


class Issuer:
    """`answers` says what a path is answered with."""

    def __init__(self, certificate: Path | None) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, Callable[[Asked], Answer]] = {
            "/.well-known/openid-configuration": lambda asked: Answer(body={"token_endpoint": f"{self.url}/token"}),
            "/token": lambda asked: Answer(body={"id_token": jwt(), "access_token": "x"}),
        }
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                basic = self.headers.get("Authorization", "").removeprefix("Basic ")
                user = (
                    tuple(unquote_plus(each) for each in base64.b64decode(basic).decode().split(":")) if basic else None
                )
                form = {name: values[0] for name, values in parse_qs(body, strict_parsing=bool(body)).items()}
                asked = Asked(self.path, form, user)  # type: ignore[arg-type]
                issuer.asked.append(asked)
                answer = issuer.answers[self.path](asked)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for part in answer.body if isinstance(answer.body, Iterator) else [answer.body]:
                    text = part if isinstance(part, bytes | str) else json.dumps(part)
                    try:
                        self.wfile.write(text if isinstance(text, bytes) else text.encode())
                    except OSError:
                        return

            do_POST = do_GET

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None: ...

            def finish_request(self, request: Any, address: Any) -> None:
                if certificate is not None:
                    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                    tls.load_cert_chain(certificate)
                    request = tls.wrap_socket(request, server_side=True)
                super().finish_request(request, address)
                request.close()

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def says(self, status: int = 200, body: Any = "", path: str = "/token", **headers: str) -> None:
        self.answers[path] = lambda asked: Answer(status, body, headers)


def certificate(folder: Path, *, days: int = 1, name: str = "127.0.0.1") -> Path:
    """A certificate that is its own CA, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([_named(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{days}-{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def _named(name: str) -> x509.GeneralName:
    return x509.DNSName(name) if name.endswith(".test") else x509.IPAddress(ipaddress.ip_address(name))


def ca_of(path: Path) -> bytes:
    return path.read_bytes().partition(b"-----BEGIN PRIVATE")[0]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(autouse=True)
def _no_tokens_of_others() -> None:
    """A port may be another test's issuer's a moment later: what is kept of one would be taken for the other's."""
    oidc._kept.cache_clear()


@pytest.fixture
def start() -> Iterator[Callable[..., Issuer]]:
    started: list[Issuer] = []

    def make(path: Path | None) -> Issuer:
        started.append(Issuer(path))
        return started[-1]

    yield make
    for each in started:
        each.close()


@pytest.fixture
def issuer(start: Callable[..., Issuer], own: Path) -> Issuer:
    return start(own)


@pytest.fixture
def provider(issuer: Issuer, own: Path) -> Callable[..., OidcProvider]:
    def make(**given: Any) -> OidcProvider:
        usual = {
            "issuer_url": issuer.url,
            "client_id": "a client",
            "client_secret": CLIENT_SECRET,
            "id_token": jwt(-1),
            "refresh_token": REFRESH,
            "ca": ca_of(own),
        }
        return OidcProvider(**{**usual, **given})

    return make


Make = Callable[..., OidcProvider]


def ask(provider: OidcProvider, seconds: float = 5) -> Credential:
    return provider.credential(seconds=seconds, stopped=threading.Event())


def refusal(provider: OidcProvider, seconds: float = 5) -> Unusable:
    with pytest.raises(Unusable) as raised:
        ask(provider, seconds)
    assert raised.value.__cause__ is None
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) < 1000
    assert not [secret for secret in (CLIENT_SECRET, REFRESH, "SeCrEt", "eyJ") if secret in message]
    return raised.value


def is_retryable(error: Unusable) -> bool:
    return isinstance(error, NoCredentials) and error.retryable


# -- the ID token of the kubeconfig


def test_a_token_that_holds_is_used_and_nobody_asked(issuer: Issuer, provider: Make) -> None:
    token = jwt(100)
    given = ask(provider(id_token=f"{token}\n"))
    assert given.token == token
    assert given.expires is not None
    assert 80 < (given.expires - datetime.now(UTC)).total_seconds() <= 90
    assert not issuer.asked


@pytest.mark.parametrize("seconds", [-1, 9, None])
def test_a_token_that_has_expired_or_is_about_to_is_renewed(issuer: Issuer, provider: Make, seconds: float) -> None:
    """Ten seconds before, as in client-go, and where it does not say when."""
    new = jwt(200)
    issuer.says(body={"id_token": new})
    assert ask(provider(id_token=jwt(seconds))).token == new


@pytest.mark.parametrize("exp", [4e9, "4000000000", 4_000_000_000_000_000, 4000000000.5])
def test_when_a_token_expires_may_be_written_as_go_reads_it(provider: Make, exp: object) -> None:
    assert ask(provider(id_token=jwt(None, exp=exp))).token


@pytest.mark.parametrize(
    "token",
    [
        "SeCrEt",
        "SeCrEt.b",
        "a.b.c.d",
        "a.SeCrEt.c",
        "a.é.c",
        f"a.{base64.urlsafe_b64encode(b'[1]').decode().rstrip('=')}.c",
        f"a.{base64.urlsafe_b64encode(b'{{').decode().rstrip('=')}.c",
        f"a.{base64.urlsafe_b64encode(b'[' * 99_999).decode().rstrip('=')}.c",
        jwt(None, exp={"SeCrEt": 1}),
        jwt(None, exp="soon SeCrEt"),
        jwt(None, exp=4e9) + "\nX: SeCrEt",
    ],
)
def test_what_is_no_token_is_said_to_be_none(issuer: Issuer, provider: Make, token: str) -> None:
    error = refusal(provider(id_token=token))
    assert "`id-token` of its auth-provider" in str(error)
    assert not is_retryable(error)
    assert not issuer.asked


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"issuer_url": ""}, "`idp-issuer-url` of its auth-provider is lacking"),
        ({"client_id": ""}, "`client-id` of its auth-provider is lacking"),
        ({"refresh_token": ""}, "has expired, and there is no `refresh-token`"),
        ({"refresh_token": "", "id_token": ""}, "has no `id-token`, and there is no `refresh-token`"),
        ({"issuer_url": "http://127.0.0.1:1"}, "must be https://host"),
        ({"issuer_url": "127.0.0.1:1"}, "must be https://host"),
        ({"issuer_url": "https://"}, "must be https://host"),
        ({"issuer_url": "https://127.0.0.1:x"}, "must be https://host"),
        ({"issuer_url": "https://a b"}, "must be https://host"),
        ({"ca": b"SeCrEt"}, "holds no CA certificate"),
        ({"client_secret": "SeCrEt\ud800"}, "no Unicode"),
    ],
)
def test_an_entry_that_can_not_be_used(issuer: Issuer, provider: Make, given: dict[str, Any], said: str) -> None:
    error = refusal(provider(**given))
    assert said in str(error)
    assert not is_retryable(error)
    assert not issuer.asked


# -- a new one


def test_the_issuer_is_asked_as_the_client_with_its_refresh_token(issuer: Issuer, provider: Make) -> None:
    assert ask(provider(issuer_url=f"{issuer.url}/")).token.startswith("eyJ")
    discovery, token = issuer.asked
    assert discovery.path == "/.well-known/openid-configuration"
    assert token == Asked(
        "/token", {"grant_type": "refresh_token", "refresh_token": REFRESH}, ("a client", CLIENT_SECRET)
    )


def test_an_issuer_that_wants_the_client_in_the_form(issuer: Issuer, provider: Make) -> None:
    new = jwt()
    issuer.answers["/token"] = lambda asked: (
        Answer(401, {"error": "invalid_client"}) if asked.basic else Answer(body={"id_token": new})
    )
    assert ask(provider()).token == new
    assert issuer.asked[-1].form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
        "client_id": "a client",
        "client_secret": CLIENT_SECRET,
    }


def test_a_public_client_has_no_secret_to_send(issuer: Issuer, provider: Make) -> None:
    ask(provider(client_secret=""))
    assert issuer.asked[-1] == Asked(
        "/token", {"grant_type": "refresh_token", "refresh_token": REFRESH, "client_id": "a client"}, None
    )


def test_a_refresh_token_that_the_issuer_takes_once_is_followed_by_the_one_it_gives(
    issuer: Issuer, provider: Make
) -> None:
    """For all contexts of the user, each of which has a provider of its own."""
    valid = [REFRESH]

    def give(asked: Asked) -> Answer:
        if asked.form["refresh_token"] != valid[-1]:
            return Answer(400, {"error": "invalid_grant", "error_description": "used"})
        valid.append(f"SeCrEt-{len(valid)}")
        return Answer(body={"id_token": jwt(None, exp=time.time() + 10.4), "refresh_token": valid[-1]})

    issuer.answers["/token"] = give
    one, other = provider(), provider()
    first = ask(one)
    assert ask(other) == first
    assert len(valid) == 2
    assert first.expires is not None
    time.sleep(max((first.expires - datetime.now(UTC)).total_seconds(), 0) + 0.01)
    assert ask(other).token
    assert len(valid) == 3


def test_threads_that_ask_at_once_wait_for_one_answer(issuer: Issuer, provider: Make) -> None:
    def give(asked: Asked) -> Answer:
        time.sleep(0.2)
        return Answer(body={"id_token": jwt()})

    issuer.answers["/token"] = give
    found: list[Credential] = []
    threads = [threading.Thread(target=lambda: found.append(ask(provider()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(issuer.asked) == 2


def test_a_new_token_is_used_however_short_it_holds(issuer: Issuer, provider: Make) -> None:
    issuer.says(body={"id_token": jwt(5)})
    assert ask(provider()).token.startswith("eyJ")


def test_an_issuer_that_gives_nothing_is_not_asked_again_at_once(
    issuer: Issuer, provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each context of its users would wait for it, and each refused refresh token counts as an attack."""
    monkeypatch.setattr(oidc, "_SELDOM", 600.0)
    issuer.says(503)
    first, again = refusal(provider()), refusal(provider())
    assert (str(again), is_retryable(again)) == (str(first), True)
    assert len(issuer.asked) == 3
    monkeypatch.setattr(oidc, "_SELDOM", 0.1)
    assert str(refusal(provider(client_id="another"))) == str(first)
    time.sleep(0.1)
    issuer.says(body={"id_token": jwt()})
    assert ask(provider(client_id="another")).token


# -- what is not sent, and to whom


def test_an_issuer_of_another_ca_is_sent_nothing(start: Callable[..., Issuer], provider: Make, tmp_path: Path) -> None:
    stranger = start(certificate(tmp_path))
    for ca in (provider().ca, None):
        error = refusal(provider(issuer_url=stranger.url, ca=ca))
        assert f"{stranger.url}: its certificate is not trusted: self-signed certificate" in str(error)
        assert "`idp-certificate-authority`" in str(error)
        assert not is_retryable(error)
    assert not stranger.asked


@pytest.mark.parametrize(
    ("given", "said"), [({"days": -1}, "certificate has expired"), ({"name": "127.0.0.2"}, "IP address mismatch")]
)
def test_a_certificate_that_does_not_hold(
    start: Callable[..., Issuer], provider: Make, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    path = certificate(tmp_path, **given)
    stranger = start(path)
    assert said in str(refusal(provider(issuer_url=stranger.url, ca=ca_of(path))))
    assert not stranger.asked


def test_the_token_endpoint_is_verified_too(
    issuer: Issuer, start: Callable[..., Issuer], provider: Make, tmp_path: Path
) -> None:
    stranger = start(certificate(tmp_path))
    issuer.says(body={"token_endpoint": f"{stranger.url}/token"}, path="/.well-known/openid-configuration")
    assert f"{stranger.url}: its certificate is not trusted" in str(refusal(provider()))
    assert not stranger.asked


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(
    issuer: Issuer, start: Callable[..., Issuer], own: Path, provider: Make, path: str, status: int
) -> None:
    elsewhere = start(own)
    issuer.says(status, path=path, Location=f"{elsewhere.url}/login?token=SeCrEt")
    assert f"it redirects, to {elsewhere.url}, which is not followed" in str(refusal(provider()))
    assert not elsewhere.asked


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "",
        5,
        "/token",
        "token",
        "http://127.0.0.1:1/token",
        "https:///token",
        "https://a:b/t",
        "https://a\r\nb/",
        "file:///etc",
    ],
)
def test_a_token_endpoint_that_is_no_https_url_is_sent_nothing(
    issuer: Issuer, provider: Make, endpoint: object
) -> None:
    issuer.says(body={"token_endpoint": endpoint}, path="/.well-known/openid-configuration")
    refusal(provider())
    assert len(issuer.asked) == 1


def test_a_token_endpoint_without_tls_is_sent_nothing(
    issuer: Issuer, start: Callable[..., Issuer], provider: Make
) -> None:
    plain = start(None)
    issuer.says(body={"token_endpoint": f"{plain.url}/token"}, path="/.well-known/openid-configuration")
    assert "its `token_endpoint` must be an https URL" in str(refusal(provider()))
    assert not plain.asked


def test_an_issuer_without_tls_is_sent_nothing(start: Callable[..., Issuer], provider: Make) -> None:
    plain = start(None)
    assert "TLS failed" in str(refusal(provider(issuer_url=plain.url.replace("http", "https"))))
    assert not plain.asked


def test_the_issuer_is_reached_through_the_proxy_of_the_environment(
    start: Callable[..., Issuer], provider: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, name="issuer.test")
    issuer = start(path)
    named = issuer.url.replace("127.0.0.1", "issuer.test")
    issuer.says(body={"token_endpoint": f"{named}/token"}, path="/.well-known/openid-configuration")
    with LoopbackProxy(http_proxy, credentials="user:SeCrEt") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:SeCrEt@{proxy.address}")
        assert ask(provider(issuer_url=named, ca=ca_of(path))).token
        assert proxy.asked == [named.removeprefix("https://")] * 2
        monkeypatch.setenv("HTTPS_PROXY", f"http://other:SeCrEt@{proxy.address}")
        error = refusal(provider(issuer_url=named, ca=ca_of(path), client_id="another"))
        assert f"{named}: the proxy http://{proxy.address} does not connect to it: it answered 407" in str(error)
    monkeypatch.setenv("HTTPS_PROXY", "nonsense SeCrEt")
    assert "HTTPS_PROXY of the environment" in str(refusal(provider(issuer_url=named, client_id="a third")))


# -- answers that are none

_HTML = "<!doctype html><html><body>Log in, SeCrEt</body></html>"
_OLD, _QUOTED = "400, invalid_grant: <redacted> is old; log in again", "SeCrEt-refresh%2Btoken\x1b[2J"


@pytest.mark.parametrize(
    ("path", "status", "body", "said", "retryable"),
    [
        ("/token", 400, {"error": "invalid_grant", "error_description": f"{REFRESH} is old"}, _OLD, False),
        ("/token", 400, {"error": "invalid_request", "error_description": _QUOTED}, "request: <redacted>", False),
        ("/token", 200, {"error": "server_error"}, "answered 200, server_error", False),
        ("/token", 503, {"error": "server_error"}, "answered 503, server_error", True),
        ("/token", 400, {"error": {"SeCrEt": 1}}, "answered 400", False),
        ("/token", 404, "SeCrEt", "answered 404", False),
        ("/token", 429, "", "answered 429", True),
        ("/token", 500, _HTML, "answered 500: the answer is an HTML page", True),
        ("/token", 200, _HTML, "the answer is an HTML page", True),
        ("/token", 200, "", "not what an issuer answers", True),
        ("/token", 200, [REFRESH], "not what an issuer answers", True),
        ("/token", 200, b"\xff", "not what an issuer answers", True),
        ("/token", 200, '{"a": ' + "[" * 100_000, "not what an issuer answers", True),
        ("/token", 200, {"id_token": 5}, "not what an issuer answers", True),
        ("/token", 200, {"access_token": "SeCrEt"}, "gives no `id_token` when tokens are refreshed", False),
        ("/token", 200, {"id_token": None}, "gives no `id_token` when tokens are refreshed", False),
        ("/token", 200, {"id_token": "SeCrEt"}, "gives is no JSON Web Token", False),
        ("/token", 200, {"id_token": jwt(-1)}, "has expired already", True),
        ("/token", 200, {"id_token": jwt(None)}, "has expired already", True),
        ("/token", 200, {"id_token": "SeCrEt é"}, "no HTTP header can hold", False),
        ("/token", 200, b" " * 2_000_000, "the answer is not read", True),
        ("/.well-known/openid-configuration", 404, _HTML, "it answered 404: the answer is an HTML page", False),
        ("/.well-known/openid-configuration", 200, _HTML, "openid-configuration: the answer is an HTML page", True),
        ("/.well-known/openid-configuration", 200, [], "openid-configuration: the answer is not what", True),
        ("/.well-known/openid-configuration", 502, "", "openid-configuration: it answered 502", True),
        ("/.well-known/openid-configuration", 200, b" " * 2_000_000, "the answer is not read", True),
    ],
)  # fmt: skip
def test_an_answer_without_a_token_is_a_clear_refusal(
    issuer: Issuer, provider: Make, path: str, status: int, body: object, said: str, retryable: bool
) -> None:
    issuer.says(status, body, path)
    error = refusal(provider())
    assert said in str(error)
    assert issuer.url in str(error)
    assert is_retryable(error) == retryable


def test_an_issuer_that_is_down(provider: Make) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = refusal(provider(issuer_url=f"https://127.0.0.1:{unused.getsockname()[1]}"))
    assert "it refuses connections" in str(error)
    assert is_retryable(error)
    assert "its name does not resolve" in str(refusal(provider(issuer_url="https://nowhere.invalid")))


def dripping() -> Iterator[bytes]:
    while True:
        yield b" "
        time.sleep(0.05)


def endless() -> Iterator[bytes]:
    while True:
        yield b" " * 65536


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
def test_an_answer_that_drips_ends_in_time(issuer: Issuer, provider: Make, path: str) -> None:
    issuer.answers[path] = lambda asked: Answer(body=dripping())
    begin = time.monotonic()
    error = refusal(provider(), 0.5)
    assert "no answer in 0.5 s (K8S_CREDENTIAL_TIMEOUT)" in str(error)
    assert is_retryable(error)
    assert time.monotonic() - begin < 20


def test_an_answer_without_end_is_not_read(issuer: Issuer, provider: Make) -> None:
    issuer.answers["/token"] = lambda asked: Answer(body=endless())
    assert "the answer is not read" in str(refusal(provider()))


def test_a_silent_server_ends_in_time(provider: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        error = refusal(provider(issuer_url=f"https://127.0.0.1:{silent.getsockname()[1]}"), 0.5)
        assert "no answer in 0.5 s" in str(error)
        assert time.monotonic() - begin < 20


def test_nobody_waits_once_all_is_stopped(issuer: Issuer, provider: Make) -> None:
    issuer.answers["/token"] = lambda asked: Answer(body=dripping())
    stopped = threading.Event()
    threading.Timer(0.2, stopped.set).start()
    begin = time.monotonic()
    with pytest.raises(NoCredentials, match="nobody waits"):
        provider().credential(seconds=60, stopped=stopped)
    assert time.monotonic() - begin < 20


# -- before a real API server, as kubectl does it


def unpadded(number: int, length: int = 32) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).decode().rstrip("=")


@dataclass
class Trusted:
    """An issuer that an API server trusts. Its tokens are for `mary`."""

    issuer: Issuer
    cluster: Cluster
    key: ec.EllipticCurvePrivateKey

    def token(self, seconds: float) -> str:
        said = jwt(seconds, iss=self.issuer.url, aud="a client", sub="mary").split(".")
        said[0] = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"one"}').decode().rstrip("=")
        signature = self.key.sign(".".join(said[:2]).encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return ".".join([*said[:2], unpadded(r << 256 | s, 64)])


@pytest.fixture(scope="module")
def trusted(
    start_cluster: Callable[..., Cluster], own: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trusted]:
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    ca = tmp_path_factory.mktemp("ca") / "ca.crt"
    ca.write_bytes(ca_of(own))
    issuer = Issuer(own)
    known = {
        "kty": "EC",
        "crv": "P-256",
        "kid": "one",
        "alg": "ES256",
        "x": unpadded(numbers.x),
        "y": unpadded(numbers.y),
    }
    issuer.says(body={"keys": [known]}, path="/keys")
    discovery = {"issuer": issuer.url, "token_endpoint": f"{issuer.url}/token", "jwks_uri": f"{issuer.url}/keys"}
    more = {"response_types_supported": ["code"], "id_token_signing_alg_values_supported": ["ES256"]}
    issuer.says(body={**discovery, **more}, path="/.well-known/openid-configuration")
    arguments = [f"--oidc-issuer-url={issuer.url}", "--oidc-client-id=a client", f"--oidc-ca-file={ca}"]
    cluster = start_cluster(arguments=[*arguments, "--oidc-signing-algs=ES256"])
    yield Trusted(issuer, cluster, key)
    issuer.close()


@pytest.mark.parametrize("client_secret", [CLIENT_SECRET, ""])
@pytest.mark.parametrize("first", ["holds", "has expired", "none"])
@pytest.mark.parametrize("ca", ["idp-certificate-authority", "idp-certificate-authority-data"])
def test_as_kubectl(trusted: Trusted, own: Path, tmp_path: Path, client_secret: str, first: str, ca: str) -> None:
    """What a user is who has a token, or a refresh token for another one."""

    refresh_token = f"{REFRESH}-{uuid.uuid4()}"

    def give(asked: Asked) -> Answer:
        ours = (asked.form.get("client_id"), asked.form.get("client_secret", "")) if not asked.basic else asked.basic
        right = ours == ("a client", client_secret) and asked.form["refresh_token"] == refresh_token
        return Answer(200 if right else 400, {"access_token": "x", "id_token": trusted.token(600)} if right else {})

    trusted.issuer.answers["/token"] = give
    trusted.issuer.asked.clear()
    (tmp_path / "issuer.crt").write_bytes(ca_of(own))
    given = {
        "idp-issuer-url": trusted.issuer.url,
        "client-id": "a client",
        "client-secret": client_secret,
        "refresh-token": refresh_token,
        "id-token": {"holds": trusted.token(600), "has expired": trusted.token(-1), "none": ""}[first],
        ca: base64.b64encode(ca_of(own)).decode() if ca.endswith("data") else str(tmp_path / "issuer.crt"),
    }
    config = yaml.safe_load(kubeconfig({"test": trusted.cluster}))
    config["users"][0]["user"] = {"auth-provider": {"name": "oidc", "config": {k: v for k, v in given.items() if v}}}
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    before = path.read_text()
    with Session(kubeconfig_contexts(str(path))["test"], IMPATIENT) as session:
        for _ in range(5):
            session.get(ApiPath("api"))
    renewals = [asked for asked in trusted.issuer.asked if asked.path == "/token"]
    assert len(renewals) == (first != "holds")
    assert path.read_text() == before
    if KUBECTL:
        ask = [KUBECTL, f"--kubeconfig={path}", "get", "--raw", "/api"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        assert subprocess.run(ask, capture_output=True, env=environment).returncode == 0


def test_a_token_that_the_api_server_does_not_take_is_unauthorized_and_nothing_of_it_is_said(
    trusted: Trusted, own: Path
) -> None:
    config = yaml.safe_load(kubeconfig({"test": trusted.cluster}))
    given = {"idp-issuer-url": trusted.issuer.url, "client-id": "a client", "id-token": jwt(600)}
    config["users"][0]["user"] = {"auth-provider": {"name": "oidc", "config": given}}
    with Session(Context("test", config, "test"), IMPATIENT) as session:
        with pytest.raises(Unauthorized) as raised:
            session.get(ApiPath("api"))
    assert "eyJ" not in str(raised.value)
