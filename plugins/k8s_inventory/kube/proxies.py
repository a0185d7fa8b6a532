"""Through which proxy a server is reached: as Go's `http.ProxyFromEnvironment` and client-go have it."""

from __future__ import annotations

import base64
import ipaddress
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

import urllib3

from k8s_inventory.kube import socks, transport
from k8s_inventory.kube.errors import Unusable

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_MOST_CONNECTIONS = 64
"""That are kept to a server; more requests than that are never in flight."""


@dataclass(frozen=True, repr=False)
class Proxy:
    """`url` may hold userinfo; `shown` does not."""

    url: str

    @property
    def shown(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def _userinfo(self) -> tuple[bytes, bytes] | None:
        user, at, _ = urlsplit(self.url).netloc.rpartition("@")
        name, _, password = user.partition(":")
        return (unquote_to_bytes(name), unquote_to_bytes(password)) if at else None


def proxy_for(server: str, proxy_url: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy to a server: that of its kubeconfig (`proxy_url`, empty where there is none), else the environment's.

    None where it is reached directly. Raises `Unusable`.

    https://pkg.go.dev/golang.org/x/net/http/httpproxy. That of a kubeconfig is used whatever `NO_PROXY` says, for this
    machine, too. A value of the environment that is no URL, Go passes over: here it is refused, as what is to go
    through a proxy would go without.
    """
    if proxy_url:
        return _proxy(proxy_url, "`proxy-url` of its cluster")
    parts = urlsplit(server)
    name = {"https": "HTTPS_PROXY", "http": "HTTP_PROXY"}.get(parts.scheme)
    value = _of(environ, name) if name else ""
    if not value:
        return None
    if name == "HTTP_PROXY" and environ.get("REQUEST_METHOD"):
        raise Unusable("HTTP_PROXY is not used where REQUEST_METHOD is set: in CGI, whoever sends a request may set it")
    port = parts.port or _PORTS[parts.scheme]
    if _goes_directly(parts.hostname or "", port, _of(environ, "NO_PROXY")):
        return None
    return _proxy(value if "://" in value else f"http://{value}", f"{name} of the environment")


def _of(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def pool_manager(proxy: Proxy | None, *, tls: ssl.SSLContext | None, tls_server_name: str = "") -> urllib3.PoolManager:
    """Connections for `transport.get`, which bounds what they receive.

    Without `tls`, only to `http://`. What verifies the server is not for an https proxy: that is by the system's CAs.
    """
    options: dict[str, Any] = {"maxsize": _MOST_CONNECTIONS}
    if tls is not None:
        options["ssl_context"] = tls
        if tls_server_name:
            # OpenSSL compares the certificate with it, too; without verification nothing is to be compared.
            options["server_hostname"] = tls_server_name
    pools: urllib3.PoolManager
    if proxy is None:
        pools = urllib3.PoolManager(**options)
    elif proxy.shown.startswith("socks"):
        parts = urlsplit(proxy.shown)
        through = socks.Socks(str(parts.hostname), int(parts.port or 0), proxy._userinfo)
        pools = urllib3.PoolManager(_socks_options={"through": through}, **options)
    else:
        headers = {}
        if proxy._userinfo is not None:
            headers["Proxy-Authorization"] = "Basic " + base64.b64encode(b":".join(proxy._userinfo)).decode()
        own = transport.context_of_proxy() if proxy.shown.startswith("https") else None
        pools = urllib3.ProxyManager(proxy.shown, proxy_headers=headers, proxy_ssl_context=own, **options)
    transport.bound(pools)
    return pools


_USERINFO = re.compile(r"(?:[A-Za-z0-9._:~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})*")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[^\s\[\]:/\\\"<>^`{|}%]+")


def _proxy(url: str, what: str) -> Proxy:
    """Of a URL with its port. Raises `Unusable`, without the value, which may hold a password."""
    try:
        parts = _split(url)
        scheme, user, at, host = parts.scheme, *parts.netloc.rpartition("@")
        usual = _PORTS[scheme]
        port = parts.port or usual
        bare = host[: -len(found[0])] if (found := re.search(r":\d*\Z", host)) else host
        if not _USERINFO.fullmatch(user) or not _HOST.fullmatch(bare):
            raise ValueError
        proxy = Proxy(f"{scheme}://{user}{at}{_ascii(bare)}:{port}")
        if scheme.startswith("socks") and max(map(len, proxy._userinfo or ()), default=0) > socks.MOST:
            raise ValueError
    except (KeyError, ValueError):
        raise Unusable(
            f"{what} is not the URL of a proxy: it must be `scheme://host:port` with a scheme out of "
            f"{', '.join(_PORTS)}, and a name and password before the host must be percent-encoded"
        ) from None
    return proxy


def _split(url: str) -> SplitResult:
    """Raises `ValueError` where Python would pass over what Go refuses: it drops tabs and line ends."""
    if any(character <= " " or character == "\x7f" for character in url):
        raise ValueError
    return urlsplit(url)


def _goes_directly(host: str, port: int, no_proxy: str) -> bool:
    """Whether no proxy of the environment is for this host: it is of this machine, or `NO_PROXY` names it."""
    address = _address(host.partition("%")[0])
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    return "*" in entries or any(_names(entry, _ascii(host.lower()), address, port) for entry in entries if entry)


def _names(entry: str, host: str, address: _Address | None, port: int) -> bool:
    """Whether an entry of `NO_PROXY` is for this host: a network, an address or a domain, the last two with a port."""
    if (network := _network(entry)) is not None:
        return address is not None and address.version == network.version and address in network
    named, its_port = _host_and_port(entry)
    if not named or its_port not in ("", str(port)):
        return False
    if (its_address := _address(named)) is not None:
        return address == its_address
    if address is not None:
        return False
    suffix = named[1:] if named.startswith("*.") else named
    if suffix.startswith("."):  # not for the domain itself
        return host.endswith(f".{_ascii(suffix[1:])}")
    return f".{host}".endswith(f".{_ascii(suffix)}")


def _host_and_port(entry: str) -> tuple[str, str]:
    """`host:port` and `[address]:port`; an IPv6 address without brackets has no port."""
    if (found := re.fullmatch(r"\[([^\[\]]*)\]:([^:]*)|([^:\[\]]*):([^:]*)", entry)) is None:
        return entry, ""
    return (found[1], found[2]) if found[3] is None else (found[3], found[4])


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def _network(text: str) -> _Network | None:
    if not re.search(r"/[0-9]+\Z", text):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network


def _ascii(host: str) -> str:
    """As it is asked for: names in other letters have a form in ASCII."""
    try:
        return host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return host
