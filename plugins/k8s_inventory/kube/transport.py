"""HTTP answers with an end: in seconds and in bytes, as a whole.

urllib3's timeouts begin anew with every byte that drips in, its bodies are as long as the server likes, and what gzip
unpacks to is known only afterwards.
"""

from __future__ import annotations

import http.client
import io
import math
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import urllib3

from k8s_inventory.kube.patience import Patience
from k8s_inventory.kube.socks import Socks, SocksRefused

_SLICE = 0.5
"""Seconds after which one who waits looks whether to go on."""

_BLOCK = 1 << 20
_BUFFER = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS
MOST_OF_ERROR = 1 << 18
_MOST_OF_HEAD = 1 << 20
_HEADERS_READ = {
    b"connection",
    b"content-encoding",
    b"content-length",
    b"date",
    b"keep-alive",
    b"location",
    b"proxy-connection",
    b"retry-after",
    b"transfer-encoding",
}


class Refused(Exception):
    """An answer that is not taken; the message says why."""


class Oversized(Refused):
    """It has more bytes than it may."""


class ProxyRefused(urllib3.exceptions.ProxyError):
    """A proxy that answers, and does not connect; the message says why, in our own words. `status` is that of its
    answer to CONNECT, 0 where there is none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message, None)  # type: ignore[arg-type]
        self.args = (message,)
        self.status = status

    def __str__(self) -> str:
        return str(self.args[0])


class Allowance:
    """What one answer may take: `seconds` for all of it, `silence` between two of its bytes, and so many `bytes` as
    they arrive, headers and all.

    Once `stopped` is set, nobody waits for it any more; nor once `patience` is at its end.
    """

    def __init__(
        self,
        *,
        seconds: float,
        silence: float,
        bytes: float,
        stopped: threading.Event,
        patience: Patience | None = None,
    ) -> None:
        self._end = time.monotonic() + seconds
        self._silence = silence
        self._bytes = bytes
        self._stopped = stopped
        self._patience = patience

    @property
    def is_over(self) -> bool:
        """Whether its time is."""
        return time.monotonic() >= self._end

    def within(self, seconds: float) -> Allowance:
        """For what comes before the answer: these seconds of it at most, and no body's bytes."""
        left = min(seconds, self._end - time.monotonic())
        return Allowance(seconds=left, silence=left, bytes=MOST_OF_ERROR, stopped=self._stopped)

    def pause(self, since: float) -> float:
        """Seconds that may be waited now, and then some more, for what nothing has come of `since`.

        Raises `TimeoutError`, `Exhausted`.
        """
        left = min(self._end, since + self._silence) - time.monotonic()
        if left <= 0 or self._stopped.is_set():
            raise TimeoutError("timed out")
        if self._patience:
            self._patience.check()
        return min(left, _SLICE)

    def receive(self, sock: socket.socket, buffer: Any) -> int:
        """What `recv_into` does. Raises `TimeoutError`, `Oversized`, `Exhausted`."""
        since = time.monotonic()
        while True:
            sock.settimeout(self.pause(since))
            try:
                count = sock.recv_into(buffer)
            except TimeoutError:
                continue
            self._bytes -= count
            if self._bytes < 0:
                raise Oversized("it does not end")
            if self._patience:
                self._patience.received(count)
            return count


_OTHERS = Allowance(seconds=math.inf, silence=600, bytes=math.inf, stopped=threading.Event())
"""For requests that are not of `get`: Airflow's hook gives these connections away."""

_allowance: ContextVar[Allowance] = ContextVar("allowance", default=_OTHERS)


class _Received(io.RawIOBase):
    """What arrives at a socket."""

    def __init__(self, sock: socket.socket, allowance: Allowance) -> None:
        self.sock = sock
        self.is_taken = False
        """Whether somebody else reads what is still to come."""
        self._file = sock.makefile("rb", buffering=0)  # keeps the socket open as long as this is
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        return None if self.is_taken else self._allowance.receive(self.sock, buffer)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Lines(io.BufferedReader):
    """Leaves out the headers that nobody here reads: `http.client` refuses a hundred of them, and a long one, which
    kubectl does not. Together they may have `_MOST_OF_HEAD` bytes."""

    def __init__(self, received: _Received) -> None:
        super().__init__(received, _BUFFER)
        self._left = _MOST_OF_HEAD
        self._state = "before"
        self._is_read = True

    def readline(self, size: int | None = -1, /) -> bytes:
        if self._state == "after":
            return super().readline(size)
        if self._state == "before":
            line = self._line()
            self._state = "interim" if re.match(rb"HTTP/\S+ 1\d\d\b", line) else "head"
            return line
        while line := self._line():
            if line in (b"\r\n", b"\n"):
                self._state = "before" if self._state == "interim" else "after"
                return line
            if line[:1] not in b" \t":  # else it goes on with the header before
                self._is_read = line.partition(b":")[0].strip().lower() in _HEADERS_READ
            if self._is_read:
                return line
        return line

    def _line(self) -> bytes:
        line = super().readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise Refused(f"its headers have more than {_MOST_OF_HEAD} bytes")
        return line


@dataclass(frozen=True)
class _Bounded:
    """All of a socket that `http.client` uses to read an answer: the status line, the headers and the body."""

    sock: socket.socket

    def makefile(self, mode: str) -> io.BufferedReader:
        allowance = _allowance.get()
        received = _Received(self.sock, allowance)
        return io.BufferedReader(received, _BUFFER) if allowance is _OTHERS else _Lines(received)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(_Bounded(sock), *arguments, **options)  # type: ignore[arg-type]


class _HTTPConnection(urllib3.connection.HTTPConnection):
    """Connects within its timeout, and that is all of it: whatever a proxy has to say, and TLS."""

    response_class = _Response

    def __init__(self, *arguments: Any, _socks_options: Mapping[str, Socks] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._socks = (_socks_options or {}).get("through")

    @property
    def _seconds(self) -> float | None:
        """None where there is no end; urllib3 may have a mark in the place of the default."""
        return self.timeout if isinstance(self.timeout, int | float) else None

    def connect(self) -> None:
        seconds = self._seconds or math.inf
        token = _allowance.set(_allowance.get().within(seconds))
        try:
            super().connect()
        except TimeoutError:
            said = f"it took the connection, and then did not answer in {seconds:g} s (K8S_CONNECT_TIMEOUT)"
            raise urllib3.exceptions.ConnectTimeoutError(said) from None
        except ConnectionError as error:  # in the middle of TLS
            raise urllib3.exceptions.NewConnectionError(self, "the connection broke off") from error
        finally:
            _allowance.reset(token)

    def _new_conn(self) -> socket.socket:
        if self._socks is None:
            return super()._new_conn()
        to_proxy = urllib3.connection.HTTPConnection(self._socks.host, self._socks.port, timeout=self.timeout)
        try:
            sock = to_proxy._new_conn()
        except urllib3.exceptions.HTTPError as error:
            raise urllib3.exceptions.ProxyError("no connection to the proxy", error) from None
        try:
            self._socks.ask(sock, self._dns_host, self.port, partial(_exactly, sock, _allowance.get()))
            sock.settimeout(self._seconds)
        except BaseException as error:
            sock.close()
            if isinstance(error, SocksRefused):
                raise ProxyRefused(str(error)) from None
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise ProxyRefused("it closed the connection") from None
            raise
        return sock

    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            if refused := re.match(r"Tunnel connection failed: (\d{3})\b", str(error)):
                status = int(refused[1])
                reason = http.client.responses.get(status, "")
                raise ProxyRefused(f"it answered {status} {reason}".rstrip(), status) from None
            is_closed = isinstance(error, OSError)
            raise ProxyRefused("it closed the connection" if is_closed else "its answer is no HTTP") from None
        self.sock.settimeout(self._seconds)


class _HTTPSConnection(_HTTPConnection, urllib3.connection.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        # Or it need not be, by its kubeconfig: of that urllib3 would warn with every request.
        self.is_verified = True


def _exactly(sock: socket.socket, allowance: Allowance, count: int) -> bytes:
    """So many bytes of a socket. Raises `ConnectionError` where it has less, and what `Allowance.receive` does."""
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        came = allowance.receive(sock, view)
        if not came:
            raise ConnectionError
        view = view[came:]
    return bytes(buffer)


class _ProxySocket(ssl.SSLSocket):
    """To a proxy that is reached by TLS. urllib3 reads the server's own TLS out of it, record by record, and each may
    drip in."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        if _allowance.get().is_over:
            raise TimeoutError("timed out")
        return super().recv(buflen, flags)


def context_of_proxy() -> ssl.SSLContext:
    """For an https proxy, which the system's CAs verify."""
    context = ssl.create_default_context()
    context.sslsocket_class = _ProxySocket
    return context


class _HTTPConnectionPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSConnectionPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


def bound(pools: urllib3.PoolManager) -> None:
    """Every connection that is made from now on is for `get` alone."""
    pools.pool_classes_by_scheme = {"http": _HTTPConnectionPool, "https": _HTTPSConnectionPool}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def get(
    pools: urllib3.PoolManager,
    url: str,
    *,
    query: Mapping[str, Any],
    headers: Mapping[str, str],
    timeout: urllib3.Timeout,
    allowance: Allowance,
    most: int,
) -> Answer:
    """The answer to a GET, whatever its status. Redirects are not followed: they would take credentials elsewhere.

    `most` are the bytes that its body may have, unpacked. Where the status is not 200 that is `MOST_OF_ERROR`, and a
    body that can not be had is missing. Raises `Oversized`, `Refused`, `Exhausted`, urllib3's `HTTPError`, `OSError`.
    """
    asked = {"method": "GET", "url": url, "fields": dict(query), "headers": headers, "timeout": timeout}
    answer = _answer(pools, asked, allowance, most)
    assert isinstance(answer, Answer)
    return answer


def post(
    pools: urllib3.PoolManager,
    url: str,
    *,
    form: Mapping[str, str],
    headers: Mapping[str, str],
    timeout: urllib3.Timeout,
    allowance: Allowance,
    most: int,
) -> Answer:
    """The answer to the POST of a form, as `get` has it."""
    asked = {"method": "POST", "url": url, "fields": dict(form), "headers": headers, "timeout": timeout}
    answer = _answer(pools, {**asked, "encode_multipart": False}, allowance, most)
    assert isinstance(answer, Answer)
    return answer


def _answer(
    pools: urllib3.PoolManager, asked: Mapping[str, Any], allowance: Allowance, most: int, *, as_stream: bool = False
) -> Answer | Stream:
    token = _allowance.set(allowance)
    try:
        response = pools.request(**asked, retries=False, redirect=False, preload_content=False)
        if as_stream and response.status == 200:
            try:
                return Stream(response)
            except BaseException:
                response.close()
                raise
        try:
            body = _body(response, most if response.status == 200 else MOST_OF_ERROR)
        except Refused:
            if response.status == 200:
                raise
            body = b""
        finally:
            if not response.closed:
                response.close()  # a connection that holds the rest of an answer is not used again
                response.release_conn()
        return Answer(response.status, response.headers, body)
    finally:
        _allowance.reset(token)


class Stream:
    """The body of an answer that goes on, for whoever waits for several: `read` returns what is there, and never waits.

    Its `source` has a `fileno` for selectors; tell it to `pump` once that is ready, and read what then `has_news`.
    Close it.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused("it is packed in a way that was not asked for")
        self._response = response
        raw: Any = response._fp  # type: ignore[attr-defined]
        self._received: _Received = raw.fp.raw
        self._received.is_taken = True
        self._body = _Chunked() if raw.chunked else _Plain(raw.length)
        self._ready = self._body.take(raw.fp.read1(_MOST_OF_HEAD) or b"")
        self._received.sock.settimeout(0)
        self.has_news = True  # what came with the headers shows at no selector

    @property
    def source(self) -> Stream:
        return self

    def fileno(self) -> int:
        return self._received.sock.fileno()

    def pump(self) -> None:
        self.has_news = True

    def read(self, most: int) -> bytes | None:
        """What has come, some of it where it is more than `most` bytes; empty where nothing has; None at the end.

        Raises `OSError` where it broke off, `Refused` for what is no such body.
        """
        ready, self._ready = self._ready, b""
        while len(ready) < most and not self._body.is_whole:
            try:
                block = self._received.sock.recv(_BUFFER)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            if not block and self._body.ends_with_connection:
                self._body.is_whole = True
            elif not block:
                if ready:
                    break  # the next one will find the same
                raise ConnectionError("the connection was closed in the middle of it")
            ready += self._body.take(block)
        self.has_news = bool(ready)  # TLS may hold more than shows at the socket
        return None if self._body.is_whole and not ready else ready

    def close(self) -> None:
        self._response.close()


class _Plain:
    """A body as it is, of so many bytes, or as many as come."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.ends_with_connection = length is None
        self.is_whole = length == 0

    def take(self, block: bytes) -> bytes:
        if self._left is not None:
            block = block[: self._left]
            self._left -= len(block)
            self.is_whole = self._left == 0
        return block


class _Chunked:
    """https://www.rfc-editor.org/rfc/rfc9112#section-7.1, without trailers, which nobody reads here."""

    ends_with_connection = False

    def __init__(self) -> None:
        self.is_whole = False
        self._head = b""
        self._left = 0
        """Of the chunk, with the line end after it."""

    def take(self, block: bytes) -> bytes:
        parts: list[bytes] = []
        while block and not self.is_whole:
            if self._left:
                part, block = block[: self._left], block[self._left :]
                end = max(0, len(part) - max(0, 2 - (self._left - len(part))))
                parts.append(part[:end])
                self._left -= len(part)
                continue
            line, newline, block = block.partition(b"\n")
            self._head += line
            if len(self._head) > _LONGEST_CHUNK_HEAD:
                raise Refused("it is not cut into chunks as it says it is")
            if newline:
                size = self._head.partition(b";")[0].strip()
                if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
                    raise Refused("it is not cut into chunks as it says it is")
                self._head, self._left = b"", int(size, 16) + 2
                self.is_whole = self._left == 2
        return b"".join(parts)


_LONGEST_CHUNK_HEAD = 1 << 12


def stream(
    pools: urllib3.PoolManager,
    url: str,
    *,
    query: Mapping[str, Any],
    headers: Mapping[str, str],
    timeout: urllib3.Timeout,
    allowance: Allowance,
) -> Stream | Answer:
    """The answer to a GET as it comes, once its headers have; one of another status than 200 as `get` has it."""
    asked = {"method": "GET", "url": url, "fields": dict(query), "headers": headers, "timeout": timeout}
    return _answer(pools, asked, allowance, MOST_OF_ERROR, as_stream=True)


def connect(
    pools: urllib3.PoolManager, url: str, *, timeout: urllib3.Timeout, allowance: Allowance
) -> urllib3.connection.HTTPConnection:
    """A connection to where the URL leads, for the caller alone. Raises urllib3's `HTTPError`, `OSError`."""
    token = _allowance.set(allowance)
    pool = pools.connection_from_url(url)
    connection: Any = pool._new_conn()
    connection.timeout = timeout.connect_timeout
    try:
        if pool.proxy:
            pool._prepare_proxy(connection)
        else:
            connection.connect()
    except BaseException:
        connection.close()
        raise
    finally:
        _allowance.reset(token)
    made: urllib3.connection.HTTPConnection = connection
    return made


def _body(response: urllib3.BaseHTTPResponse, most: int) -> bytes:
    coding = response.headers.get("Content-Encoding", "").lower()
    blocks = iter(lambda: response.read(_BLOCK, decode_content=False), b"")
    if coding in ("gzip", "x-gzip"):
        blocks = _unpacked(blocks, most)
    elif coding not in ("", "identity"):
        raise Refused("it is packed in a way that was not asked for")
    elif (response.length_remaining or 0) > most:
        raise Oversized(f"it has {response.length_remaining} bytes")
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        size += len(block)
        if size > most:
            raise Oversized(f"it has more than {most} bytes")
        parts.append(block)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    """What gzip unpacks to: of each block at most one byte more than `most`, whatever it holds."""
    unpack = zlib.decompressobj(_GZIP)
    block = None
    try:
        for block in blocks:
            yield unpack.decompress(block, most + 1)
            if unpack.unused_data:
                raise Refused("it goes on after the end of its gzip")
    except zlib.error:
        raise Refused("it is not the gzip that it says it is") from None
    if block and not unpack.eof:
        raise urllib3.exceptions.ProtocolError("the answer ends in the middle of its gzip")
