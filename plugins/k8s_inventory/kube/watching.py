"""Reads watches: what became of the objects of a kind since a revision, event by event, as long as they are wanted.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import selectors
import threading
import time
import weakref
from collections.abc import Hashable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from k8s_inventory.decoders import decode, decoder
from k8s_inventory.kinds import ApiPath, Kind
from k8s_inventory.kube import cells, transport
from k8s_inventory.kube.causes import cause
from k8s_inventory.kube.cluster_info import as_number
from k8s_inventory.kube.confirming import METADATA_ALONE
from k8s_inventory.kube.errors import BadAnswer, Expired, Interrupted, KubeError, TooLarge, TooSlow
from k8s_inventory.kube.listing import LONGEST_VERSION, decode_mended, refuse_other_than_utf8
from k8s_inventory.kube.multiplexed import Connections
from k8s_inventory.kube.session import JSON, UNREADABLE, Session, Stream, refuse_page
from k8s_inventory.mending import cut

_METADATA = ("PartialObjectMetadata", "meta.k8s.io/v1")

_AT_ONCE = 1 << 18
"""Bytes of a watch that are read before it is the others' turn."""

MOST_UNFINISHED = 1 << 26
"""Bytes of events that are not whole yet, of all watches of this process: as much as a page may have."""

_MUCH = 1 << 14
"""Of one of them: more than most objects have."""

_TO_OPEN = 15.0
"""Seconds in which a watch must begin, with all that is waited for: others are not read meanwhile."""

_GRACE = 10.0
"""Seconds that an API server may take to end a watch whose time is over."""

Change = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


@dataclass(frozen=True)
class Event:
    """What became of an object: `ADDED`, `MODIFIED` or `DELETED`, which under selectors may only mean that it has left
    the selection. A `BOOKMARK` has none: all events up to its `revision` were sent.

    `body` is the object's JSON, as a list of its kind would hold it. `is_mended`: see `mending`.
    """

    change: Change
    revision: int
    uid: str = ""
    namespace: str = ""
    name: str = ""
    body: bytes = field(default=b"", repr=False)
    is_mended: bool = False


class _Event(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _Object(msgspec.Struct, frozen=True):
    class Metadata(msgspec.Struct, frozen=True):
        name: str = ""
        namespace: str = ""
        uid: str = ""
        resource_version: str = msgspec.field(default="", name="resourceVersion")

    metadata: Metadata
    kind: str = ""
    api_version: str = msgspec.field(default="", name="apiVersion")


class _Status(msgspec.Struct, frozen=True):
    kind: str = ""
    code: int = 0
    reason: str = ""
    message: str = ""


_events = decoder(_Event)
_objects = decoder(_Object)


class Watch:
    """A watch of one kind, of a namespace or under selectors where these are given, from a `revision` on.

    It moves `revision` with each event. What it was sent it has whole: an event that breaks off is none.
    `metadata_alone`: of an object no more is asked for.
    """

    def __init__(
        self,
        session: Session,
        kind: Kind,
        *,
        version: str,
        revision: int,
        seconds: int,
        namespace: str | None = None,
        selectors: Mapping[str, str] | None = None,
        metadata_alone: bool = False,
    ) -> None:
        self.session = session
        self.kind = kind
        self.version = version
        self._as_table = bool(kind.table_cells) and not metadata_alone
        self._accept = METADATA_ALONE if metadata_alone else cells.ACCEPT if self._as_table else JSON
        self._wanted = (
            _METADATA if metadata_alone else cells.TABLE if self._as_table else (kind.kind, kind.api_version(version))
        )
        self.revision = revision
        self.namespace = namespace
        self.seconds = seconds
        self.selectors = dict(selectors or {})
        self.bytes = 0
        """That were read since somebody last said so."""
        self._bytes_of_stream = 0
        self._most = min(session.limits.max_page_bytes, session.limits.max_listing_bytes)
        self._where = f"context {session.context.name}, {kind.name}, watch"
        self._line = bytearray()
        self._has_most = False
        self.ends_at = 0.0
        """When the API server is to end it, by the monotonic clock."""
        self._rows = cells.Rows(kind) if self._as_table else None

    def asks(self) -> tuple[ApiPath, dict[str, Any], str]:
        """What asks for it, for `seconds` at most, from where it is: path, query and `Accept`."""
        query: dict[str, Any] = {
            **self.selectors,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(self.revision),
            "timeoutSeconds": str(self.seconds),
            **(cells.QUERY if self._as_table else {}),
        }
        return self.kind.list_path(self.version, self.namespace), query, self._accept

    def open(self, over: Connections, seconds: float = _TO_OPEN) -> Stream:
        """Raises a `KubeError`; `Expired` where the revision is too old."""
        path, query, accept = self.asks()
        stream = self.session.stream(path, query, accept=accept, seconds=seconds, over=over)
        self.begin()
        return stream

    def begin(self) -> None:
        """It is open, and nothing of it was read."""
        self.forget_rest()
        self._rows, self._bytes_of_stream = cells.Rows(self.kind) if self._as_table else None, 0
        self.ends_at = time.monotonic() + self.seconds

    def check(self, now: float) -> None:
        """Raises `TooSlow` where the API server does not end it, though its time is over; `TooLarge` after `refuse`."""
        if self._has_most:
            raise TooLarge(
                f"{self._where}: an event of it has {len(self._line)} bytes so far, the most of all that are not whole "
                f"yet, which together may have {MOST_UNFINISHED}"
            )
        if now > self.ends_at + _GRACE:
            raise TooSlow(f"{self._where}: it was to end after {self.seconds} s, and goes on")

    def take(self, data: bytes) -> Iterator[Event]:
        """The events that are whole now. Raises a `KubeError` for what is none, after those before it."""
        self.bytes += len(data)
        self._bytes_of_stream += len(data)
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole, self._line = bytes(self._line + line), bytearray()
            if whole.strip():
                yield self._event(whole)
        self._line += rest  # in place: a line that drips in is not copied with each drop
        if len(self._line) > self._most or self._bytes_of_stream > self.session.limits.max_listing_bytes:
            raise TooLarge(
                f"{self._where}: it has more bytes than it may, {self._most} for an event "
                f"(K8S_MAX_PAGE_BYTES), {self.session.limits.max_listing_bytes} for all (K8S_MAX_LISTING_BYTES)"
            )

    @property
    def unfinished(self) -> int:
        """Bytes of an event that is not whole yet; none of one that was refused, which is about to end."""
        return 0 if self._has_most else len(self._line)

    def refuse(self) -> None:
        """Has it end with what is not whole, in the thread that reads it."""
        self._has_most = True

    def forget_rest(self) -> None:
        """Of an event that does not come any more."""
        self._line, self._has_most = bytearray(), False

    @property
    def is_early(self) -> bool:
        """Whether less than half of its time is over."""
        return self.ends_at - time.monotonic() > self.seconds / 2

    def end(self) -> None:
        """Raises `Interrupted` where it ended in the middle of an event; `BadAnswer`, of what does not begin one."""
        left = bytes(self._line).strip()
        if not left:
            return
        refuse_page(left, self._where)
        try:
            _events.decode(left)
        except msgspec.ValidationError as error:  # it is whole
            raise BadAnswer(f"{self._where}: what it sent is no event ({error})") from None
        except UNREADABLE:
            if not left.startswith(b"{"):
                raise BadAnswer(f"{self._where}: what it sent is no event") from None
        raise Interrupted(f"{self._where}: it ended in the middle of an event")

    def _event(self, line: bytes) -> Event:
        try:
            refuse_other_than_utf8(line)
            event, whole = decode_mended(_events, line)
        except UNREADABLE as error:
            raise BadAnswer(f"{self._where}: what it sent is no event ({error})") from None
        if event.type == "ERROR":
            raise self._error(event.object)
        if event.type not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
            raise BadAnswer(f"{self._where}: it sent an event of an unknown type, {ascii(event.type)[:100]}")
        change: Change = event.type  # type: ignore[assignment]
        body = bytes(event.object)
        found = self._object(body)
        self._refuse_other(found)
        if self._rows and change != "BOOKMARK":
            body = self._rows.object(body, where=self._where)
            found = self._object(body)
        revision = as_number(found.metadata.resource_version)
        if revision is None or revision < self.revision:
            raise BadAnswer(
                f"{self._where}: after revision {self.revision} it sent "
                f"{ascii(found.metadata.resource_version)[:LONGEST_VERSION]}"
            )
        if change != "BOOKMARK":
            self._refuse_elsewhere(found.metadata)
        self.revision = revision
        metadata = found.metadata
        if change == "BOOKMARK":
            return Event(change, revision)
        return Event(
            change, revision, metadata.uid, metadata.namespace, metadata.name, body, is_mended=whole is not line
        )

    def _object(self, body: bytes) -> _Object:
        try:
            return decode_mended(_objects, body)[0]
        except UNREADABLE as error:
            raise BadAnswer(f"{self._where}: what it sent is no object ({error})") from None

    def _refuse_other(self, found: _Object) -> None:
        if (found.kind, found.api_version) != self._wanted:
            said = ascii(f"{found.kind[:100]} of {found.api_version[:100]}")[1:-1]
            raise BadAnswer(f"{self._where}: asked for each {' of '.join(self._wanted)}, it sent a {said}")

    def _refuse_elsewhere(self, metadata: _Object.Metadata) -> None:
        if not metadata.uid or len(metadata.uid) > LONGEST_VERSION or "\0" in metadata.uid:
            raise BadAnswer(f"{self._where}: it sent an object without a uid of its own")
        if self.namespace is not None and metadata.namespace != self.namespace:
            raise BadAnswer(f"{self._where}: asked for namespace {self.namespace}, it sent an object of another one")

    def _error(self, raw: msgspec.Raw) -> KubeError:
        """https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses"""
        try:
            status = decode(raw, _Status)
        except UNREADABLE:
            status = _Status()
        said = cut(ascii(" ".join(status.message.split()))[1:-1], 400)
        if status.kind == "Status" and status.code == 410:
            return Expired(f"{self._where}: revision {self.revision} is too old: {said}")
        return BadAnswer(f"{self._where}: the API server ended it with an error: {status.code} {said}".rstrip())


Key = TypeVar("Key", bound=Hashable)

_all: weakref.WeakSet[Watches[Any]] = weakref.WeakSet()
_all_lock = threading.Lock()


def _refuse_longest() -> None:
    """Memory is the process's, and so is the bound: whose event is longest goes, whatever thread reads it."""
    with _all_lock:
        watches = [watch for each in _all for watch in each.watches()]
    while sum(watch.unfinished for watch in watches) > MOST_UNFINISHED:
        max(watches, key=lambda watch: watch.unfinished).refuse()


class Watches(Generic[Key]):
    """Several watches of one session, read in the thread that calls `read`; each has a key of the caller's.

    Close it. What ended is not in it any more.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connections = Connections()
        self._open: dict[Key, tuple[Watch, Stream]] = {}
        self._selector = selectors.DefaultSelector()
        self._ended: dict[Key, KubeError | None] = {}
        with _all_lock:
            _all.add(self)

    def __enter__(self) -> Watches[Key]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, key: Key) -> bool:
        return key in self._open or key in self._ended

    def is_open(self, key: Key) -> bool:
        """Whether it is, and has not ended."""
        return key in self._open

    def watches(self) -> list[Watch]:
        """Those that are open now; for any thread."""
        return [watch for watch, _ in list(self._open.values())]

    def fileno(self) -> int:
        """Of what can be read as soon as one of them can, for who waits for other things, too."""
        return self._selector.fileno()

    def close(self) -> None:
        for key in list(self._open):
            self.drop(key)
        self._selector.close()
        self._connections.close()

    def open(self, watches: Mapping[Key, Watch]) -> None:
        """Opens them, some at a time; `read` says of each that could not be opened why."""
        end = time.monotonic() + _TO_OPEN

        def one(watch: Watch) -> Stream | KubeError:
            try:
                return watch.open(self._connections, end - time.monotonic())
            except KubeError as error:
                return error

        asked = [watch.asks() for watch in watches.values()]
        found = self._session.stream_each(asked, seconds=_TO_OPEN / 2, over=self._connections)
        left: dict[Key, Watch] = {}
        for (key, watch), stream in zip(watches.items(), found, strict=True):
            if stream is None:
                left[key] = watch
            else:
                watch.begin()
                self._take(key, watch, stream)
        if not left:
            return
        with ThreadPoolExecutor(self._session.limits.requests_in_flight, "watch-open") as pool:
            for key, opened in zip(left, pool.map(one, left.values()), strict=True):
                if isinstance(opened, KubeError):
                    self._ended[key] = opened
                else:
                    self._take(key, left[key], opened)

    def _take(self, key: Key, watch: Watch, stream: Stream) -> None:
        self._open[key] = watch, stream
        if stream.source not in self._selector.get_map():
            self._selector.register(stream.source, selectors.EVENT_READ)

    def drop(self, key: Key) -> None:
        """Ends one."""
        self._ended.pop(key, None)
        if key in self._open:
            watch, stream = self._open.pop(key)
            watch.forget_rest()
            if all(other.source is not stream.source for _, other in self._open.values()):
                with suppress(KeyError, ValueError):
                    self._selector.unregister(stream.source)
            stream.close()

    def read(self, seconds: float) -> Iterator[tuple[Key, Event | KubeError | None]]:
        """The events that come within so many seconds, and how a watch ended: None as it should, or why not.

        Ends early once something has come; a watch of which more came has its turn the next time.
        """
        ended, self._ended = self._ended, {}
        yield from ended.items()
        if ended or any(stream.has_news for _, stream in self._open.values()):
            seconds = 0.0
        if self._open:
            for found, _ in self._selector.select(max(seconds, 0.0)):
                source: Any = found.fileobj
                source.pump()
        elif seconds > 0:
            self._session.stopped.wait(seconds)
        for key in [key for key, (_, stream) in self._open.items() if stream.has_news]:
            if key in self._open:
                yield from ((key, each) for each in self._read(key))
        now = time.monotonic()
        for key, (watch, _) in list(self._open.items()):
            try:
                watch.check(now)
            except KubeError as error:
                self.drop(key)
                yield key, error

    def _read(self, key: Key) -> Iterable[Event | KubeError | None]:
        watch, stream = self._open[key]
        try:
            data = stream.read(_AT_ONCE)
            if data is None:
                watch.end()
                self.drop(key)
                yield None
                return
            yield from watch.take(data)
            if watch.unfinished > _MUCH:
                _refuse_longest()
        except KubeError as error:
            self.drop(key)
            yield error
        except (OSError, transport.Refused) as error:
            self.drop(key)
            why = cause(error) if isinstance(error, OSError) else str(error)
            yield Interrupted(f"{watch._where}: it broke off: {why}")
