"""SOCKS5: https://www.rfc-editor.org/rfc/rfc1928, with name and password https://www.rfc-editor.org/rfc/rfc1929.

The proxy resolves names, as for Go: `socks5` is `socks5h`.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

_REFUSALS = {
    1: "it failed",
    2: "its rules do not allow this connection",
    3: "it does not reach the network",
    4: "it does not reach the host, or does not know its name",
    5: "the server refused its connection",
    6: "its connection timed out",
    7: "it connects to nobody",
    8: "it does not take this kind of address",
}
MOST = 255
"""Bytes of a name or password."""


class SocksRefused(Exception):
    """The proxy does not connect; the message says why, in our own words."""


@dataclass(frozen=True)
class Socks:
    """A proxy. `userinfo` is the name and password that it may ask for."""

    host: str
    port: int
    userinfo: tuple[bytes, bytes] | None = field(default=None, repr=False)

    def ask(self, sock: socket.socket, host: str, port: int, receive: Callable[[int], bytes]) -> None:
        """Has it connect a socket that leads to it further, to `host`. `receive` gives so many bytes of the socket.

        Raises `SocksRefused`, `OSError`.
        """
        methods = b"\0" if self.userinfo is None else b"\0\2"
        sock.sendall(bytes([5, len(methods)]) + methods)
        version, method = receive(2)
        if version != 5:
            raise SocksRefused("what answers is no SOCKS5 proxy")
        if method == 2 and self.userinfo is not None:
            name, password = self.userinfo
            sock.sendall(bytes([1, len(name)]) + name + bytes([len(password)]) + password)
            if receive(2)[1] != 0:
                raise SocksRefused("it does not take the name and password of its URL")
        elif method != 0:
            raise SocksRefused("it asks for credentials, as its URL may hold: `socks5://name:password@host:port`")
        sock.sendall(b"\5\1\0" + _address(host) + struct.pack(">H", port))
        version, refusal, _, kind = receive(4)
        if version == 5 and refusal:
            raise SocksRefused(_REFUSALS.get(refusal, f"for a reason of its own ({refusal})"))
        if version != 5 or kind not in (1, 3, 4):
            raise SocksRefused("what answers is no SOCKS5 proxy")
        receive({1: 4, 4: 16}.get(kind) or receive(1)[0])
        receive(2)


def _address(host: str) -> bytes:
    try:
        packed = ipaddress.ip_address(host.strip("[]")).packed
    except ValueError:
        try:
            name = host.encode("idna")
        except UnicodeError:
            raise SocksRefused("the name of the server is none that a proxy takes") from None
        return b"\3" + bytes([len(name)]) + name
    return (b"\1" if len(packed) == 4 else b"\4") + packed
