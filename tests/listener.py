"""A server that tells who asked it, by which headers and which certificate: so what kubectl sends can be told."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
PKCS8 = serialization.PrivateFormat.PKCS8


@dataclass(frozen=True)
class Issued:
    """A certificate in PEM, and its key."""

    certificate: bytes
    key: CertificateIssuerPrivateKeyTypes

    def pem(self, form: serialization.PrivateFormat = PKCS8, *, password: str = "") -> bytes:
        encryption = (
            serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        )
        return self.key.private_bytes(PEM, form, encryption)


class Authority:
    """A CA."""

    def __init__(self) -> None:
        self._name = _name("CA of the tests")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(self._name, self._key, days=10, ca=True)

    def issue(self, name: str, *names: str, days: int = 10, rsa_key: bool = False) -> Issued:
        """For a client, or for a server at these names and addresses; expired where `days` are negative."""
        key = rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(ec.SECP256R1())
        return Issued(self._signed(_name(name), key, names, days=days), key)

    def _signed(
        self, subject: x509.Name, key: Any, names: tuple[str, ...] = (), *, days: int, ca: bool = False
    ) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(20))
            .not_valid_after(now + datetime.timedelta(days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), False)
        return made.sign(self._key, hashes.SHA256()).public_bytes(PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


_FIELDS = "major minor gitCommit gitTreeState buildDate goVersion compiler platform"
_VERSION = {**dict.fromkeys(_FIELDS.split(), ""), "gitVersion": "v1.36.0"}


class _Server(ThreadingHTTPServer):
    def __init__(self, address: str, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._tls = tls
        super().__init__((address, 0), handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._tls is not None:  # here, in a thread of its own, as the handshake of one must not hold up another
            request = self._tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # whoever does not like its certificate goes


class Listener:
    """`asked` holds who each request came from: its headers that say so, and the name in its certificate; `paths` what
    was asked for.

    Without any, or with an expired certificate, it is answered 401.
    """

    def __init__(
        self, folder: Path, authority: Authority, *, address: str = "127.0.0.1", encrypted: bool = True
    ) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.paths: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # what is sent in two parts would wait for 40 ms

            def do_GET(self) -> None:
                who = sorted(
                    f"{name.lower()}: {value}"
                    for name, value in self.headers.items()
                    if name.lower() == "authorization" or name.lower().startswith("impersonate-")
                )
                subject = (self.connection.getpeercert() or {}).get("subject", ()) if encrypted else ()  # type: ignore[attr-defined]
                who += [f"certificate: {value}" for part in subject for _, value in part]
                listener.asked.append(tuple(who))
                listener.paths.append(self.path)
                answer = _VERSION if who or not encrypted else {"kind": "Status", "code": 401}
                body = json.dumps(answer).encode()
                self.send_response(200 if who or not encrypted else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        tls = None
        if encrypted:
            own = authority.issue("server", "127.0.0.1", "::1", "localhost", "kube.test")
            path = folder / f"server-{address.replace(':', '')}.pem"
            path.write_bytes(own.certificate + own.pem())
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(path)
            tls.load_verify_locations(cadata=authority.certificate.decode())
            tls.verify_mode = ssl.CERT_OPTIONAL
        self._server = _Server(address, Handler, tls)
        self.port = self._server.server_port
        host = f"[{address}]" if ":" in address else address
        self.url = f"http{'s' if encrypted else ''}://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
