"""Requests to one cluster: limits, timeouts, retries, and what each answer means."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import tenacity
import urllib3
from kubernetes.client import ApiClient

from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import (
    BadAnswer,
    Expired,
    Forbidden,
    KubeError,
    NoSuchPath,
    NotFound,
    Unauthorized,
    Unreachable,
)

log = logging.getLogger(__name__)

JSON = "application/json"
_BURST = 20
"""Requests that may go out at once before the pace is kept."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How a cluster is asked: seconds for timeouts, requests for the rest. They hold for one process."""

    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    attempts: int = 4
    longest_wait: float = 30.0
    requests_in_flight: int = 4
    requests_per_second: float = 50.0
    compress: bool | None = None
    """Whether answers come as gzip, 15 times smaller; by default unless the API server is on this machine."""


class _Status(msgspec.Struct, frozen=True):
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/"""

    class Metadata(msgspec.Struct, frozen=True):
        continue_token: str | None = msgspec.field(default=None, name="continue")

    kind: str = ""
    message: str | None = None
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class _TryAgain(Exception):
    """An answer that another attempt on the same request may mend, after `seconds` if it says so."""

    def __init__(self, error: KubeError, seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.seconds = seconds


class Session:
    """A private client of one context. Safe to use from several threads."""

    def __init__(self, context: Context, limits: Limits | None = None) -> None:
        self.context = context
        self.limits = limits or Limits()
        self.cluster_version: str | None = None
        """Of Kubernetes, once somebody asked for it: it changes no more often than a session is opened."""
        self._client: ApiClient | None = None
        self._lock = threading.Lock()
        self._in_flight = threading.BoundedSemaphore(self.limits.requests_in_flight)
        self._next_start = 0.0

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return str(self.client.configuration.host)

    @property
    def client(self) -> ApiClient:
        with self._lock:
            if self._client is None:
                self._client = self.context.client()
            return self._client

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.rest_client.pool_manager.clear()
                self._client.close()
                self._client = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None, *, accept: str = JSON) -> bytes:
        """The body of a 200 answer. Raises a `KubeError` for anything else, after retries where they help."""
        try:
            return self._get_with_retries(path, query, accept)
        except Unauthorized:
            # The library refreshes neither token files nor certificates of exec plugins: a new client does.
            log.info("context %s: credentials were refused, loading them again", self.context.name)
            self.close()
            return self._get_with_retries(path, query, accept)

    def _get_with_retries(self, path: str, query: Mapping[str, Any] | None, accept: str) -> bytes:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgain),
            stop=tenacity.stop_after_attempt(self.limits.attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            return retrying(self._get_once, path, query, accept)
        except _TryAgain as last:
            raise last.error from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.seconds if isinstance(error, _TryAgain) else None
        backoff = tenacity.wait_exponential_jitter(multiplier=0.2, max=5, jitter=0.3)(state)
        seconds = min(max(asked or 0.0, backoff), self.limits.longest_wait)
        log.warning("%s; trying again in %.1f s", error, seconds)
        return seconds

    def _get_once(self, path: str, query: Mapping[str, Any] | None, accept: str) -> bytes:
        client = self.client
        headers = {
            **client.default_headers,
            "Accept": accept,
            "Accept-Encoding": "gzip" if self._compress(client) else "identity",
        }
        # Reading these refreshes a token that expired. The library's own way to apply them differs from 36 to 37.
        headers |= {
            each["key"]: each["value"] for each in client.configuration.auth_settings().values() if each["value"]
        }
        timeout = urllib3.Timeout(connect=self.limits.connect_timeout, read=self.limits.read_timeout)
        with self._in_flight:
            self._pace()
            try:
                # Not `client.call_api`: it turns a TLS failure into an AttributeError (36.0.3).
                response = client.rest_client.pool_manager.request(
                    "GET",
                    client.configuration.host + path,
                    fields=dict(query or {}),
                    headers=headers,
                    timeout=timeout,
                    retries=False,
                )
            except urllib3.exceptions.ConnectTimeoutError as error:
                raise self._unreachable(error) from None
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if _is_final(error):
                    raise self._unreachable(error) from None
                raise _TryAgain(self._unreachable(error)) from None
        if response.status != 200:
            raise self._meaning(path, response)
        body: bytes = response.data
        return body

    def _compress(self, client: ApiClient) -> bool:
        if self.limits.compress is not None:
            return self.limits.compress
        return urllib3.util.parse_url(client.configuration.host).host not in ("127.0.0.1", "localhost", "[::1]")

    def _pace(self) -> None:
        with self._lock:
            now = time.monotonic()
            interval = 1 / self.limits.requests_per_second
            start = max(now - _BURST * interval, self._next_start)
            self._next_start = start + interval
        time.sleep(max(0.0, start - now))

    def _meaning(self, path: str, response: urllib3.BaseHTTPResponse) -> Exception:
        """What an answer other than 200 says. 403, 404 and 410 count only with a `Status` in their body:
        proxies and load balancers answer with those codes too."""
        where = self._where(path)
        code, body = response.status, response.data
        status = _status(body)
        said = f": {_short(status.message)}" if status is not None and status.message else ""
        if code == 401:
            return Unauthorized(
                f"{where}: credentials are missing, expired or wrong (401). Check the user of this context: "
                "kubectl auth whoami"
            )
        if status is not None:
            if code == 403 and "system:anonymous" in (status.message or ""):
                return Unauthorized(f"{where}: the request arrived without credentials{said}")
            if code == 403:
                return Forbidden(f"{where}: forbidden{said}. docs/rbac.md has the ClusterRole that is needed")
            if code == 404:
                return NotFound(f"{where}: not served by this cluster{said}")
            if code == 410:
                return Expired(f"{where}: the continue token expired{said}", status.metadata.continue_token)
        refusal = NoSuchPath if code == 404 else BadAnswer
        refused = refusal(f"{where}: answered {code}{said or _looks_like(body)}")
        if code in (408, 429, 500, 502, 503, 504):
            return _TryAgain(refused, _retry_after(response.headers))
        return refused

    def _unreachable(self, error: BaseException) -> Unreachable:
        proxy = self.client.configuration.proxy
        through = f" (through the proxy {urllib3.util.parse_url(proxy).netloc})" if proxy else ""
        return Unreachable(f"context {self.context.name}: {self.server} does not answer{through}: {_cause(error)}")

    def _where(self, path: str) -> str:
        return f"context {self.context.name}, {path}"


def _status(body: bytes) -> _Status | None:
    try:
        status = msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return status if status.kind == "Status" else None


def _retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Seconds, the only form that Kubernetes sends; an HTTP date is left to the back-off."""
    value = (headers or {}).get("Retry-After", "")
    return float(value) if re.fullmatch(r"\d{1,6}", value) else None


def _looks_like(body: bytes) -> str:
    if b"<html" in body[:2000].lower():
        return " with an HTML page: is a proxy or a login page in the way?"
    return " without a Kubernetes Status"


def _cause(error: BaseException) -> str:
    """The innermost reason; urllib3's own messages repeat the request with its query."""
    reason: Any = error
    while isinstance(inner := getattr(reason, "original_error", getattr(reason, "reason", None)), BaseException):
        reason = inner
    text = re.sub(r"(//)[^/@\s]+@", r"\1", str(reason))
    return (
        _short(re.sub(r"^.*?object at 0x[0-9a-f]+>:? ?|^.*?Connection\(host=[^)]*\): ", "", text))
        or type(reason).__name__
    )


def _is_final(error: BaseException) -> bool:
    """A name that does not resolve, a refused connection or a bad certificate will not mend in seconds."""
    text = f"{type(error).__name__} {error!r} {_cause(error)}"
    return any(
        sign in text
        for sign in (
            "NameResolutionError",
            "Connection refused",
            "CERTIFICATE_VERIFY_FAILED",
            "ProxyError",
            "WRONG_VERSION",
        )
    )


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:400]
