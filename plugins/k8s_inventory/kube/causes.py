"""What happened to a connection or an answer, in words: urllib3, http.client and OpenSSL have classes, numbers and
addresses of objects in theirs, and repeat the request with its query."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from typing import Any

import urllib3

from k8s_inventory.kube import transport

_CERTIFICATES = {
    9: "its certificate is not valid yet: is the clock of this machine right?",
    10: "its certificate has expired: renew it, or look at the clock of this machine",
    62: "its certificate is not valid for the name that it was asked by: see `tls-server-name` of the kubeconfig",
    64: "its certificate is not valid for its address: see `tls-server-name` of the kubeconfig",
}
"""https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/"""

_UNKNOWN_CA = (
    "its certificate is of a CA that is not trusted: for a cluster it must be in `certificate-authority` of the "
    "kubeconfig, for a proxy in the system's. If it is there, something in between answers"
)
_NO_TLS = "what answers does not speak TLS: should its URL begin with http://, or is its port another?"
_NEEDS_TLS = "what answers speaks TLS and not HTTP: its URL must begin with https://"
_CLIENT_CERTIFICATE = "it does not take the client certificate of this user, or wants one"
_ALERTS = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE", "ALERT_UNKNOWN_CA", "ACCESS_DENIED")
_OTHER_PROTOCOLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_VERSIONS = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE")


def cause(error: BaseException) -> str:
    """What the innermost of the exceptions says that led to this one."""
    reason = _innermost(error)
    if isinstance(reason, ssl.SSLError):
        return _of_tls(reason)
    if isinstance(reason, socket.gaierror):
        return "its name does not resolve"
    if isinstance(reason, ConnectionRefusedError):
        return "the connection was refused: it is down, or listens on another port"
    if isinstance(reason, http.client.RemoteDisconnected | ConnectionAbortedError | BrokenPipeError):
        return "the connection was closed without an answer"
    if isinstance(reason, ConnectionResetError):
        return "the connection was reset"
    if isinstance(reason, urllib3.exceptions.ConnectTimeoutError) and len(reason.args) == 1:
        return str(reason)  # of `transport`
    if isinstance(reason, urllib3.exceptions.ConnectTimeoutError):
        return "it could not be connected to in time (K8S_CONNECT_TIMEOUT): is it behind a VPN or a firewall?"
    if isinstance(reason, TimeoutError | urllib3.exceptions.TimeoutError):
        return "timed out: nothing came for too long (K8S_READ_TIMEOUT)"
    if isinstance(reason, http.client.IncompleteRead):
        return (
            f"it was cut short after {reason.partial if isinstance(reason.partial, int) else len(reason.partial)} bytes"
        )
    if isinstance(reason, http.client.BadStatusLine):
        looks_like_tls = any(alert in str(reason) for alert in ("\\x15\\x03", "\x15\x03"))
        return _NEEDS_TLS if looks_like_tls else "what answers does not speak HTTP"
    if isinstance(reason, OSError) and reason.errno:
        return os.strerror(reason.errno)
    if isinstance(reason, transport.ProxyRefused | http.client.HTTPException | urllib3.exceptions.HTTPError):
        said = " ".join(str(reason).split())[:400]
        return said or "the connection broke off"
    return f"the connection failed ({type(reason).__name__})"


def is_final(error: BaseException) -> bool:
    """Whether it will not mend in seconds: a name that does not resolve, a refused connection, a bad certificate."""
    if isinstance(error, transport.ProxyRefused):
        return error.status < 500
    reason = _innermost(error)
    if isinstance(reason, ssl.SSLError):
        return "EOF" not in str(reason)
    return isinstance(error, urllib3.exceptions.ProxyError) or isinstance(
        reason, socket.gaierror | ConnectionRefusedError
    )


def _of_tls(error: ssl.SSLError) -> str:
    said = f"{error.reason or ''} {error}".upper()
    if isinstance(error, ssl.SSLCertVerificationError):
        unknown = f"its certificate can not be verified: {error.verify_message}"
        is_unknown = error.verify_code in (2, 18, 19, 20, 21)
        return _UNKNOWN_CA if is_unknown else _CERTIFICATES.get(error.verify_code, unknown)
    if any(sign in said for sign in _ALERTS):
        return _CLIENT_CERTIFICATE
    if any(sign in said for sign in _OTHER_PROTOCOLS):
        return _NO_TLS
    if any(sign in said for sign in _VERSIONS):
        return "it speaks no version of TLS that is secure"
    if "EOF" in said:
        return "the connection was closed in the middle of TLS: is something in between?"
    reason = (error.reason or "").replace("_", " ").lower()
    return f"TLS failed: {reason}" if reason else "TLS failed"


def _innermost(error: BaseException) -> BaseException:
    seen = [error]
    while not _says_most(seen[-1]) and (inner := _inner(seen[-1])) is not None and inner not in seen:
        seen.append(inner)
    return seen[-1]


def _says_most(error: BaseException) -> bool:
    """Within it are a timeout like any other, or what was left of a chunk."""
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # a ConnectTimeoutError, for urllib3
        return False
    return isinstance(error, urllib3.exceptions.ConnectTimeoutError | http.client.IncompleteRead)


def _inner(error: BaseException) -> BaseException | None:
    """What another library wrapped: in an attribute, among its arguments, or as its cause."""
    wrapped: list[Any] = [getattr(error, "original_error", None), getattr(error, "reason", None), *error.args]
    return next((each for each in (*wrapped, error.__cause__) if isinstance(each, BaseException)), None)
