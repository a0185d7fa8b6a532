"""One API server and who asks it: connections, and the headers of the next request."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import urllib3

from k8s_inventory.known_secrets import learn, learn_kubeconfig
from k8s_inventory.kube.errors import ContextError, KubeError, NoCredentials, Unauthorized, Unusable
from k8s_inventory.kube.kubeconfig.certificates import Identity, Pem, tls_context
from k8s_inventory.kube.kubeconfig.entries import MOST_OF_TOKEN, ClusterEntry, UserEntry, header_value, read_file
from k8s_inventory.kube.kubeconfig.exec_plugin import Credential
from k8s_inventory.kube.kubeconfig.oidc import OidcProvider
from k8s_inventory.kube.proxies import pool_manager, proxy_for

_AGE_OF_TOKEN = 60.0
"""Seconds after which the file of a token is read again; so does client-go, as kubelet renews tokens in time."""

_SELDOM = 10.0
"""Seconds between two runs of a plugin, also where what it gives has expired by then, or it gives nothing."""


class Client:
    """Safe to use from several threads.

    `url` is where requests go, without a slash at its end, and `server` the same as it may be shown. `ca` is PEM.
    `seconds` bound each run of an exec plugin or request to an OIDC issuer, which end early once `stopped` is set. As
    kubectl does, none of a user's credentials is sent over http.

    Raises `ContextError`, and `Unauthorized` where no credentials are given. So does `headers`.
    """

    def __init__(
        self,
        name: str,
        cluster: ClusterEntry,
        user: UserEntry,
        *,
        verify_tls: bool = True,
        seconds: float,
        stopped: threading.Event,
    ) -> None:
        _learn(cluster, user)
        self._name = name
        self._cluster = cluster
        self._user = user
        self._verify = verify_tls and not cluster.insecure
        self._seconds = seconds
        self._stopped = stopped
        self._lock = threading.Lock()
        self._credential = Credential()
        self._due = 0.0
        self._failure: KubeError | None = None
        self._http2_pools: urllib3.PoolManager | None = None
        self.url = cluster.server.url
        self.server = cluster.server.shown
        self.is_encrypted = cluster.server.is_encrypted
        self.disable_compression = cluster.disable_compression
        self.ca = cluster.ca.content if cluster.ca else None
        with self._explained():
            self.proxy = proxy_for(self.url, cluster.proxy_url, os.environ)
            self._connect_as(user.identity)
        self.headers()

    def headers(self) -> urllib3.HTTPHeaderDict:
        """Of the next request: who asks, and as whom. Some come several times."""
        headers = urllib3.HTTPHeaderDict()
        for name, value in self._user.impersonation:
            headers.add(name, value)
        if authorization := self._authorization():
            headers["Authorization"] = authorization
        return headers

    def http2_pools(self) -> urllib3.PoolManager | None:
        """As `pools`, of connections that offer HTTP/2, which urllib3 does not speak; None over http."""
        with self._lock:
            if self._http2_pools is None and self.is_encrypted:
                self._http2_pools = self._connections(self._identity, offer_http2=True)
            return self._http2_pools

    def close(self) -> None:
        self.pools.clear()

    def _connect_as(self, identity: Identity | None) -> None:
        self._identity = identity
        self.pools = self._connections(identity)
        self._http2_pools = None

    def _connections(self, identity: Identity | None, *, offer_http2: bool = False) -> urllib3.PoolManager:
        tls = None
        if self.is_encrypted:
            tls = tls_context(self._cluster.ca, identity, verify=self._verify, offer_http2=offer_http2)
        return pool_manager(self.proxy, tls=tls, tls_server_name=self._cluster.tls_server_name)

    def _authorization(self) -> str:
        user = self._user
        if not self.is_encrypted:
            return ""
        # As for kubectl, no provider is asked where something stands before the host of the server.
        if user.token_file or (user.provider and not self._cluster.server.userinfo):
            self._refresh()
        if token := self._credential.token or user.token:
            return f"Bearer {token}"
        # kubectl has it the other way around: what stands before the host of the server goes before a token.
        if basic := user.basic or self._cluster.server.userinfo:
            return "Basic " + base64.b64encode(":".join(basic).encode(errors="replace")).decode()
        return ""

    def _refresh(self) -> None:
        """Once for all threads that wait for it."""
        with self._lock:
            if time.monotonic() >= self._due:
                self._failure = None
                try:
                    with self._explained():
                        self._take_anew()
                except KubeError as error:
                    self._failure = error
                    self._due = time.monotonic() + _SELDOM
            if self._failure is not None:
                raise self._failure

    def _take_anew(self) -> None:
        if self._user.token_file:
            self._credential = Credential(token=self._token_of_file())
            self._due = time.monotonic() + _AGE_OF_TOKEN
            return
        assert self._user.provider
        new = self._user.provider.credential(seconds=self._seconds, stopped=self._stopped)
        learn(new.token, new.key)
        if new.certificate != self._credential.certificate:
            self._connect_as(_identity(new))
        lasts = (new.expires - datetime.now(UTC)).total_seconds() if new.expires else float("inf")
        self._credential = new
        self._due = time.monotonic() + max(lasts, _SELDOM)

    def _token_of_file(self) -> str:
        """As client-go has it, what was read before, or else `token`, stands in where the file gives none."""
        field = f"{self._user.where}: tokenFile"
        assert self._user.token_file
        try:
            content = read_file(self._user.token_file, MOST_OF_TOKEN, field)
            learn(content)
            text = content.strip().decode()
            if not text:
                raise Unusable(f"the file of {field} is empty")
            return header_value(text, f"the file of {field}")
        except UnicodeDecodeError:
            problem = Unusable(f"the file of {field} holds no text")
        except Unusable as error:
            problem = error
        if known := self._credential.token or self._user.token:
            return known
        raise problem

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Without what raised it: the frames that it went through hold credentials."""
        try:
            yield
        except NoCredentials as error:
            raise Unauthorized(f"context {self._name}: {error}", retryable=error.retryable) from None
        except Unusable as error:
            raise ContextError(f"context {self._name}: its configuration can not be used: {error}") from None


def _identity(given: Credential) -> Identity | None:
    """That of a plugin, which may give a token alone at another time."""
    if not given.certificate or not given.key:
        return None
    what = "{} that its exec plugin gave"
    return Identity(
        Pem(given.certificate, what.format("the certificate")),
        Pem(given.key, what.format("the key")),
    )


def _learn(cluster: ClusterEntry, user: UserEntry) -> None:
    """What no message may hold from now on."""
    learn(user.token, *(user.basic or ())[1:], *(cluster.server.userinfo or ()))
    learn(user.identity.key.content if user.identity else None)
    if isinstance(user.provider, OidcProvider):
        learn(user.provider.client_secret, user.provider.id_token, user.provider.refresh_token)
    elif user.provider:
        env = [{"name": name, "value": value} for name, value in user.provider.env]
        learn_kubeconfig({"user": {"env": env, "args": list(user.provider.args)}})
