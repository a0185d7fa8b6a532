"""Through which proxy a server is reached: as Go's `http.ProxyFromEnvironment` and client-go have it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3


@dataclass(frozen=True, repr=False)
class Proxy:
    """`url` may hold userinfo; `shown` does not."""

    url: str

    @property
    def shown(self) -> str:
        raise NotImplementedError


def proxy_for(server: str, proxy_url: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy to a server: that of its kubeconfig (`proxy_url`, empty where there is none), else the environment's.

    None where it is reached directly. Raises `Unusable`.
    """
    raise NotImplementedError


def pool_manager(proxy: Proxy | None, *, tls: ssl.SSLContext | None, tls_server_name: str = "") -> urllib3.PoolManager:
    """Connections for `transport.get`, which bounds what they receive."""
    raise NotImplementedError
