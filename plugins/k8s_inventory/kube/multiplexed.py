"""Several answers that go on, over one connection where the server speaks HTTP/2: an API server takes a hundred.

https://www.rfc-editor.org/rfc/rfc9113
"""

from __future__ import annotations

import logging
import select
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

from k8s_inventory.kube import transport

if TYPE_CHECKING:
    from h2.events import Event

_MOST_STREAMS = 100
"""A connection, which is what an API server allows (`--http2-max-streams-per-connection`)."""

_WINDOW, _WINDOW_OF_ALL = 1 << 20, 1 << 23
"""Bytes that a server may send of an answer, and of all of a connection, before they are read. More it can not."""

_BUFFER, _AT_ONCE = 1 << 16, 1 << 18
_MOST_OF_HEAD = 1 << 16
_SLICE = 0.02
"""Seconds after which one who waits looks whether another has read what it waits for."""

_SECONDS_TO_SEND = 5.0


@dataclass(frozen=True)
class Asked:
    """What is asked side by side: URLs and the headers of each; `pools` offer HTTP/2 to the server."""

    pools: urllib3.PoolManager
    requests: Sequence[tuple[str, urllib3.HTTPHeaderDict]]
    timeout: urllib3.Timeout
    allowance: transport.Allowance


class Connections:
    """Those of one reader, for all answers that it has open. Close it.

    Where the server has no HTTP/2, or what it says is none, each answer has a connection of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[_Connection] = []
        self._without = False

    def stream(
        self,
        pools: urllib3.PoolManager,
        http2_pools: urllib3.PoolManager | None,
        url: str,
        *,
        query: Mapping[str, Any],
        headers: urllib3.HTTPHeaderDict,
        timeout: urllib3.Timeout,
        allowance: transport.Allowance,
    ) -> transport.Stream | Stream | transport.Answer:
        """What `transport.stream` does; what is of `http2_pools` offers HTTP/2 to the server."""
        asked = f"{url}?{urlencode(query)}"
        stream = self._begin(http2_pools, asked, headers, timeout, allowance) if http2_pools else None
        if stream is not None:
            try:
                return stream.source.answer(stream, allowance)
            except (transport.Refused, OSError):
                if not stream.source.is_refused:
                    raise
        return transport.stream(pools, url, query=query, headers=headers, timeout=timeout, allowance=allowance)

    def get_each(self, asked: Asked, *, most: int, at_once: int) -> list[bytes | None]:
        """The bodies of 200 answers that have no more than so many bytes each, asked for so many at a time. None where
        there is something else to it, or no HTTP/2: that is to be asked for by itself. Raises `Exhausted`."""
        bodies: list[bytes | None] = [None] * len(asked.requests)
        parts = [bytearray() for _ in asked.requests]

        def is_done(index: int, stream: Stream) -> bool:
            block = stream.read(_BUFFER) if stream.has_news else b""
            parts[index] += block or b""
            if block is None and stream.is_plain:
                bodies[index] = bytes(parts[index])
            return block is None or not stream.is_plain or len(parts[index]) > most

        begun: list[Stream | None] = [None] * len(asked.requests)
        try:
            self._each(asked, begun, is_done, at_once=at_once)
        finally:
            _close(begun)
        return bodies

    def stream_each(self, asked: Asked, *, at_once: int) -> list[Stream | None]:
        """The 200 answers that go on, each once it has begun; None as `get_each` has it. Raises `Exhausted`."""
        begun: list[Stream | None] = [None] * len(asked.requests)

        def is_done(index: int, stream: Stream) -> bool:
            return stream.status is not None or stream.has_news

        try:
            self._each(asked, begun, is_done, at_once=at_once)
        except BaseException:
            _close(begun)
            raise
        goes_on = [stream if stream and stream.status == 200 and stream.is_plain else None for stream in begun]
        _close(stream for stream in begun if stream not in goes_on)
        return goes_on

    def _each(
        self,
        asked: Asked,
        begun: list[Stream | None],
        is_done: Callable[[int, Stream], bool],
        *,
        at_once: int,
    ) -> None:
        """Asks for each, until it is done with, or nothing comes any more. What has begun is the caller's to close."""
        left = deque(enumerate(asked.requests))
        waiting: dict[int, Stream] = {}
        since = time.monotonic()
        with suppress(TimeoutError):
            while left or waiting:
                while left and len(waiting) < at_once:
                    index, (url, headers) = left.popleft()
                    if stream := self._begin(asked.pools, url, headers, asked.timeout, asked.allowance):
                        waiting[index] = begun[index] = stream
                        since = time.monotonic()
                for source in {stream.source for stream in waiting.values()}:
                    source.flush()
                for index, stream in list(waiting.items()):
                    try:
                        if is_done(index, stream):
                            del waiting[index]
                    except (OSError, transport.Refused):
                        del waiting[index]
                is_full = len(waiting) == at_once or not left
                if waiting and is_full and not any(stream.has_news for stream in waiting.values()):
                    next(iter(waiting.values())).source.wait(asked.allowance, since)

    def close(self) -> None:
        with self._lock:
            for each in self._open:
                each.close()
            self._open.clear()

    def _begin(
        self,
        pools: urllib3.PoolManager,
        url: str,
        headers: urllib3.HTTPHeaderDict,
        timeout: urllib3.Timeout,
        allowance: transport.Allowance,
    ) -> Stream | None:
        """Asks over one that takes another request. None where there is no HTTP/2, or no connection can be made, of
        which the other way will say why."""
        with self._lock:
            self._without = self._without or any(each.is_refused for each in self._open)
            for each in [each for each in self._open if each.is_over]:
                each.close()
                self._open.remove(each)
            if self._without:
                return None
            for each in self._open:
                if each.pools is pools and (stream := each.begin(url, headers)):
                    return stream
            try:
                connection = transport.connect(pools, url, timeout=timeout, allowance=allowance)
            except (urllib3.exceptions.HTTPError, OSError):
                return None
            sock = connection.sock
            if not isinstance(sock, ssl.SSLSocket) or sock.selected_alpn_protocol() != "h2":
                connection.close()
                self._without = True
                return None
            self._open.append(_Connection(connection, sock, pools))
            return self._open[-1].begin(url, headers)


def _close(streams: Iterable[Stream | None]) -> None:
    for stream in streams:
        if stream:
            stream.close()


class _Connection:
    """Safe to use from several threads. `is_refused` once the server has said what is no HTTP/2, or has ended it, or
    nothing came in time, before the `SETTINGS` with which a server begins."""

    def __init__(
        self, connection: urllib3.connection.HTTPConnection, sock: ssl.SSLSocket, pools: urllib3.PoolManager
    ) -> None:
        import h2.config  # 30 ms, which a task without a watch need not take
        import h2.connection
        import h2.settings

        logging.getLogger("hpack").setLevel(logging.WARNING)  # it would tell each header, credentials and all
        self.pools = pools
        self.is_refused = False
        self._has_begun = False
        self.error: OSError | transport.Refused | None = None
        self._connection = connection
        self._sock = sock
        self._lock = threading.RLock()
        self._streams: dict[int, Stream] = {}
        self._pumped_at = 0.0
        config = h2.config.H2Configuration(client_side=True, header_encoding=None, validate_outbound_headers=False)
        self._protocol = h2.connection.H2Connection(config)
        codes = h2.settings.SettingCodes
        self._protocol.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                codes.ENABLE_PUSH: 0,
                codes.INITIAL_WINDOW_SIZE: _WINDOW,
                codes.MAX_HEADER_LIST_SIZE: _MOST_OF_HEAD,
            },
        )
        self._protocol.initiate_connection()
        self._protocol.increment_flow_control_window(_WINDOW_OF_ALL)
        self._sock.settimeout(0)
        self._send()

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it."""
        return self.error is not None and not self._streams

    def fileno(self) -> int:
        return self._sock.fileno()

    def begin(self, url: str, headers: urllib3.HTTPHeaderDict) -> Stream | None:
        """Asks for what a GET says, with the next `flush`; None where it takes no more requests, or is broken."""
        parts = urllib3.util.parse_url(url)
        asked = {"method": "GET", "scheme": "https", "authority": parts.netloc or "", "path": parts.request_uri}
        sent = [(f":{name}", value) for name, value in asked.items()]
        sent += headers.iteritems()
        with self._lock:
            if time.monotonic() - self._pumped_at > _SLICE:
                self.pump()  # it may have been closed since
            most = min(self._protocol.remote_settings.max_concurrent_streams, _MOST_STREAMS)
            if self.error is not None or self._protocol.open_outbound_streams >= most:
                return None
            number = self._protocol.get_next_available_stream_id()
            self._protocol.send_headers(number, sent, end_stream=True)
            self._streams[number] = Stream(self, number)
            return self._streams[number]

    def flush(self) -> None:
        """Sends what was begun."""
        with self._lock:
            self._send()

    def answer(self, stream: Stream, allowance: transport.Allowance) -> Stream | transport.Answer:
        """What came of it once its headers have, and all of it where its status is not 200.

        Raises what `transport.stream` does.
        """
        since = time.monotonic()
        try:
            self.flush()
            while stream.status is None:
                self.wait(allowance, since)
                if stream.error is not None and stream.status is None:
                    raise stream.error
            if stream.status == 200:
                if not stream.is_plain:
                    raise transport.Refused("it is packed in a way that was not asked for")
                return stream
            body = b""
            while (block := stream.read(_BUFFER)) is not None and len(body) <= transport.MOST_OF_ERROR:
                body += block
                if not block:
                    self.wait(allowance, since)
            stream.close()
            return transport.Answer(stream.status, stream.headers, body if block is None else b"")
        except BaseException:
            stream.close()
            raise

    def wait(self, allowance: transport.Allowance, since: float) -> None:
        """For what may come, some milliseconds at most. Raises `TimeoutError`, `Exhausted`."""
        try:
            seconds = min(allowance.pause(since), _SLICE)
        except TimeoutError:
            self.is_refused |= not self._has_begun
            raise
        poll = select.poll()
        poll.register(self, select.POLLIN)
        poll.poll(seconds * 1000)
        self.pump()

    def pump(self) -> None:
        """Takes what has come, for whichever answer it is, and never waits."""
        from h2.exceptions import ProtocolError

        with self._lock:
            taken, self._pumped_at = 0, time.monotonic()
            try:
                while self.error is None and taken < _AT_ONCE:
                    data = self._sock.recv(_BUFFER)
                    if not data:
                        raise ConnectionError("the connection was closed in the middle of it")
                    taken += len(data)
                    for event in self._protocol.receive_data(data):
                        self._take(event)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError as error:
                self._break(error)
            except (ProtocolError, KeyError, ValueError):
                self.is_refused = True
                self._break(transport.Refused("what it sends is no HTTP/2"))
            self._send()

    def acknowledge(self, stream_id: int, count: int) -> None:
        """So many bytes of an answer were read: as many more may come."""
        with self._lock:
            if count and self.error is None:
                self._protocol.acknowledge_received_data(count, stream_id)
                self._send()

    def end(self, stream_id: int, unread: int, *, is_whole: bool) -> None:
        """Nobody reads this answer any more."""
        from h2.exceptions import ProtocolError

        with self._lock:
            if self._streams.pop(stream_id, None) and self.error is None:
                if unread:
                    self._protocol.acknowledge_received_data(unread, stream_id)
                if not is_whole:
                    with suppress(ProtocolError):  # it may have ended by itself
                        self._protocol.reset_stream(stream_id, error_code=8)  # CANCEL
                # It is sent with what comes next: a watch is mostly dropped just before its connection is closed.

    def close(self) -> None:
        with self._lock:
            self.error = self.error or ConnectionError("closed")
            self._connection.close()

    def _take(self, event: Event) -> None:
        import h2.events as events

        self._has_begun |= isinstance(event, events.RemoteSettingsChanged)
        if isinstance(event, events.ConnectionTerminated):
            self._break(ConnectionError("the API server gave the connection up"))
            return
        stream = self._streams.get(getattr(event, "stream_id", None) or 0)
        if stream is None:
            return
        if isinstance(event, events.ResponseReceived):
            stream.begin(event.headers)
        elif isinstance(event, events.DataReceived):
            stream.add(event.data or b"")
            self.acknowledge(stream.id, event.flow_controlled_length - len(event.data or b""))  # what filled it up
        elif isinstance(event, events.StreamEnded):
            stream.is_whole = True
        elif isinstance(event, events.StreamReset):
            stream.error = ConnectionError("the API server broke it off")

    def _send(self) -> None:
        data = self._protocol.data_to_send()
        if not data or self.error is not None:
            return
        try:
            self._sock.settimeout(_SECONDS_TO_SEND)
            self._sock.sendall(data)
            self._sock.settimeout(0)
        except OSError as error:
            self._break(error)

    def _break(self, error: OSError | transport.Refused) -> None:
        self.error = self.error or error
        self.is_refused |= not self._has_begun
        for stream in self._streams.values():
            if not stream.is_whole:
                stream.error = stream.error or self.error


class Stream:
    """As `transport.Stream` is, one of several of a connection."""

    def __init__(self, connection: _Connection, stream_id: int) -> None:
        self.source = connection
        self.id = stream_id
        self.status: int | None = None
        self.headers = urllib3.HTTPHeaderDict()
        self.is_whole = False
        self.error: OSError | transport.Refused | None = None
        self._blocks: deque[bytes] = deque()

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raises `ValueError` where no status is among them."""
        for name, value in headers:
            if name == b":status":
                self.status = int(value)
            else:
                self.headers.add(name.decode("latin-1"), value.decode("latin-1"))
        if self.status is None:
            raise ValueError("no status")

    def add(self, block: bytes) -> None:
        if block:
            self._blocks.append(block)

    @property
    def is_plain(self) -> bool:
        """Whether it may be a 200, and as it is."""
        return self.status in (None, 200) and self.headers.get("Content-Encoding", "identity").lower() == "identity"

    @property
    def has_news(self) -> bool:
        return bool(self._blocks) or self.is_whole or self.error is not None

    def read(self, most: int) -> bytes | None:
        if not self.has_news:
            self.source.pump()
        parts: list[bytes] = []
        size = 0
        while size < most and self._blocks:
            parts.append(self._blocks.popleft())
            size += len(parts[-1])
        self.source.acknowledge(self.id, size)
        if parts:
            return b"".join(parts)
        if self.error is not None:
            raise self.error.with_traceback(None)  # it is that of all others, too
        return None if self.is_whole else b""

    def close(self) -> None:
        self.source.end(self.id, sum(map(len, self._blocks)), is_whole=self.is_whole or self.error is not None)
        self._blocks.clear()
