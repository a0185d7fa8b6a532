"""Several answers over one connection, of servers that say over HTTP/2 whatever they like."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h2.settings
import pytest
import urllib3

from k8s_inventory.kube import transport
from k8s_inventory.kube.kubeconfig.certificates import Pem, tls_context
from k8s_inventory.kube.multiplexed import Asked, Connections, Stream
from k8s_inventory.kube.proxies import pool_manager
from tests.http2_server import Connected, Http2Server
from tests.listener import Authority

Ask = Callable[..., transport.Stream | Stream | transport.Answer]
GetEach = Callable[..., list[bytes | None]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Http2Server]:
    with Http2Server(tmp_path, Authority()) as server:
        yield server


@pytest.fixture
def offering(server: Http2Server) -> urllib3.PoolManager:
    return pool_manager(None, tls=tls_context(Pem(server.ca, "the CA"), offer_http2=True))


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = Connections()
    yield made
    made.close()


def allowance(silence: float = 5.0) -> transport.Allowance:
    return transport.Allowance(seconds=10, silence=silence, bytes=1 << 20, stopped=threading.Event())


@pytest.fixture
def ask(server: Http2Server, offering: urllib3.PoolManager, connections: Connections) -> Ask:
    plain = pool_manager(None, tls=tls_context(Pem(server.ca, "the CA")))

    def ask(path: str = "/a", *, silence: float = 5.0) -> transport.Stream | Stream | transport.Answer:
        return connections.stream(
            plain,
            offering,
            server.url + path,
            query={"watch": "true"},
            headers=urllib3.HTTPHeaderDict({"Authorization": "Bearer tok-en"}),
            timeout=urllib3.Timeout(connect=2, read=2),
            allowance=allowance(silence),
        )

    return ask


@pytest.fixture
def asked(server: Http2Server, offering: urllib3.PoolManager) -> Callable[..., Asked]:
    def asked(*paths: str, silence: float = 5.0) -> Asked:
        requests = [(server.url + path, urllib3.HTTPHeaderDict()) for path in paths]
        return Asked(offering, requests, urllib3.Timeout(connect=2, read=2), allowance(silence))

    return asked


@pytest.fixture
def get_each(asked: Callable[..., Asked], connections: Connections) -> GetEach:
    def get_each(*paths: str, at_once: int = 4, silence: float = 5.0) -> list[bytes | None]:
        return connections.get_each(asked(*paths, silence=silence), most=1 << 20, at_once=at_once)

    return get_each


def all_of(stream: object, most: int = 1 << 20) -> bytes:
    """What of it comes, until it ends. Raises what broke it off."""
    assert isinstance(stream, Stream)
    end, found = time.monotonic() + 20, b""
    while time.monotonic() < end and len(found) < most:
        block = stream.read(1 << 16)
        if block is None:
            return found
        found += block
        time.sleep(0 if block else 0.005)
    return found


def closed(stream: object) -> None:
    assert isinstance(stream, Stream)
    stream.close()


def whole(connected: Connected, stream: int, path: str) -> None:
    connected.begin(stream)
    connected.protocol.send_data(stream, path.encode(), end_stream=True)


def begun(connected: Connected, stream: int, path: str) -> None:
    connected.begin(stream)
    connected.protocol.send_data(stream, b"begun")


def test_answers_share_a_connection(server: Http2Server, ask: Ask) -> None:
    server.script = whole
    assert [all_of(ask(f"/{number}")) for number in range(3)] == [b"/%d?watch=true" % number for number in range(3)]
    assert server.connections == 1


def test_a_connection_has_a_hundred_of_them(server: Http2Server, ask: Ask) -> None:
    server.script = begun
    streams = [ask(f"/{number}") for number in range(101)]
    assert server.connections == 2
    assert {all_of(each, 5) for each in streams} == {b"begun"}


def test_a_server_may_allow_less(server: Http2Server, ask: Ask) -> None:
    def few(connected: Connected, stream: int, path: str) -> None:
        connected.protocol.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
        begun(connected, stream, path)

    server.script = few
    streams = [ask() for _ in range(5)]
    assert server.connections == 3
    assert {all_of(each, 5) for each in streams} == {b"begun"}


def test_whoever_goes_says_so_and_makes_room(server: Http2Server, ask: Ask) -> None:
    server.script = begun
    streams = [ask() for _ in range(100)]
    closed(streams[7])
    ask()
    assert (server.connections, server.reset) == (1, [15])


@pytest.mark.parametrize("status", [401, 403, 410, 429, 500])
def test_an_answer_of_another_status_is_had_whole(server: Http2Server, ask: Ask, status: int) -> None:
    def refuse(connected: Connected, stream: int, path: str) -> None:
        connected.begin(stream, status, retry_after="7")
        connected.protocol.send_data(stream, b'{"kind":"Status"}', end_stream=True)

    server.script = refuse
    answer = ask()
    assert isinstance(answer, transport.Answer)
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (status, b'{"kind":"Status"}', "7")


def test_an_error_without_an_end_is_not_read_to_it(server: Http2Server, ask: Ask) -> None:
    def endless(connected: Connected, stream: int, path: str) -> None:
        connected.begin(stream, 500)
        for _ in range(60):
            connected.protocol.send_data(stream, b"x" * 10_000)
            connected.send()

    server.script = endless
    answer = ask()
    assert isinstance(answer, transport.Answer)
    assert (answer.status, answer.body) == (500, b"")


def test_one_that_is_broken_off_leaves_the_others(server: Http2Server, ask: Ask) -> None:
    server.script = begun
    kept = ask()

    def reset(connected: Connected, stream: int, path: str) -> None:
        connected.begin(stream)
        connected.protocol.send_data(stream, b"some")
        connected.protocol.reset_stream(stream)

    server.script = reset
    with pytest.raises(ConnectionError):
        all_of(ask())
    assert all_of(kept, 5) == b"begun"


def _goes_away(connected: Connected, stream: int, path: str) -> None:
    connected.begin(stream)
    connected.send()
    connected.protocol.close_connection()


@pytest.mark.parametrize("how", ["it goes away", "it hangs up"])
def test_a_connection_that_ends_breaks_all_off_and_the_next_has_another(
    server: Http2Server, ask: Ask, how: str
) -> None:
    server.script = begun
    streams = [ask() for _ in range(3)]
    if how == "it hangs up":
        server.hang_up()
    else:
        server.script = _goes_away
        streams.append(ask())
    for stream in streams:
        with pytest.raises(OSError, match="gave the connection up|closed in the middle"):
            all_of(stream)
        closed(stream)
    server.script = whole
    assert all_of(ask()) == b"/a?watch=true"
    assert server.connections == 2


def test_headers_that_do_not_come_are_not_waited_for_longer_than_allowed(server: Http2Server, ask: Ask) -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(silence=0.2)
    assert time.monotonic() - start < 20
    server.script = whole
    assert all_of(ask()) == b"/a?watch=true"


def test_others_are_answered_while_one_waits(server: Http2Server, ask: Ask) -> None:
    """Each in a thread of its own; whoever reads the connection reads for all."""

    def some(connected: Connected, stream: int, path: str) -> None:
        if "silent" not in path:
            whole(connected, stream, path)

    server.script = some

    def wait() -> None:
        with pytest.raises(TimeoutError):
            ask("/silent", silence=2.0)

    waits = threading.Thread(target=wait)
    waits.start()
    for number in range(20):
        assert all_of(ask(f"/{number}")) == b"/%d?watch=true" % number
    assert waits.is_alive()
    waits.join()


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\x00\x08\x00\x00\x00\x00\x00\x01" + bytes(8),  # data before headers
        b"\x00\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(100_000),  # a frame of 64 kB
        b"\x00\x00\x04\x08\x00\x00\x00\x00\x00" + bytes(4),  # a window that grows by nothing
        b"\x00\x00\x05\x01\x04\x00\x00\x00\x01" + b"\xff\xff\xff\xff\xff",  # headers that can not be unpacked
        b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x84",  # headers without a status
    ],
)
def test_what_is_no_http2_is_left_for_connections_of_their_own(server: Http2Server, ask: Ask, said: bytes) -> None:
    server.script = lambda connected, stream, path: connected.raw(said)
    for _ in range(2):
        with pytest.raises((urllib3.exceptions.HTTPError, OSError, transport.Refused)):
            ask(silence=0.5)  # over HTTP/1.1, which this server has not
    assert len(server.paths) == 1


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x00\x00\x00\x04"])
def test_who_never_begins_to_speak_http2_is_asked_without(server: Http2Server, ask: Ask, said: bytes) -> None:
    server.preface = said
    for _ in range(2):
        with pytest.raises((urllib3.exceptions.HTTPError, OSError, transport.Refused)):
            ask(silence=0.3)
    assert len(server.paths) <= 1


def test_headers_have_a_bound(server: Http2Server, ask: Ask) -> None:
    server.script = lambda connected, stream, path: connected.begin(
        stream, **{f"h{number}": "x" * 4000 for number in range(40)}
    )
    with pytest.raises((urllib3.exceptions.HTTPError, OSError, transport.Refused)):
        ask(silence=0.5)


def test_what_is_packed_is_not_taken(server: Http2Server, ask: Ask) -> None:
    server.script = lambda connected, stream, path: connected.begin(stream, content_encoding="gzip")
    with pytest.raises(transport.Refused, match="packed"):
        ask()


def test_what_nobody_reads_does_not_pile_up(server: Http2Server, ask: Ask) -> None:
    sent: list[int] = []

    def flood(connected: Connected, stream: int, path: str) -> None:
        connected.begin(stream)
        while connected.protocol.local_flow_control_window(stream) > 10_000:
            connected.protocol.send_data(stream, b"x" * 10_000)
            connected.send()
            sent.append(10_000)

    server.script = flood
    streams = [ask(f"/{number}") for number in range(12)]
    server.script = begun
    ask("/more")  # reads what came until then
    assert 0 < sum(sent) < 9 << 20
    for stream in streams:
        closed(stream)
    assert all_of(ask(), 5) == b"begun"


def test_a_server_that_says_more_than_it_may_is_refused(server: Http2Server, ask: Ask) -> None:
    def flood(connected: Connected, stream: int, path: str) -> None:
        connected.begin(stream)
        connected.send()
        frame = (16384).to_bytes(3, "big") + b"\x00\x00" + stream.to_bytes(4, "big") + bytes(16384)
        for _ in range(200):
            connected.raw(frame)

    server.script = flood
    stream = ask()
    assert isinstance(stream, Stream)
    while stream.source.error is None:
        stream.source.pump()
    with pytest.raises(transport.Refused):
        all_of(stream, 1 << 24)


def test_no_log_tells_a_credential(server: Http2Server, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "hpack")
    server.script = whole
    all_of(ask())
    assert "tok-en" not in caplog.text


def test_pings_are_answered(server: Http2Server, ask: Ask) -> None:
    def ping(connected: Connected, stream: int, path: str) -> None:
        connected.protocol.ping(b"12345678")
        whole(connected, stream, path)

    server.script = ping
    assert all_of(ask()) == b"/a?watch=true"
    assert all_of(ask()) == b"/a?watch=true"


# -- several at once ---------------------------------------------------------------------------------


def test_each_has_its_own_answer(server: Http2Server, get_each: GetEach) -> None:
    server.script = whole
    paths = [f"/{number}" for number in range(30)]
    assert get_each(*paths) == [path.encode() for path in paths]
    assert server.connections == 1


def test_no_more_are_under_way_than_may_be(server: Http2Server, get_each: GetEach) -> None:
    held: list[tuple[Connected, int]] = []
    most: list[int] = []

    def hold(connected: Connected, stream: int, path: str) -> None:
        held.append((connected, stream))
        most.append(len(held))
        if len(held) == 3 or path == "/last":
            for held_by, number in held:
                whole(held_by, number, path)
            held.clear()

    server.script = hold
    assert None not in get_each(*(f"/{name}" for name in "abcdef"), "/last", at_once=3)
    assert max(most) == 3


@pytest.mark.parametrize("how", ["another status", "packed", "too large", "broken off"])
def test_what_is_something_else_is_left_to_be_asked_for_by_itself(
    server: Http2Server, get_each: GetEach, how: str
) -> None:
    def odd(connected: Connected, stream: int, path: str) -> None:
        if path != "/odd":
            whole(connected, stream, path)
        elif how == "another status":
            connected.begin(stream, 403)
            connected.protocol.send_data(stream, b"no", end_stream=True)
        elif how == "packed":
            connected.begin(stream, content_encoding="gzip")
            connected.protocol.end_stream(stream)
        elif how == "broken off":
            connected.begin(stream)
            connected.protocol.reset_stream(stream)
        else:
            connected.begin(stream)
            frame = (16384).to_bytes(3, "big") + b"\x00\x00" + stream.to_bytes(4, "big") + bytes(16384)
            for _ in range(64):
                connected.raw(frame)

    server.script = odd
    assert get_each("/a", "/odd", "/b", silence=1.0) == [b"/a", None, b"/b"]


def test_what_does_not_come_is_waited_for_no_longer_than_allowed(server: Http2Server, get_each: GetEach) -> None:
    server.script = lambda connected, stream, path: whole(connected, stream, path) if path == "/a" else None
    start = time.monotonic()
    assert get_each("/a", "/b", silence=0.3) == [b"/a", None]
    assert time.monotonic() - start < 20
    get_each("/a")  # so that the server has heard of what was before
    assert server.reset == [3]


def test_answers_that_go_on_begin_side_by_side(
    server: Http2Server, asked: Callable[..., Asked], connections: Connections
) -> None:
    """Of three, no more than two are waited for at a time; more than a connection takes, too."""
    waiting: list[tuple[Connected, int]] = []
    most: list[int] = []

    def hold(connected: Connected, stream: int, path: str) -> None:
        waiting.append((connected, stream))
        most.append(len(waiting))
        if len(waiting) == 2:
            for held_by, number in waiting:
                begun(held_by, number, path)
            waiting.clear()

    server.script = hold
    streams = connections.stream_each(asked(*(f"/{number}" for number in range(102))), at_once=2)
    assert [all_of(each, 5) for each in streams] == [b"begun"] * 102
    assert (max(most), server.connections) == (2, 2)


@pytest.mark.parametrize("how", ["another status", "packed", "broken off", "nothing"])
def test_what_does_not_go_on_is_left_to_be_asked_for_by_itself(
    server: Http2Server, asked: Callable[..., Asked], connections: Connections, how: str
) -> None:
    def odd(connected: Connected, stream: int, path: str) -> None:
        if path != "/odd":
            begun(connected, stream, path)
        elif how == "another status":
            connected.begin(stream, 410)
            connected.protocol.send_data(stream, b"gone", end_stream=True)
        elif how == "packed":
            connected.begin(stream, content_encoding="gzip")
        elif how == "broken off":
            connected.protocol.reset_stream(stream)

    server.script = odd
    start = time.monotonic()
    first, none, last = connections.stream_each(asked("/a", "/odd", "/b", silence=0.5), at_once=3)
    assert time.monotonic() - start < 20
    assert (all_of(first, 5), none, all_of(last, 5)) == (b"begun", None, b"begun")


def test_without_http2_no_answer_goes_on_here(
    server: Http2Server, asked: Callable[..., Asked], connections: Connections
) -> None:
    server.preface = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert connections.stream_each(asked("/a", "/b", silence=0.2), at_once=2) == [None, None]


def test_without_http2_each_is_asked_for_by_itself(server: Http2Server, get_each: GetEach) -> None:
    server.preface = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert get_each("/a", "/b", "/c", silence=0.2) == [None] * 3
    server.preface = None
    assert get_each("/a") == [None]
    assert server.connections == 1
