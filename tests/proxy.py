"""A proxy before a real API server, for the faults that it can't be made to show itself.

Over plain HTTP nobody sends it credentials: what comes without any, it asks for as the admin.

It can be hostile, too: what it sends may drip in, have no end, or unpack to gigabytes.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

from k8s_inventory.kube.contexts import Context
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN


@dataclass
class Answer:
    """What goes back to the client. `cut` bytes are promised in Content-Length and never sent.

    `stream`, where it is given, is sent instead of all that: bytes as they are, status line and headers included,
    until it ends or the client has gone.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    cut: int = 0
    stream: Iterable[bytes] | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def with_json(self, value: Any) -> Answer:
        return Answer(self.status, json.dumps(value).encode(), self.headers)


def streamed(body: Iterable[bytes], *, status: int = 200, **headers: str) -> Answer:
    """The body as it comes, until the connection closes."""
    lines = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = f"HTTP/1.1 {status} Told\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"

    def stream() -> Iterator[bytes]:
        yield head.encode()
        yield from body

    return Answer(status, b"", stream=stream())


def dripping(text: bytes, seconds: float = 0.05) -> Iterator[bytes]:
    """The text, a byte at a time, and then blanks for ever: all of it may be legal JSON."""
    for byte in text:
        time.sleep(seconds)
        yield bytes([byte])
    while True:
        time.sleep(seconds)
        yield b" "


def packed(head: bytes, filling: bytes, megabytes: int, tail: bytes = b"") -> Iterator[bytes]:
    """gzip of `head`, so many megabytes of `filling`, and `tail`: a thousandth of them on the wire."""
    pack = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    yield pack.compress(head)
    block = filling * ((1 << 20) // len(filling))
    for _ in range(megabytes):
        yield pack.compress(block)
    yield pack.compress(tail) + pack.flush()


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """A watch, event by event, as an answer that ends with its connection."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    try:
        rest = b""
        for block in response.stream(1 << 16):
            *lines, rest = (rest + block).split(b"\n")
            yield from (line + b"\n" for line in lines)
    finally:
        response.close()


Spoil = Callable[[str, Answer], Answer | None]
"""Gets the path with its query and the real answer; returns what to send, or None for the real one."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client may have gone in the meantime
            super().handle_error(request, client_address)


class Proxy:
    """`spoil` may be set at any time; `requests` holds the paths asked for, `headers` what came with the last.

    Where it is `encrypted`, it shows the API server's own certificate.
    """

    def __init__(self, cluster: Cluster, *, encrypted: bool = False) -> None:
        self.spoil: Spoil = lambda path, answer: None
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.watch_seconds = ""
        """For which watches are asked for, whatever the client says: it gets all of one at once."""
        self.streams = False
        """Whether watches come as their events do, each a block of the answer's `stream`."""
        self.closing = threading.Event()
        proxy = self
        pool = urllib3.PoolManager(maxsize=8, ca_certs=str(cluster.ca_file), assert_hostname=False)
        self._ask = partial(pool.request, "GET", retries=False)
        self._cluster = cluster

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else the body waits for what the client says of the headers

            def do_GET(self) -> None:
                proxy.requests.append(self.path)
                proxy.headers.append(dict(self.headers))
                forwarded = {"Authorization": f"Bearer {ADMIN.token}"}
                forwarded |= {name: self.headers[name] for name in ("Authorization", "Accept") if name in self.headers}
                try:
                    path = self.path
                    if proxy.watch_seconds:
                        path = re.sub(r"timeoutSeconds=\d+", f"timeoutSeconds={proxy.watch_seconds}", path)
                    streams = proxy.streams and "watch=true" in path
                    real = pool.request(
                        "GET", cluster.server + path, headers=forwarded, retries=False, preload_content=not streams
                    )
                except urllib3.exceptions.HTTPError:  # it is down
                    self.close_connection = True
                    return
                content_type = {"Content-Type": real.headers.get("Content-Type", "")}
                streams = streams and real.status == 200
                stream = _events(real) if streams else None
                answer = Answer(real.status, b"" if streams else real.data, content_type, stream=stream)
                answer = proxy.spoil(self.path, answer) or answer
                if answer.stream is not None:
                    self._stream(answer.stream)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body) + answer.cut))
                self.end_headers()
                self.wfile.write(answer.body)
                if answer.cut:
                    self.close_connection = True

            def _stream(self, blocks: Iterable[bytes]) -> None:
                self.close_connection = True
                for block in blocks:
                    if proxy.closing.is_set():
                        return
                    self.wfile.write(block)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._scheme = "https" if encrypted else "http"
        if encrypted:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(cluster.ca_file, cluster.ca_file.with_suffix(".key"))
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def context(self) -> Context:
        """A context that leads through the proxy."""
        content = {
            "clusters": [{"name": "proxied", "cluster": {"server": self.url}}],
            "contexts": [{"name": "proxied", "context": {"cluster": "proxied"}}],
            "current-context": "proxied",
        }
        return Context(name="proxied", kubeconfig=content, context="proxied")

    def lists(self, plural: str) -> list[str]:
        """The list requests for a kind so far."""
        return [path for path in self.requests if f"/{plural}?" in path]

    def real(self, path: str, accept: str = "application/json") -> bytes:
        """What the API server itself says, to the admin."""
        headers = {"Authorization": f"Bearer {ADMIN.token}", "Accept": accept}
        body: bytes = self._ask(self._cluster.server + path, headers=headers).data
        return body

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
