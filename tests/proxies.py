"""Real proxies on this machine: HTTP with CONNECT, by TLS too, and SOCKS5.

They take names that end in `.test` for this machine, which nobody else resolves: who comes by such a name came through.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from base64 import b64encode
from collections.abc import Callable
from typing import Any

Serve = Callable[["LoopbackProxy", socket.socket], None]


class LoopbackProxy:
    """`asked` holds the target of each connection; `credentials` (`name:password`) are asked for where given."""

    def __init__(self, serve: Serve, *, credentials: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.credentials = credentials
        self._serve = serve
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError, struct.error):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
                self._open.append(client)
            self._serve(self, client)
        with contextlib.suppress(OSError):
            client.close()

    def connect(self, host: str, port: int, *, asked: str = "") -> socket.socket:
        self.asked.append(asked or f"{host}:{port}")
        made = socket.create_connection(("127.0.0.1" if host.endswith(".test") else host, port))
        self._open.append(made)
        return made

    def __enter__(self) -> LoopbackProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join()


def _copy(source: Any, sink: Any) -> None:
    with contextlib.suppress(OSError, ValueError):
        while block := source.recv(65536):
            sink.sendall(block)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _join(client: socket.socket, server: socket.socket) -> None:
    threading.Thread(target=_copy, args=(server, client), daemon=True).start()
    _copy(client, server)


def head_of(client: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        block = client.recv(4096)
        if not block:
            raise OSError("gone")
        head += block
    return head.decode("latin-1")


def http_proxy(proxy: LoopbackProxy, client: socket.socket) -> None:
    """CONNECT, and requests with a whole URL."""
    head = head_of(client)
    proxy.heads.append(head)
    method, target, _ = head.split("\r\n")[0].split()
    if proxy.credentials and b64encode(proxy.credentials.encode()).decode() not in head:
        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    elif method == "CONNECT":
        host, _, port = target.rpartition(":")
        try:
            server = proxy.connect(host.strip("[]"), int(port), asked=target)
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _join(client, server)
    else:
        host, _, port = target.split("/")[2].partition(":")
        server = proxy.connect(host, int(port or 80))
        path = "/" + target.split("/", 3)[3]
        server.sendall(head.replace(target, path, 1).encode("latin-1"))
        _join(client, server)


def socks5_proxy(proxy: LoopbackProxy, client: socket.socket) -> None:
    _, count = client.recv(2)
    methods = client.recv(count)
    wanted = 2 if proxy.credentials else 0
    if wanted not in methods:
        client.sendall(b"\5\xff")
        return
    client.sendall(bytes([5, wanted]))
    if wanted:
        client.recv(1)
        name = client.recv(client.recv(1)[0])
        password = client.recv(client.recv(1)[0])
        is_right = b":".join((name, password)) == proxy.credentials.encode()
        client.sendall(b"\1\0" if is_right else b"\1\1")
        if not is_right:
            return
    kind = client.recv(4)[3]
    if kind == 3:
        host = client.recv(client.recv(1)[0]).decode()
    else:
        family = socket.AF_INET if kind == 1 else socket.AF_INET6
        host = socket.inet_ntop(family, client.recv(4 if kind == 1 else 16))
    (port,) = struct.unpack(">H", client.recv(2))
    try:
        server = proxy.connect(host, port)
    except OSError:
        client.sendall(b"\5\5\0\1" + bytes(6))
        return
    client.sendall(b"\5\0\0\1" + bytes(6))
    _join(client, server)
