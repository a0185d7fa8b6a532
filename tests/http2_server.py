"""A server that speaks HTTP/2 as a script has it: for what an API server can not be made to say over it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.listener import Authority

Script = Callable[["Connected", int, str], None]
"""Gets the connection, the number of the stream and the path that was asked for."""


class Connected:
    """One connection of a client. What `protocol` has to say goes out after each step of the script, and with `send`;
    `raw` is sent as it is."""

    def __init__(self, sock: ssl.SSLSocket, server: Http2Server) -> None:
        self.protocol = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self._sock = sock
        self._server = server

    def send(self) -> None:
        self._sock.sendall(self.protocol.data_to_send())

    def raw(self, data: bytes) -> None:
        self.send()
        self._sock.sendall(data)

    def begin(self, stream: int, status: int = 200, **headers: str) -> None:
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.protocol.send_headers(stream, [(":status", str(status)), *named])

    def serve(self) -> None:
        self.protocol.initiate_connection()
        if self._server.preface is None:
            self.send()
        else:
            self.protocol.data_to_send()
            self._sock.sendall(self._server.preface)
        with suppress(OSError, h2.exceptions.ProtocolError):
            while data := self._sock.recv(1 << 16):
                for event in self.protocol.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        path = dict(event.headers)[b":path"].decode()  # type: ignore[index, union-attr]
                        self._server.paths.append(path)
                        self._server.script(self, event.stream_id or 0, path)
                    elif isinstance(event, h2.events.StreamReset):
                        self._server.reset.append(event.stream_id or 0)
                self.send()


class Http2Server:
    """`script` may be set at any time. `connections` counts those that came, `reset` are the streams that a client
    ended."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.script: Script = lambda connected, stream, path: None
        self.preface: bytes | None = None
        """What is sent in the place of what begins a connection."""
        self.paths: list[str] = []
        self.reset: list[int] = []
        self.connections = 0
        self.ca = authority.certificate
        own = authority.issue("server", "127.0.0.1")
        path = folder / "http2-server.pem"
        path.write_bytes(own.certificate + own.pem())
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(path)
        self._tls.set_alpn_protocols(["h2"])
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._socks: list[socket.socket] = []
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                plain, _ = self._listening.accept()
                with suppress(OSError):
                    sock = self._tls.wrap_socket(plain, server_side=True)
                    self._socks.append(sock)
                    self.connections += 1
                    threading.Thread(target=Connected(sock, self).serve, daemon=True).start()

    def hang_up(self) -> None:
        """Ends all connections in the middle of whatever they have."""
        while self._socks:
            with suppress(OSError):
                self._socks.pop().shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Http2Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()
        self._thread.join()
