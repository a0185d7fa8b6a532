"""Requests to one cluster: limits, timeouts, retries, and what each answer means."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import tenacity
import urllib3

from k8s_inventory.decoders import decode
from k8s_inventory.kinds import ApiPath
from k8s_inventory.kube import multiplexed, transport
from k8s_inventory.kube.causes import cause, is_final
from k8s_inventory.kube.client import Client
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import (
    BadAnswer,
    ContextError,
    Expired,
    Forbidden,
    Interrupted,
    KubeError,
    Named,
    NoSuchPath,
    NotFound,
    NotTaken,
    Stopped,
    TooLarge,
    TooSlow,
    Unauthorized,
    Unnameable,
    Unreachable,
)
from k8s_inventory.kube.patience import Exhausted, Patience
from k8s_inventory.printable import printable

if TYPE_CHECKING:
    from k8s_inventory.kube.cluster_info import ClusterInfo

log = logging.getLogger(__name__)

Stream = transport.Stream | multiplexed.Stream

Kept = TypeVar("Kept")
Found = TypeVar("Found")

JSON = "application/json"
_BURST = 20
"""Requests that may go out at once before the pace is kept."""

MOST_OF_ANSWER = 1 << 24
"""Bytes of an answer that is no page of objects. Discovery of 10,000 kinds takes half of it."""

_BYTES_AROUND = 1 << 23
"""Of headers: http.client takes a hundred, of 64 kB each. What cuts a body into chunks takes less than the body."""

_MOST_OF_SMALL = 1 << 20
"""Of one that is asked for beside others."""

_MOST_VALUES = 4_000_000
"""Values in an answer, each of which takes memory however short it is: 64 MB of usual JSON have less."""

_NO_CONNECTION = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
)

_MAY_MEND = (408, 429, 500, 502, 503, 504)
"""Answers that another attempt may better. A proxy gives them, too, where no API server is."""

_SLICE = 0.5
"""Seconds after which one who waits looks whether to go on."""

WEIGHT_OF_ONE = 0.1
"""Of a request for one object, or a watch, where one for a page is 1: to the API server it is less than that.
https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#seats-occupied-by-a-request"""

_NOT_TRIED = " (found before in this run; not tried again)"

DEAD: dict[str, type[KubeError]] = {each.outcome: each for each in (Unreachable, Unauthorized, ContextError)}
"""What keeps a context as a whole from being read, by its outcome."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for an answer that is not what was asked for, or is nested too deeply to tell."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How a cluster is asked: seconds for timeouts, requests for the rest. They hold for one process.

    `request_timeout` is for one answer as a whole, `listing_timeout` for all waiting between two new objects,
    `context_timeout` for all waiting between two answers, whatever was asked, `credential_timeout` for an exec plugin
    or an OIDC issuer.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    request_timeout: float = 300.0
    listing_timeout: float = 900.0
    context_timeout: float = 120.0
    credential_timeout: float = 60.0
    max_page_bytes: int = 1 << 26
    max_listing_bytes: int = 1 << 36
    max_empty_pages: int = 20
    max_custom_kinds: int = 10_000
    attempts: int = 4
    longest_wait: float = 30.0
    requests_in_flight: int = 4
    requests_per_second: float = 50.0
    looks_apart: float = 2.0
    """Seconds between two looks at what the cluster serves, which prove something only together."""
    longest_look: float = 30.0
    """Seconds after which no further look is taken at an API server that does not show all it has yet."""
    compress: bool | None = None
    """Whether answers come as gzip, 15 times smaller; by default unless the API server is on this machine."""

    @property
    def sign_of_life(self) -> float:
        """Seconds, the last of `context_timeout`, in which a context that kept us waiting may say anything."""
        return min(10.0, self.read_timeout, self.context_timeout / 2)


@dataclass(frozen=True)
class _Request:
    """`end` is when its answer is of no use any more, by the monotonic clock; `most` are bytes; `weight`, how much of a
    request it is to the pace. `heard` are the errors that it was asked again after."""

    path: ApiPath
    query: Mapping[str, Any]
    accept: str
    end: float
    most: int
    weight: float
    over: multiplexed.Connections | None = None
    """Where its answer goes on: what it comes over."""
    heard: list[str] = field(default_factory=list)


class _Status(msgspec.Struct, frozen=True):
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/"""

    class Metadata(msgspec.Struct, frozen=True):
        continue_token: str | None = msgspec.field(default=None, name="continue")

    class Details(msgspec.Struct, frozen=True):
        name: str | None = None
        group: str | None = None
        kind: str | None = None

    kind: str = ""
    message: str | None = None
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    details: Details | None = None

    @property
    def about(self) -> Named:
        """`details.kind` is the plural resource name: it comes of a GroupResource."""
        details = self.details or self.Details()
        return Named(details.name or "", details.kind or "", details.group or "")


class _TryAgain(Exception):
    """An answer that another attempt on the same request may mend, after `seconds` if it says so."""

    def __init__(self, error: KubeError, seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.seconds = seconds


class Session:
    """A private client of one context. Safe to use from several threads.

    Once `stopped` is set, whatever is under way ends within a second, in `Stopped`.
    """

    def __init__(
        self, context: Context, limits: Limits | None = None, *, stopped: threading.Event | None = None
    ) -> None:
        self.context = context
        self.limits = limits or Limits()
        self.stopped = stopped or threading.Event()
        self.cluster_version: str | None = ""
        """Of Kubernetes, as it was when somebody last asked for it: None where it can not be had, empty before."""
        self.cluster: ClusterInfo | None = None
        """Where it led when somebody first asked."""
        self.clients = 0
        """How many were made. A new one has read the kubeconfig anew, which may lead elsewhere by then."""
        self.dead: KubeError | None = None
        """Why nothing is asked any more: it is not about one kind, and another attempt would take as long."""
        self._patience = Patience(self.limits.context_timeout - self.limits.sign_of_life, self._is_alive)
        self._client: Client | None = None
        self._connections = multiplexed.Connections()
        """For what is asked for side by side."""
        self._kept: dict[Any, Any] = {}
        self._lock = threading.Lock()
        self._in_flight = threading.BoundedSemaphore(self.limits.requests_in_flight)
        self._next_start = 0.0

    @property
    def server(self) -> str:
        """The URL of the API server, as it may be shown: without userinfo."""
        return self.client.server

    @property
    def client(self) -> Client:
        """That of the last credentials. Raises a `KubeError`, and the same again where the context has none to give."""
        with self._lock:
            if self._client is None:
                self._refuse_if_dead()
                try:
                    self._client = self.context.client(seconds=self.limits.credential_timeout, stopped=self.stopped)
                except KubeError as error:
                    self._refuse_if_stopped()
                    self.dead = error
                    raise
                self.clients += 1
            return self._client

    def kept(self, make: Callable[[Session], Kept]) -> Kept:
        """What `make` makes of the session: once for each client, as another may lead to another cluster."""
        with self._lock:
            if make not in self._kept:
                self._kept[make] = make(self)
            found: Kept = self._kept[make]
            return found

    def close(self) -> None:
        with self._lock:
            self._kept.clear()
            self._connections.close()
            if self._client is not None:
                self._client.close()
                self._client = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(
        self,
        path: ApiPath,
        query: Mapping[str, Any] | None = None,
        *,
        accept: str = JSON,
        seconds: float | None = None,
        most: int = MOST_OF_ANSWER,
        weight: float = 1.0,
    ) -> bytes:
        """The body of a 200 answer. Raises a `KubeError` for anything else, after retries where they help.

        No attempt begins later than `seconds` from now, or goes on after them. `most` are the bytes of the body.
        `Unnameable`, before anything is sent, for a path with a segment that none can hold.
        """
        end = time.monotonic() + (math.inf if seconds is None else seconds)
        request = _Request(path, query or {}, accept, end, most, weight)
        answer = self._answer_to(request)
        assert isinstance(answer, transport.Answer)
        return self._whole(path, answer)

    def get_each(
        self,
        asked: Sequence[tuple[ApiPath, Mapping[str, Any]]],
        *,
        accept: str = JSON,
        seconds: float | None = None,
        most: int = MOST_OF_ANSWER,
        weight: float = 1.0,
    ) -> list[bytes | KubeError]:
        """What `get` has, or raises, for each of several small answers, which are asked for side by side."""

        def one(found: bytes | None, path: ApiPath, query: Mapping[str, Any]) -> bytes | KubeError:
            try:
                if found is not None:
                    return found
                return self.get(path, query, accept=accept, seconds=seconds, most=most, weight=weight)
            except KubeError as error:
                return error

        found = self._side_by_side(
            [(path, query, accept) for path, query in asked],
            partial(self._connections.get_each, most=_MOST_OF_SMALL),
            seconds=seconds,
            weight=weight,
        )
        if None not in found:
            return [body for body in found if body is not None]
        with ThreadPoolExecutor(min(len(asked), self.limits.requests_in_flight), "get-each") as pool:
            return list(pool.map(one, found, *zip(*asked, strict=True)))

    def stream_each(
        self,
        asked: Sequence[tuple[ApiPath, Mapping[str, Any], str]],
        *,
        seconds: float,
        over: multiplexed.Connections,
    ) -> list[multiplexed.Stream | None]:
        """What `stream` has for each, its `accept` with it, asked for side by side. None where there is something else
        to it: `stream` finds that out once more, and says."""
        return self._side_by_side(asked, over.stream_each, seconds=seconds, weight=WEIGHT_OF_ONE)

    def _side_by_side(
        self,
        asked: Sequence[tuple[ApiPath, Mapping[str, Any], str]],
        ask: Callable[..., list[Found | None]],
        *,
        seconds: float | None,
        weight: float,
    ) -> list[Found | None]:
        """Those that go well, over a connection that they share."""
        nothing: list[Found | None] = [None] * len(asked)
        try:
            client = self.client
            pools = client.http2_pools()
            if self.dead or pools is None or len(asked) < 2 or any(path.unfit is not None for path, _, _ in asked):
                return nothing
            headers = client.headers()
            headers["Accept-Encoding"] = "identity"
            requests = []
            for path, query, accept in asked:
                own = headers.copy()
                own["Accept"] = accept
                requests.append((f"{client.url}{path}?{urlencode(query)}", own))
            with self._patience.waiting(), self._turns(asked[0][0], most=len(asked)) as at_once:
                self._pace(weight * len(asked))
                allowance = self._allowance(min(self.limits.request_timeout, seconds or math.inf), math.inf)
                found = ask(multiplexed.Asked(pools, requests, self._timeout, allowance), at_once=at_once)
        except (KubeError, Exhausted):
            return nothing
        if any(each is not None for each in found):
            self._patience.rewarded()
        return found

    def stream(
        self,
        path: ApiPath,
        query: Mapping[str, Any],
        *,
        accept: str = JSON,
        seconds: float,
        over: multiplexed.Connections,
    ) -> Stream:
        """The body of a 200 answer that goes on, once it has begun; close it. Raises what `get` raises."""
        end = time.monotonic() + seconds
        request = _Request(path, query, accept, end, MOST_OF_ANSWER, WEIGHT_OF_ONE, over)
        answer = self._answer_to(request)
        assert not isinstance(answer, transport.Answer)
        return answer

    def _answer_to(self, request: _Request) -> transport.Answer | Stream:
        path = request.path
        if not isinstance(path, ApiPath):
            raise TypeError("a path is made by `ApiPath`, which escapes its segments")
        if path.unfit is not None:
            raise Unnameable(
                f"{self._where(path)}: not asked for, because of {_short(ascii(path.unfit))} in it: no name in a path "
                "of Kubernetes is empty, `.` or `..`, or holds `/` or `%`"
            )
        self._refuse_if_dead()
        try:
            with self._patience.waiting():
                try:
                    return self._get_with_retries(request)
                except Unauthorized:
                    if self.dead is not None:
                        raise  # nobody gave credentials that could be refused
                    # A new client reads the kubeconfig anew, and has its plugin give other credentials.
                    log.info("context %s: credentials were refused, loading them again", printable(self.context.name))
                    self.close()
                    return self._get_with_retries(request)
        except Unreachable as error:
            self._refuse_if_stopped(path)
            self.dead = error
            raise
        except Exhausted:
            heard = request.heard[-1].removeprefix(f"{self._where(path)}: ") if request.heard else "nothing came"
            self.dead = Unreachable(
                f"context {self.context.name}: {self.server} kept all requests waiting for "
                f"{self.limits.context_timeout:.0f} s (K8S_CONTEXT_TIMEOUT); the last was for {path}: {heard}"
            )
            raise self.dead from None

    def _refuse_if_dead(self) -> None:
        if self.dead is not None:
            again = type(self.dead)(f"{str(self.dead).removesuffix(_NOT_TRIED)}{_NOT_TRIED}")
            again.retryable = self.dead.retryable
            raise again

    def _is_alive(self) -> bool:
        """Whether the API server answers anything at all, were it a refusal."""
        limits = self.limits
        seconds = limits.sign_of_life
        try:
            answer = transport.get(
                self.client.pools,
                f"{self.client.url}/version",
                query={},
                headers={"Accept-Encoding": "identity"},
                timeout=urllib3.Timeout(connect=limits.connect_timeout, read=seconds),
                allowance=transport.Allowance(
                    seconds=seconds, silence=seconds, bytes=_BYTES_AROUND, stopped=self.stopped
                ),
                most=MOST_OF_ANSWER,
            )
        except (transport.Refused, urllib3.exceptions.HTTPError, OSError):
            return self.stopped.is_set()  # it was not waited for, then
        return answer.status not in _MAY_MEND

    def _get_with_retries(self, request: _Request) -> transport.Answer | Stream:
        in_time = tenacity.stop_before_delay(request.end - time.monotonic())
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgain),
            stop=tenacity.stop_after_attempt(self.limits.attempts) | in_time,
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._get_once, request)
        except _TryAgain as last:
            raise last.error from None

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.stopped.wait(min(left, _SLICE)):
            self._patience.check()

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.seconds if isinstance(error, _TryAgain) else None
        backoff = tenacity.wait_exponential_jitter(multiplier=0.2, max=5, jitter=0.3)(state)
        seconds = min(max(asked or 0.0, backoff), self.limits.longest_wait)
        log.warning("%s; trying again in %.1f s", error, seconds)
        state.args[0].heard.append(str(error))
        return seconds

    def _get_once(self, request: _Request) -> transport.Answer | Stream:
        client, path = self.client, request.path
        headers = client.headers()
        headers["Accept"] = request.accept
        headers["Accept-Encoding"] = "gzip" if self._compress(client) and not request.over else "identity"
        with self._turns(path):
            self._pace(request.weight)
            answer = self._answer(request, headers)
        if not isinstance(answer, transport.Answer):
            self._patience.rewarded()
            return answer
        if answer.status not in _MAY_MEND:
            self._patience.rewarded()
        if answer.status != 200:
            raise self._meaning(path, answer)
        return answer

    def _whole(self, path: ApiPath, answer: transport.Answer) -> bytes:
        # Only then are there so many: a comma takes a byte, and so does what it parts.
        if len(answer.body) > 2 * _MOST_VALUES and answer.body.count(b",") > _MOST_VALUES:
            raise TooLarge(f"{self._where(path)}: the answer has more than {_MOST_VALUES} values")
        return answer.body

    def _answer(self, request: _Request, headers: Mapping[str, str]) -> transport.Answer | Stream:
        limits, client, path = self.limits, self.client, request.path
        left = min(limits.request_timeout, request.end - time.monotonic())
        self._refuse_if_stopped(path)
        self._refuse_if_dead()
        if left <= 0:
            raise self._too_slow(path, left)
        allowance = self._allowance(left, 2 * request.most + _BYTES_AROUND)
        asked: dict[str, Any] = {
            "query": request.query,
            "headers": headers,
            "timeout": self._timeout,
            "allowance": allowance,
        }
        try:
            if request.over:
                return request.over.stream(client.pools, client.http2_pools(), client.url + path, **asked)
            return transport.get(client.pools, client.url + path, **asked, most=request.most)
        except transport.Oversized as error:
            raise TooLarge(f"{self._where(path)}: the answer is not read: {error}") from None
        except transport.Refused as error:
            raise BadAnswer(f"{self._where(path)}: the answer is not read: {error}") from None
        except urllib3.exceptions.ConnectTimeoutError as error:
            raise self._unreachable(error) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._refuse_if_stopped(path)
            if allowance.is_over:
                raise self._too_slow(path, left) from None
            if is_final(error):
                raise self._unreachable(error) from None
            if isinstance(error, _NO_CONNECTION):
                raise _TryAgain(self._unreachable(error)) from None
            broken = Interrupted(f"{self._where(path)}: the answer broke off, or did not come: {cause(error)}")
            raise _TryAgain(broken) from None

    @property
    def _timeout(self) -> urllib3.Timeout:
        return urllib3.Timeout(connect=self.limits.connect_timeout, read=self.limits.read_timeout)

    def _allowance(self, seconds: float, most: float) -> transport.Allowance:
        return transport.Allowance(
            seconds=seconds,
            silence=self.limits.read_timeout,
            bytes=most,
            stopped=self.stopped,
            patience=self._patience,
        )

    def _too_slow(self, path: str, left: float) -> TooSlow:
        return TooSlow(
            f"{self._where(path)}: no complete answer in the {max(left, 0.0):.1f} s that were left for it "
            "(K8S_REQUEST_TIMEOUT, K8S_LISTING_TIMEOUT)"
        )

    @contextmanager
    def _turns(self, path: str, most: int = 1) -> Iterator[int]:
        """Waits until there are less requests under way than there may be; how many more, `most` or less, it says."""
        while not self._in_flight.acquire(timeout=_SLICE):
            self._refuse_if_stopped(path)
        taken = 1
        try:
            while taken < most and self._in_flight.acquire(blocking=False):
                taken += 1
            yield taken
        finally:
            self._in_flight.release(taken)

    def _refuse_if_stopped(self, path: str = "") -> None:
        """Also where something seems to be wrong: it may be so because nobody waited for it."""
        if self.stopped.is_set():
            raise Stopped(f"{self._where(path)}: given up, because the task that reads it was ended")

    def _compress(self, client: Client) -> bool:
        if client.disable_compression:
            return False
        if self.limits.compress is not None:
            return self.limits.compress
        return urllib3.util.parse_url(client.url).host not in ("127.0.0.1", "localhost", "[::1]")

    def _pace(self, weight: float) -> None:
        with self._lock:
            now = time.monotonic()
            interval = 1 / self.limits.requests_per_second
            start = max(now - _BURST * interval, self._next_start)
            self._next_start = start + weight * interval
        self._sleep(max(0.0, start - now))

    def _meaning(self, path: str, answer: transport.Answer) -> Exception:
        """What an answer other than 200 says. 403, 404 and 410 count only with a `Status` in their body:
        proxies and load balancers answer with those codes too."""
        where = self._where(path)
        code, body = answer.status, answer.body
        status = _status(body)
        said = f": {_short(status.message)}" if status is not None and status.message else ""
        if code == 401:
            page = looks_like(body) if status is None and b"<" in body else ""
            return Unauthorized(
                f"{where}: credentials are missing, expired or wrong (401{page}). {self._none_sent()}"
                "Check the user of this context: kubectl auth whoami"
            )
        if status is not None:
            if code == 403 and "system:anonymous" in (status.message or ""):
                return Unauthorized(
                    f"{where}: the request arrived without credentials{said}. {self._none_sent()}".rstrip(". ")
                )
            if code == 403:
                return Forbidden(f"{where}: forbidden{said}. docs/rbac.md has the ClusterRole that is needed")
            if code == 404:
                return NotFound(f"{where}: not served by this cluster{said}", status.about)
            if code == 410:
                return Expired(f"{where}: the continue token expired{said}", status.metadata.continue_token)
        if code == 407 and self.client.proxy:
            return self._unreachable(transport.ProxyRefused("it answered 407 Proxy Authentication Required", code))
        if code in (301, 302, 303, 307, 308):
            where_to = _elsewhere(answer.headers.get("Location", ""))
            return BadAnswer(f"{where}: redirected {where_to}, which is not followed: it would take credentials along")
        refusal = NoSuchPath if code == 404 else NotTaken if code in (400, 406, 415, 422) else BadAnswer
        # An API server says 400 to who speaks http on its port, and proxies say 403 to those whom they do not know.
        hint = f". {self._none_sent()}".rstrip(". ") if code in (400, 403) else ""
        refused = refusal(f"{where}: answered {code}{said or looks_like(body)}{hint}")
        if code in _MAY_MEND:
            return _TryAgain(refused, _retry_after(answer.headers))
        return refused

    def _unreachable(self, error: BaseException) -> Unreachable:
        proxy = self.client.proxy
        shown = f"the proxy {proxy.shown}" if proxy else "a proxy"
        if isinstance(error, transport.ProxyRefused):
            said = f"{shown} refused to connect to {self.server}: {error}"
        elif isinstance(error, urllib3.exceptions.ProxyError):
            said = f"{shown} on the way to {self.server} does not answer: {cause(error)}"
        else:
            through = f" (through {shown})" if proxy else ""
            what = (
                "offers no TLS to be trusted" if isinstance(error, urllib3.exceptions.SSLError) else "does not answer"
            )
            said = f"{self.server} {what}{through}: {cause(error)}"
        return Unreachable(f"context {self.context.name}: {said}")

    def _none_sent(self) -> str:
        if self.client.is_encrypted:
            return ""
        return "Its server does not begin with https://, so no credentials were sent, as kubectl sends none. "

    def _where(self, path: str) -> str:
        return f"context {self.context.name}, {path}".removesuffix(", ")


def _status(body: bytes) -> _Status | None:
    try:
        status = decode(body, _Status)
    except UNREADABLE:
        return None
    return status if status.kind == "Status" else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, or until a date, by the clock of who answered: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after."""
    value = headers.get("Retry-After", "")
    if re.fullmatch(r"\d{1,6}", value):
        return float(value)
    try:
        asked_at = parsedate_to_datetime(headers["Date"][:100]).timestamp() if "Date" in headers else time.time()
        return parsedate_to_datetime(value[:100]).timestamp() - asked_at
    except (ValueError, OverflowError, OSError):
        return None


def looks_like(body: bytes) -> str:
    """What the body of an answer seems to be that is not of Kubernetes."""
    if _HTML.search(body, 0, 2000):
        return " with an HTML page: is a proxy or a login page in the way?"
    return " without a Kubernetes Status"


def refuse_page(body: bytes, where: str) -> None:
    """Raises `BadAnswer` for an HTML page in the place of an answer."""
    if _HTML.search(body, 0, 2000):
        raise BadAnswer(f"{where}: answered{looks_like(body)}")


_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|title|body|center|h1)\b", re.IGNORECASE)


def _elsewhere(location: str) -> str:
    """Where a redirect leads, without what may be a credential in it."""
    try:
        parts = urlsplit(location)
        host = f"{parts.scheme or 'https'}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "to nowhere"
    return f"to {_short(ascii(host)[1:-1])} (a login page?)" if parts.hostname else "to another path of its own"


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:400]
