"""Credentials of `auth-provider: oidc`: an ID token, and a new one of its issuer once that has expired.

As in client-go's `plugin/pkg/client/auth/oidc`: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-kubectl.
The kubeconfig is never written: what an issuer gives is kept in memory.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, urlsplit

import msgspec
import urllib3

from k8s_inventory.credentials import REDACTED, without_credentials
from k8s_inventory.decoders import decode
from k8s_inventory.kube import transport
from k8s_inventory.kube.errors import NoCredentials
from k8s_inventory.kube.kubeconfig.certificates import Pem, tls_context
from k8s_inventory.kube.kubeconfig.exec_plugin import Credential, header_token
from k8s_inventory.kube.proxies import Proxy, pool_manager, proxy_for
from k8s_inventory.mending import cut

_EARLY = timedelta(seconds=10)
"""So long before it expires a token counts as expired: clocks differ."""

_LAST = datetime.max.replace(tzinfo=UTC).timestamp() - 86_400
_MOST = 1 << 20
"""Bytes of an answer."""
_CONNECT = 10.0
"""Seconds to wait for a connection; nobody can be told meanwhile to wait no more."""
_SELDOM = 30.0
"""Seconds after which an issuer that gave nothing is asked again."""
_SLICE = 0.5
_MOST_SAID = 300
_MOST_PROVIDERS = 10_000

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Claims(msgspec.Struct):
    exp: float | str | None = None


class _Discovery(msgspec.Struct):
    token_endpoint: str | None = None


class _Given(msgspec.Struct):
    """https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse, or
    https://www.rfc-editor.org/rfc/rfc6749#section-5.2"""

    id_token: str | None = None
    refresh_token: str | None = None
    error: str | None = None
    error_description: str | None = None


class _Tokens:
    """The newest of one provider. Whoever has its turn may renew them."""

    def __init__(self, id_token: str, refresh_token: str) -> None:
        self.id_token = id_token
        self.refresh_token = refresh_token
        self.failure: NoCredentials | None = None
        self.failed_until = 0.0
        self._turn = threading.Lock()

    @contextmanager
    def turn(self, wait: _Wait) -> Iterator[None]:
        while not self._turn.acquire(timeout=min(max(wait.left, 0.01), _SLICE)):
            wait.refuse_if_over("another context of the same user waits for its issuer")
        try:
            yield
        finally:
            self._turn.release()


@dataclass(frozen=True)
class _Wait:
    """How long to wait for all answers together: until `end`, by the monotonic clock, which is in `seconds`."""

    seconds: float
    end: float
    stopped: threading.Event

    @property
    def left(self) -> float:
        return self.end - time.monotonic()

    def refuse_if_over(self, what: str) -> None:
        if self.stopped.is_set():
            raise NoCredentials("nobody waits for the ID token any more", retryable=True)
        if self.left <= 0:
            raise NoCredentials(f"{what}: no answer in {self.seconds:g} s (K8S_CREDENTIAL_TIMEOUT)", retryable=True)


@dataclass(frozen=True, repr=False)
class OidcProvider:
    """`client_secret` is empty for a public client. `ca` is PEM; without it the system's CAs are trusted.

    Equal ones share what their issuer gives: it may take each refresh token once.
    """

    issuer_url: str
    client_id: str
    client_secret: str = ""
    id_token: str = ""
    refresh_token: str = ""
    ca: bytes | None = None

    def credential(self, *, seconds: float, stopped: threading.Event) -> Credential:
        """The ID token, or a new one, in `seconds` at most. The issuer is reached through the proxy of the environment.

        Raises `NoCredentials`, `Unusable`.
        """
        self._refuse_unusable()
        wait = _Wait(seconds, time.monotonic() + seconds, stopped)
        tokens = _tokens_of(self)
        with tokens.turn(wait):
            token, expires = (
                _read(tokens.id_token, "`id-token` of its auth-provider") if tokens.id_token else ("", None)
            )
            if expires is None or expires <= datetime.now(UTC) + _EARLY:
                token, expires = self._renewed(tokens, wait)
            return Credential(token=token, expires=expires - _EARLY)

    def _refuse_unusable(self) -> None:
        for name, value in (("idp-issuer-url", self.issuer_url), ("client-id", self.client_id)):
            if not value:
                raise NoCredentials(f"`{name}` of its auth-provider is lacking")
        try:
            f"{self.client_id}{self.client_secret}{self.refresh_token}".encode()
        except UnicodeEncodeError:
            raise NoCredentials("its auth-provider has text in it that is no Unicode") from None

    def _renewed(self, tokens: _Tokens, wait: _Wait) -> tuple[str, datetime]:
        """Fails at once where that has just failed: many contexts may have one issuer, and each would wait for it."""
        if tokens.failure is not None and time.monotonic() < tokens.failed_until:
            raise NoCredentials(str(tokens.failure), retryable=tokens.failure.retryable)
        try:
            return self._renew(tokens, wait)
        except NoCredentials as error:
            if not wait.stopped.is_set():
                tokens.failure = NoCredentials(str(error), retryable=error.retryable)
                tokens.failed_until = time.monotonic() + _SELDOM
            raise

    def _renew(self, tokens: _Tokens, wait: _Wait) -> tuple[str, datetime]:
        if not tokens.refresh_token:
            why = (
                "`id-token` of its auth-provider has expired"
                if tokens.id_token
                else "its auth-provider has no `id-token`"
            )
            raise NoCredentials(f"{why}, and there is no `refresh-token` to have another one: log in again")
        endpoint = self._token_endpoint(wait)
        given = self._given(endpoint, tokens.refresh_token, wait)
        # The old one may be of no use any more, whatever is wrong with the rest.
        tokens.refresh_token = given.refresh_token or tokens.refresh_token
        if not given.id_token:
            raise NoCredentials(
                f"{_shown(endpoint)} gives no `id_token` when tokens are refreshed: log in with the scope `openid`, or "
                "use an exec plugin such as kubelogin"
            )
        token, expires = _read(given.id_token, f"the `id_token` that {_shown(endpoint)} gives")
        if expires is None or expires <= datetime.now(UTC):
            raise NoCredentials(
                f"the `id_token` that {_shown(endpoint)} gives has expired already, or does not say when it does: is "
                "the clock of this machine right?",
                retryable=True,
            )
        tokens.id_token = token
        return token, expires

    def _token_endpoint(self, wait: _Wait) -> str:
        """https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig"""
        if not _is_https(self.issuer_url):
            raise NoCredentials(
                "`idp-issuer-url` of its auth-provider must be https://host: whoever answers elsewhere would be sent "
                "the client's secret and refresh token"
            )
        answer = self._ask(f"{self.issuer_url.removesuffix('/')}/.well-known/openid-configuration", None, {}, wait)
        where = f"{_shown(self.issuer_url)}, openid-configuration"
        if answer.status != 200:
            raise self._refused(where, answer)
        try:
            endpoint = decode(answer.body, _Discovery).token_endpoint or ""
        except _UNREADABLE:
            raise NoCredentials(f"{where}: {_looks_like(answer.body)}", retryable=True) from None
        if not _is_https(endpoint):
            raise NoCredentials(f"{where}: its `token_endpoint` must be an https URL, and is none")
        return endpoint

    def _given(self, endpoint: str, refresh_token: str, wait: _Wait) -> _Given:
        """What the issuer gives for a refresh token.

        https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 has two ways to say who the client is. As in
        golang.org/x/oauth2, where one is refused the other is tried: issuers know one or the other. A client without
        a secret is first named in the form, https://www.rfc-editor.org/rfc/rfc6749#section-3.2.1.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        user = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        in_header = (form, {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"})
        secret = {"client_secret": self.client_secret} if self.client_secret else {}
        in_form: tuple[dict[str, str], dict[str, str]] = ({**form, "client_id": self.client_id, **secret}, {})
        first, second = (in_header, in_form) if self.client_secret else (in_form, in_header)
        with suppress(_Refused):
            return self._taken(endpoint, self._ask(endpoint, *first, wait), refresh_token)
        return self._taken(endpoint, self._ask(endpoint, *second, wait), refresh_token)

    def _taken(self, endpoint: str, answer: transport.Answer, refresh_token: str) -> _Given:
        where = f"{_shown(endpoint)} gives no new ID token"
        try:
            given = decode(answer.body, _Given)
        except _UNREADABLE:
            given = None
        if given is not None and given.error:
            said = self._without_secrets(f"{given.error}: {given.error_description or ''}".rstrip(": "), refresh_token)
            advice = "; log in again" if given.error == "invalid_grant" else ""
            raise _Refused(f"{where}: it answered {answer.status}, {said}{advice}", retryable=answer.status >= 500)
        if answer.status // 100 != 2:
            raise self._refused(where, answer)
        if given is None:
            raise _Refused(f"{where}: {_looks_like(answer.body)}", retryable=True)
        return given

    def _refused(self, where: str, answer: transport.Answer) -> _Refused:
        if answer.status // 100 == 3:
            host = _shown(answer.headers.get("Location", ""))
            to = f", to {host}" if host else ""
            return _Refused(f"{where}: it redirects{to}, which is not followed: is a proxy or a login page in the way?")
        looks = f": {_looks_like(answer.body)}" if b"<html" in answer.body[:2000].lower() else ""
        return _Refused(f"{where}: it answered {answer.status}{looks}", retryable=answer.status >= 429)

    def _ask(
        self, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str], wait: _Wait
    ) -> transport.Answer:
        """The answer to a GET, or to the POST of a form. Redirects are not followed."""
        where = _shown(url)
        wait.refuse_if_over(where)
        left = wait.left
        tls = tls_context(Pem(self.ca, "`idp-certificate-authority` of its auth-provider") if self.ca else None)
        proxy = proxy_for(url, "", os.environ)
        allowance = transport.Allowance(seconds=left, silence=left, bytes=4 * _MOST, stopped=wait.stopped)
        asked: Any = {
            "headers": {**headers, "Accept": "application/json", "Accept-Encoding": "identity"},
            "timeout": urllib3.Timeout(connect=min(left, _CONNECT), read=left),
            "allowance": allowance,
            "most": _MOST,
        }
        try:
            with pool_manager(proxy, tls=tls) as pools:
                if form is None:
                    return transport.get(pools, url, query={}, **asked)
                return transport.post(pools, url, form=form, **asked)
        except transport.Refused as error:
            raise NoCredentials(f"{where}: the answer is not read: {error}", retryable=True) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            wait.refuse_if_over(where)
            raise _unreachable(where, error, proxy) from None

    def _without_secrets(self, text: str, refresh_token: str) -> str:
        for secret in (self.client_secret, self.refresh_token, refresh_token, self.id_token):
            for form in (secret, quote_plus(secret)):
                text = text.replace(form, REDACTED) if form else text
        return cut(" ".join(without_credentials(text).split()), _MOST_SAID)


class _Refused(NoCredentials):
    """An answer that is a refusal."""


_made = threading.Lock()


@lru_cache(_MOST_PROVIDERS)
def _kept(provider: OidcProvider) -> _Tokens:
    return _Tokens(provider.id_token.strip(), provider.refresh_token)


def _tokens_of(provider: OidcProvider) -> _Tokens:
    with _made:  # two that ask at once must be given the same
        return _kept(provider)


def _read(token: str, what: str) -> tuple[str, datetime | None]:
    """A JSON Web Token as a header can hold it, and when it expires: None where it does not say.

    Its signature is the API server's to verify. Raises `NoCredentials`.
    """
    fit = header_token(token)
    if not fit:
        raise NoCredentials(f"{what} has characters in it that no HTTP header can hold")
    try:
        _, payload, _ = fit.split(".")
        claims = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        exp = decode(claims, _Claims).exp
        if exp is None:
            return fit, None
        return fit, datetime.fromtimestamp(max(0.0, min(float(exp), _LAST)), UTC)
    except (ValueError, binascii.Error, *_UNREADABLE):
        raise NoCredentials(f"{what} is no JSON Web Token") from None


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return (
        parts.scheme == "https" and has_place and url.isascii() and url.isprintable() and not set(url) & set(' \\"<>')
    )


def _shown(url: str) -> str:
    """Where a URL leads, without its path and userinfo. Empty where it can not be told."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return cut(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", 200) if parts.netloc else ""


def _looks_like(body: bytes) -> str:
    if b"<html" in body[:2000].lower():
        return "the answer is an HTML page: is a proxy or a login page in the way?"
    return "the answer is not what an issuer answers"


def _unreachable(where: str, error: BaseException, proxy: Proxy | None) -> NoCredentials:
    """In our own words: those of others repeat the request."""
    reasons = list(_reasons(error))
    if proxy is not None and isinstance(error, urllib3.exceptions.ProxyError):
        why = f"does not connect to it: {error}" if isinstance(error, transport.ProxyRefused) else "does not answer"
        return NoCredentials(f"{where}: the proxy {proxy.shown} {why}", retryable=True)
    for each in reasons:
        if isinstance(each, ssl.SSLCertVerificationError):
            return NoCredentials(
                f"{where}: its certificate is not trusted: {each.verify_message.rstrip('.')}; "
                "`idp-certificate-authority` of the auth-provider must hold its CA, or the system must"
            )
    kinds = (
        (urllib3.exceptions.NameResolutionError, "its name does not resolve"),
        (ConnectionRefusedError, "it refuses connections"),
        (ssl.SSLError, "TLS failed"),
        (urllib3.exceptions.SSLError, "TLS failed"),
        (urllib3.exceptions.NewConnectionError, "there is no way to connect to it"),
        (TimeoutError, "it does not answer"),
        (urllib3.exceptions.TimeoutError, "it does not answer"),
    )
    said = next(
        (said for kind, said in kinds if any(isinstance(each, kind) for each in reasons)), "its answer broke off"
    )
    return NoCredentials(f"{where}: {said}", retryable=True)


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """The error, and what caused it."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), getattr(each, "original_error", None))
        waiting += [one for one in (*inner, *each.args) if isinstance(one, BaseException)]
