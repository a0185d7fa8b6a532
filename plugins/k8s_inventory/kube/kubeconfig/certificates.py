"""CA certificates, client certificates and their keys, from PEM to a TLS context. None is in a file after that."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from k8s_inventory.kube.errors import Unusable

_BLOCK = re.compile(
    rb"^-----BEGIN (?P<label>[A-Z0-9 ]{1,60})-----[^\S\n]*\n.*?^-----END (?P=label)-----", re.MULTILINE | re.DOTALL
)

_NOT_ITS_KEY = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""The last is what OpenSSL says of a key of another algorithm than the certificate's."""


@dataclass(frozen=True, repr=False)
class Pem:
    """What is there in PEM, and the entry and field that it comes from."""

    content: bytes
    field: str


@dataclass(frozen=True, repr=False)
class Identity:
    """A client certificate, with those between it and its CA, and its key."""

    certificate: Pem
    key: Pem


class _OfferingHttp2(ssl.SSLContext):
    """urllib3 says of each connection what it speaks itself: this offers more, for who connects by itself."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        super().set_alpn_protocols(["h2", *alpn_protocols])


def tls_context(
    ca: Pem | None, identity: Identity | None = None, *, verify: bool = True, offer_http2: bool = False
) -> ssl.SSLContext:
    """For connections to one server. Without `ca` the system's CAs are trusted. Raises `Unusable`.

    As Go has it, whatever is in `ca` is trusted by itself, be it of no root, and the checks that OpenSSL has beyond
    RFC 5280's are left out: API servers' certificates fail them.
    """
    context = (_OfferingHttp2 if offer_http2 else ssl.SSLContext)(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca is None:
        context.load_default_certs()
    else:
        _trust(context, ca)
    if identity is not None:
        _identify(context, identity)
    return context


def _trust(context: ssl.SSLContext, ca: Pem) -> None:
    taken = sum([_takes(context, block) for block in _certificates(ca.content)])
    if not taken:
        raise Unusable(f"{ca.field} holds no CA certificate in PEM{_hint(ca.content)}")


def _takes(context: ssl.SSLContext, certificate: bytes) -> bool:
    """Go, too, passes over those in a bundle that it can not read."""
    try:
        context.load_verify_locations(cadata=ssl.PEM_cert_to_DER_cert(certificate.decode("ascii")))
    except (ssl.SSLError, ValueError):
        return False
    return True


def _identify(context: ssl.SSLContext, identity: Identity) -> None:
    certificate, key = identity.certificate, identity.key
    chain = list(_certificates(certificate.content))
    if not chain or not _takes(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), chain[0]):
        raise Unusable(f"{certificate.field} holds no certificate in PEM{_hint(certificate.content)}")
    found = next((each for each in _BLOCK.finditer(key.content) if each["label"].endswith(b"PRIVATE KEY")), None)
    if found is None:
        raise Unusable(f"{key.field} holds no private key in PEM{_hint(key.content)}")
    if found["label"].startswith(b"ENCRYPTED") or b"\nProc-Type: 4,ENCRYPTED" in found[0]:
        raise Unusable(
            f"{key.field} is encrypted, and nobody is here to give its pass phrase: store the key without one "
            "(openssl pkey -in KEY -out KEY)"
        )
    with _held(b"\n".join([found[0], *chain, b""])) as path:
        try:
            context.load_cert_chain(path, password=_no_pass_phrase)
        except ssl.SSLError as error:
            if error.reason in _NOT_ITS_KEY:
                raise Unusable(f"{key.field} is not the key of {certificate.field}") from None
            why = f" ({error.reason})" if error.reason else ""
            raise Unusable(f"{key.field}, or {certificate.field}, can not be used by OpenSSL{why}") from None
        except (OSError, ValueError):
            raise Unusable(f"{key.field}, or {certificate.field}, can not be used by OpenSSL") from None


def _no_pass_phrase() -> bytes:
    """Without it OpenSSL asks the terminal, and waits."""
    raise ValueError("encrypted")


def _certificates(content: bytes) -> Iterator[bytes]:
    return (each[0] for each in _BLOCK.finditer(content) if each["label"] == b"CERTIFICATE")


def _hint(content: bytes) -> str:
    if not content.strip():
        return ": it is empty"
    if re.match(rb"\s*LS0tLS1CRUdJTi", content):
        return ": it is in base64 once more than it should be"
    if (other := _BLOCK.search(content)) is not None:
        return ": it is a private key" if other["label"].endswith(b"PRIVATE KEY") else ": what is in it is not that"
    return ""


@contextmanager
def _held(content: bytes) -> Iterator[str]:
    """A path at which OpenSSL, which takes nothing else, finds the content as long as this goes on.

    Where there is Linux's `memfd_create` it is memory of this process alone, which no end of it leaves behind.
    """
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        with os.fdopen(os.memfd_create("identity"), "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.NamedTemporaryFile(delete=False) as file:  # only its owner may read it
        try:
            file.write(content)
            file.close()
            yield file.name
        finally:
            with suppress(FileNotFoundError):
                os.unlink(file.name)
