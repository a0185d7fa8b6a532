"""Reads a whole list, page by page, as one consistent snapshot where that can be had."""

from __future__ import annotations

import codecs
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from operator import attrgetter
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from k8s_inventory.decoders import decoder
from k8s_inventory.kinds import ApiPath, Kind
from k8s_inventory.kube import cells, metadata
from k8s_inventory.kube.errors import (
    BadAnswer,
    Expired,
    HeldBack,
    KubeError,
    NoSuchPath,
    NotFound,
    NotTaken,
    TooLarge,
    Unreachable,
)
from k8s_inventory.kube.session import JSON, UNREADABLE, WEIGHT_OF_ONE, Session, refuse_page
from k8s_inventory.mending import shallow, without_lone_surrogates
from k8s_inventory.printable import printable

log = logging.getLogger(__name__)

Item = TypeVar("Item")

LONGEST_VERSION = 128
"""Characters of a resourceVersion, or a uid: Kubernetes' own have 20 and 36."""

_Name = Annotated[str, msgspec.Meta(max_length=512)]
_Version = Annotated[str, msgspec.Meta(max_length=LONGEST_VERSION, pattern=r"\A[^\0]*\Z")]
_Token = Annotated[str, msgspec.Meta(max_length=16_384)]
"""It goes into a URL; the API server's own hold a revision and a name."""

_MARKS = 1 << 22


def are_few(wanted: int, total: int) -> bool:
    """Whether so many objects of a page are best asked for one by one: of more, the page takes less time."""
    return wanted <= max(1, total // 40)


class ListMetadata(msgspec.Struct, frozen=True, gc=False):
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/list-meta/"""

    resource_version: _Version | None = msgspec.field(default=None, name="resourceVersion")
    continue_token: _Token | None = msgspec.field(default=None, name="continue")


class ListPage(msgspec.Struct, Generic[Item], frozen=True, gc=False):
    """A list answer. `items` may be null, which is empty; an answer without it is no list."""

    items: list[Item] | None
    kind: _Name = ""
    api_version: _Name = msgspec.field(default="", name="apiVersion")
    metadata: ListMetadata | None = None


class _Header(msgspec.Struct, frozen=True, gc=False):
    kind: _Name
    metadata: ListMetadata | None = None


class _Item(msgspec.Struct, frozen=True, gc=False):
    """What an object of a list says it is. Lists of Kubernetes' own kinds leave kind and version to the list."""

    class Metadata(msgspec.Struct, frozen=True, gc=False):
        namespace: str | None = None
        uid: str | None = None
        resource_version: str | None = msgspec.field(default=None, name="resourceVersion")

    metadata: Metadata | None = None
    kind: str | None = None
    api_version: str | None = msgspec.field(default=None, name="apiVersion")


_Singles = tuple[Sequence[metadata.Stub], "Future[list[bytes | KubeError]]"]
"""What is to be had, and the list that was asked for each."""

_Download = tuple[bytes | KubeError, str, float, float]
"""A page's bytes or the error in their place, the continue token in it, when it was asked for, the seconds it took."""


class _Restart(Exception):
    """Internal: the listing begins again; the message says why."""


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page: its bytes as they came, and its items decoded as far as the caller's type goes.

    Where one of them is not what that type says, all are left as `msgspec.Raw`. `number` counts from 1. A
    second page of number 1 means that the listing started over: what came before it counts no more.
    """

    number: int
    body: bytes
    items: list[Item]
    api_version: str
    resource_version: str
    seconds: float
    asked_at: float
    """When it was asked for, by the monotonic clock; of the first page: the earliest that its snapshot may be of."""
    is_mended: bool
    """Whether the bytes are not all just as they came: `mending` says what may be in their place."""
    asked_with: str = ""
    """The continue token that led to it."""
    is_metadata: bool = False
    """Whether the items are `metadata.Stub`, each in the place of an object: `Listing.fetched` has these."""
    is_last: bool = False


class Current(NamedTuple):
    """The revision that a kind was at, and not earlier than `asked_at`, by the monotonic clock; `version` is that of
    the group in which it is served."""

    version: str
    revision: str
    asked_at: float
    bytes: int


class Listing(Generic[Item]):
    """One attempt to list a kind; iterate `pages()`, tell `brought` what each had, then look at `incomplete`.

    `namespace` narrows it to one, `selectors` (`labelSelector`, `fieldSelector`) to what they select. `version` is that
    of the group which is read, once there are pages. `incomplete` is None after a complete listing, and else says why
    pages are missing or inconsistent.

    A page counts only if it is the list that was asked for, by its `kind` and `apiVersion`, and every item that says
    what it is says the same, and is of the namespace that was asked for: whatever made the server, or something
    before it, answer another question, objects of another kind are never taken for those of this one.

    As long as `asks_metadata` holds, which `judge` says anew of each page, a page is the metadata of its objects alone.
    It says which objects there are, in which versions; what they hold, and that they are of the kind, `fetched` finds
    out of the same snapshot. `refused` says why a server must not be asked so again.
    """

    def __init__(
        self,
        session: Session,
        kind: Kind,
        *,
        item: type[Item],
        page_size: int,
        namespace: str | None = None,
        selectors: Mapping[str, str] | None = None,
        asks_metadata: bool = False,
    ) -> None:
        self.session = session
        self.kind = kind
        self.page_size = page_size
        self._limits = session.limits
        self.namespace = namespace
        self.selectors = dict(selectors or {})
        self.version = ""
        self.incomplete: str | None = None
        self.asks_metadata = self._may_ask_metadata = asks_metadata
        self.refused = ""
        self._most_objects = page_size
        self._is_judged = threading.Event()
        self._again = ""
        self._is_lost = False
        self.decode_items_to(item)
        self._restarted = False
        self._revision = ""
        self._marks = bytearray()
        self._bytes = 0
        self._pages_without_new = 0
        self._waited = 0.0

    def decode_items_to(self, item: type[Item]) -> None:
        """Decodes the items of the next page, and of all that follow, as far as this type goes."""
        self._item: type[Any] = item

    def items(self) -> Iterator[Item]:
        """The items of a list that is of use only as a whole; some of them twice where it was begun again.

        Raises a `KubeError` where it is not complete, or one of them is no such item.
        """
        where = f"context {self.session.context.name}, {self.kind.name}"
        for page in self.pages():
            items: list[Any] = page.items
            if items and isinstance(items[0], msgspec.Raw):
                raise BadAnswer(f"{where}: an object on page {page.number} is not what its kind says")
            self.brought(each.metadata.uid for each in items)
            yield from items
        if self.incomplete:
            raise BadAnswer(f"{where}: {self.incomplete}")

    def brought(self, uids: Iterable[str]) -> None:
        """Says which objects the last page held. As long as some are new, the listing goes on.

        A uid leaves a mark in a table of fixed size. Where two share one, a new object is taken for an old one, which
        counts only if it happens to all objects of many pages in a row.
        """
        new = False
        for uid in uids:
            mark = hash(uid) & (_MARKS - 1)
            new = new or not self._marks[mark]
            self._marks[mark] = 1
        if new:
            self._pages_without_new = 0
            self._waited = 0.0

    def judge(self, *, asks_metadata: bool) -> None:
        """Says, of the last page, how to go on: whether few of its objects were wanted."""
        self.asks_metadata = asks_metadata and self._may_ask_metadata

    def pages(self) -> Iterator[Page[Item]]:
        """Yields each page while the next one downloads.

        Raises the `KubeError` of the first page, or of a later one where credentials or rights were lost.
        A later page that is lost for any other reason ends the listing as incomplete, and so does a list that does
        not end: pages without new objects, continue tokens that come again, more time or bytes than `Limits` allows.
        """
        path = self._path_served()
        while True:
            self._singles = ThreadPoolExecutor(1, "list-singles")
            try:
                yield from self._snapshot(path)
                return
            except _Restart as restart:
                self._ask_as_ever()  # whatever the reason: in two steps it takes longer, and the snapshot may expire
                log.warning(
                    "context %s, %s: %s, listing again",
                    printable(self.session.context.name),
                    printable(self.kind.name),
                    printable(str(restart)),
                )
            finally:
                self._singles.shutdown(wait=False, cancel_futures=True)  # answers under way go nowhere

    def asks_current(self) -> tuple[ApiPath, Mapping[str, Any]] | None:
        """What asks for the revision that is current, of the first of its versions, with `metadata.ACCEPT`; None where
        that is not so simple."""
        if self.kind.held_back or self.kind.table_cells:
            return None
        return self.kind.list_path(self.kind.versions[0], self.namespace), {**self.selectors, "limit": 1}

    def current(self, answer: tuple[bytes | KubeError, float] | None = None) -> Current:
        """The revision that is current now. Raises a `KubeError`.

        `answer` is what came of what `asks_current` says, and when that was asked.
        """
        if self.kind.held_back:
            raise HeldBack(f"context {self.session.context.name}, {self.kind.name}: {self.kind.held_back}")
        get = partial(self._get, seconds=self._limits.listing_timeout, accept=metadata.ACCEPT, weight=WEIGHT_OF_ONE)
        for last, version in zip((*[False] * (len(self.kind.versions) - 1), True), self.kind.versions, strict=True):
            self.version = version
            try:
                if answer:
                    (said, asked_at), answer = answer, None
                    if isinstance(said, KubeError):
                        raise said
                    body = said
                else:
                    asked_at = time.monotonic()
                    body = get(self.kind.list_path(version, self.namespace), {**self.selectors, "limit": 1})
            except (NotFound, NoSuchPath):
                if last:
                    raise
                continue
            break
        try:
            page = self._page(1, body, _continue_token(body), asked_at, time.monotonic() - asked_at)
        except metadata.NotMetadata as error:
            raise BadAnswer(str(error)) from None
        return Current(self.version, page.resource_version, asked_at, len(body))

    def fetched(
        self, page: Page[Any], wanted: Sequence[int], item: type[Any]
    ) -> Iterator[tuple[Page[Any], int | None]]:
        """The objects of a page of metadata at these positions, or more of them, of its own snapshot.

        Pages with items of that type, and the position that they begin with; without one, they are just those wanted.
        A few are asked for at once, side by side, while the caller does something else; take them before the page after
        the next one, and before the end. Where they can not be had as they were named, there are no more of them, and
        the listing begins again or ends. Raises a `KubeError` as `pages` does.
        """
        singles = None
        if page.items and are_few(len(wanted), len(page.items)):
            stubs = [page.items[each] for each in wanted]
            singles = stubs, self._singles.submit(self._get_singles, page, stubs)
        return self._fetched(page, singles, item)

    def _fetched(
        self, page: Page[Any], singles: _Singles | None, item: type[Any]
    ) -> Iterator[tuple[Page[Any], int | None]]:
        where = f"context {self.session.context.name}, {self.kind.name}, page {page.number}"
        try:
            if singles is not None:
                yield self._joined(page, singles, item, where), None
            else:
                yield from self._whole(page, item, where)
        except Expired:
            self._again = "the snapshot expired"
        except metadata.NotMetadata as error:
            self._refuse(str(error))
        except NotTaken as error:
            self._refuse(f"an object of a snapshot can not be had: {error}")
        except BadAnswer as error:
            self._again = str(error)
        except Unreachable as error:
            if page.number == 1:
                raise
            self.incomplete, self._is_lost = f"page {page.number} could not be read: {error}", True

    def _ask_as_ever(self, refused: str = "") -> None:
        self.asks_metadata = self._may_ask_metadata = False
        self.refused = self.refused or refused

    def _refuse(self, why: str) -> None:
        self._ask_as_ever(why)
        self._again = why

    def _whole(self, page: Page[Any], item: type[Any], where: str) -> Iterator[tuple[Page[Any], int]]:
        """The whole page, as one or, where it is too large for that, as several."""
        path, token, start, total = self._path(), page.asked_with, 0, len(page.items)
        while True:
            query = {"continue": token} if token else _exact(page)
            asked_at = time.monotonic()
            body = self._page_within_bounds(path, {**self.selectors, **query}, most=total - start or None)
            part = self._object_page(page, body, item, where, asked_at)
            count = len(part.items)
            _refuse_others(part, page.items[start : start + count])
            yield part, start
            start += count
            if start >= total:
                return
            token = _continue_token(body)
            if not token or not count:
                raise metadata.NotMetadata(f"{where}: of its {total} objects the server shows {start}")

    def _get_singles(self, page: Page[Any], stubs: Sequence[metadata.Stub]) -> list[bytes | KubeError]:
        """A list of the snapshot for each of these objects."""
        asked = [(self._path(each.metadata.namespace), self._by_name(page, each.metadata.name)) for each in stubs]
        most, left = self._limits.max_page_bytes, self._left()
        return self.session.get_each(asked, seconds=left, most=most, weight=WEIGHT_OF_ONE)

    def _joined(self, page: Page[Any], singles: _Singles, item: type[Any], where: str) -> Page[Any]:
        """One page of lists that hold an object each."""
        start = time.monotonic()
        stubs, found = singles
        try:
            came = found.result()
        finally:
            self._waited += time.monotonic() - start
        kind, api_version, raws, is_mended = self.kind.list_kind, page.api_version, [], False
        for body in came:
            if isinstance(body, KubeError):
                raise body
            answer, whole = self._list(body, msgspec.Raw, where)
            self._refuse_other_revision(page, answer.metadata, where)
            if self._is_generic(answer):
                kind, api_version = answer.kind, answer.api_version
            raws += answer.items or []
            is_mended |= whole is not body
        head = {"kind": kind, "apiVersion": api_version, "metadata": {"resourceVersion": page.resource_version}}
        body = msgspec.json.encode(head)[:-1] + b',"items":[' + b",".join(map(bytes, raws)) + b"]}"
        made = self._object_page(page, body, item, where, start)
        _refuse_others(made, stubs)
        return replace(made, is_mended=made.is_mended or is_mended)

    def _by_name(self, page: Page[Any], name: str) -> dict[str, Any]:
        """The query for one object of a page. https://pkg.go.dev/k8s.io/apimachinery/pkg/fields#EscapeValue"""
        value = name.replace("\\", r"\\").replace(",", r"\,").replace("=", r"\=")
        fields = ",".join(filter(None, (self.selectors.get("fieldSelector"), f"metadata.name={value}")))
        return {**self.selectors, "fieldSelector": fields, **_exact(page)}

    def _path(self, namespace: str | None = None) -> ApiPath:
        return self.kind.list_path(self.version, namespace or self.namespace)

    def _object_page(self, page: Page[Any], body: bytes, item: type[Any], where: str, asked_at: float) -> Page[Any]:
        """An answer in the place of that page, or of some of it. Raises `NotMetadata` for one of another snapshot."""
        self._bytes += len(body)
        items, whole, header = self._objects(body, item, where)
        self._refuse_other_revision(page, header, where)
        return replace(
            page,
            body=whole,
            items=items,
            seconds=time.monotonic() - asked_at,
            is_mended=whole is not body,
            is_metadata=False,
        )

    def _refuse_other_revision(self, page: Page[Any], header: ListMetadata | None, where: str) -> None:
        revision = header.resource_version if header else None
        if revision != page.resource_version:
            raise metadata.NotMetadata(
                f"{where}: asked for it once more as of {page.resource_version}, it is of revision {revision or 'none'}"
            )

    def _path_served(self) -> ApiPath:
        """The list's path in the first of the known versions that the cluster serves."""
        if self.kind.held_back:
            raise HeldBack(f"context {self.session.context.name}, {self.kind.name}: {self.kind.held_back}")
        last: NotFound | NoSuchPath | None = None
        versions = self.kind.versions
        for version in versions:
            self.version = version
            path = self.kind.list_path(version, self.namespace)
            if len(versions) == 1:
                return path
            try:
                self._get(path, {"limit": 1})
            except (NotFound, NoSuchPath) as error:
                last = error
                continue
            return path
        assert last is not None
        raise last

    def _snapshot(self, path: ApiPath) -> Iterator[Page[Item]]:
        number = 0
        self._marks, self._bytes, self._pages_without_new = bytearray(_MARKS), 0, 0
        with contextlib.closing(self._bodies(path)) as bodies:
            asked_with = ""
            for body, token, asked_at, seconds in bodies:
                if isinstance(body, KubeError):
                    if number == 0 or not isinstance(body, Unreachable | BadAnswer):
                        raise body
                    self.incomplete = f"page {number + 1} could not be read: {body}"
                    return
                number += 1
                self._bytes += len(body)
                if self._is_endless(number):
                    return
                self._pages_without_new += 1
                try:
                    page = self._page(number, body, token, asked_at, seconds)
                except metadata.NotMetadata as error:
                    self._refuse(str(error))
                except BadAnswer as error:
                    if number == 1:
                        raise
                    self.incomplete = f"page {number} could not be read: {error}"
                    return
                else:
                    yield replace(page, asked_with=asked_with)
                if self._again:
                    again, self._again = self._again, ""
                    raise _Restart(again)
                if self._is_lost:
                    return
                asked_with = token
                self._is_judged.set()

    def _is_endless(self, number: int) -> bool:
        """Whether to give up at this page; `incomplete` then says why."""
        if self._pages_without_new >= self._limits.max_empty_pages:
            self.incomplete = (
                f"the {self._pages_without_new} pages before page {number} brought no new object "
                "(K8S_MAX_EMPTY_PAGES), so the listing was ended"
            )
        elif self._bytes > self._limits.max_listing_bytes:
            self.incomplete = (
                f"with page {number} it has more than {self._limits.max_listing_bytes} bytes "
                "(K8S_MAX_LISTING_BYTES), so the listing was ended"
            )
        else:
            return False
        return True

    def _page(self, number: int, body: bytes, token: str, asked_at: float, seconds: float) -> Page[Item]:
        where = f"context {self.session.context.name}, {self.kind.name}, page {number}"
        items: list[Any]
        came, is_metadata = body, metadata.is_binary(body)
        if is_metadata:
            items, header = self._stubs(body, where)
        else:
            items, body, header = self._objects(body, self._item, where)
        revision = header.resource_version or ""
        if number == 1:
            if not revision and self._has_revisions:
                raise BadAnswer(f"{where}: the list carries no resourceVersion")
            self._revision = revision
        elif revision != self._revision and self.incomplete is None:
            self.incomplete = f"page {number} is of revision {revision or 'none'}, the first was of {self._revision}"
        if (header.continue_token or "") != token:
            raise BadAnswer(f"{where}: the list names two continue tokens")
        return Page(
            number=number,
            body=body,
            items=items,
            api_version=self.kind.api_version(self.version),
            resource_version=revision,
            seconds=seconds,
            asked_at=asked_at,
            is_mended=body is not came,
            is_metadata=is_metadata,
            is_last=not token,
        )

    @property
    def _has_revisions(self) -> bool:
        """What is in no etcd, of kinds that neither are declared nor have a CRD, other servers may answer for."""
        return not self.kind.shared_by or bool(self.kind.revision)

    def _stubs(self, body: bytes, where: str) -> tuple[list[metadata.Stub], ListMetadata]:
        """Raises `NotMetadata`."""
        try:
            found = metadata.decode(body, most=self._most_objects, sorted_keys=bool(self.kind.shared_by))
            header = msgspec.convert(found.header, ListMetadata)
        except (metadata.NotMetadata, msgspec.ValidationError) as error:
            raise metadata.NotMetadata(
                f"{where}: asked for metadata alone, the answer is something else: {error}"
            ) from None
        if self.namespace is not None and any(each.metadata.namespace != self.namespace for each in found.items):
            raise metadata.NotMetadata(f"{where}: the metadata is of another namespace than {self.namespace}")
        if not header.resource_version:
            raise metadata.NotMetadata(f"{where}: the metadata carries no resourceVersion")
        return found.items, header

    def _objects(self, body: bytes, item: type[Any], where: str) -> tuple[list[Any], bytes, ListMetadata]:
        """The items of a list, its bytes, which may be mended, and its metadata. Raises `BadAnswer`."""
        answer, body = self._list(body, item, where)
        items = answer.items or []
        self._check_items(items, body, where, must_say=self._is_generic(answer))
        return items, body, answer.metadata or ListMetadata()

    def _list(self, body: bytes, item: type[Any], where: str) -> tuple[ListPage[Any], bytes]:
        """The list that was asked for, by what it says of itself, and its bytes. Raises `BadAnswer`."""
        kind, api_version = self.kind, self.kind.api_version(self.version)
        answer: ListPage[Any]
        try:
            refuse_other_than_utf8(body)
            try:
                pages = _pages_of(item, kind.kind, api_version)  # type: ignore[arg-type]
                answer, body = decode_mended(pages, body)
            except msgspec.ValidationError:
                answer, body = decode_mended(_raw_pages, body)
        except UNREADABLE as error:
            refuse_page(body, where)
            raise BadAnswer(f"{where}: the answer is no list ({error})") from error
        if (answer.kind, answer.api_version) != (kind.list_kind, api_version) and not self._is_generic(answer):
            raise BadAnswer(
                f"{where}: asked for a {_named(kind.list_kind, api_version)}, the answer is a "
                f"{_named(answer.kind, answer.api_version)}"
            )
        return answer, body

    def _is_generic(self, answer: ListPage[Any]) -> bool:
        """A `List` leaves to each object what it is. One without objects could be of anything."""
        is_list = (answer.kind, answer.api_version) == ("List", "v1")
        return is_list and (bool(answer.items) or not self._has_revisions)

    def _check_items(self, items: list[Any], body: bytes, where: str, *, must_say: bool) -> None:
        """Raises `BadAnswer` for a page with an item of another kind or namespace, or that does not say what it is
        where it must."""
        if self._agree(items) and not must_say:
            return
        wanted = (self.kind.kind, self.kind.api_version(self.version))
        unsaid = ("", "") if must_say else wanted
        try:
            said = decode_mended(_said_pages, body)[0].items or []
        except UNREADABLE as error:
            raise BadAnswer(f"{where}: an object in it does not say what it is ({error})") from None
        for item in said:
            namespace = item.metadata.namespace or "" if item.metadata else ""
            found = (item.kind or unsaid[0], item.api_version or unsaid[1])
            if found != wanted or (self.namespace is not None and namespace != self.namespace):
                raise BadAnswer(
                    f"{where}: asked for each {_named(*wanted, self.namespace)}, the answer holds a "
                    f"{_named(*found, namespace if self.namespace else None)}; it was thrown away"
                )

    def _agree(self, items: list[Any]) -> bool:
        """Whether it is plain that the items are of the kind and namespace asked for; decoding looked at the kind."""
        if items and isinstance(items[0], msgspec.Raw):
            return False
        try:
            return self.namespace is None or {self.namespace}.issuperset(map(_namespace_of, items))
        except AttributeError:  # the caller's type leaves it out
            return False

    def _bodies(self, path: ApiPath) -> Generator[_Download]:
        """The pages' bytes, each downloaded in a thread while the one before it is worked on."""
        ready: queue.Queue[_Download | BaseException | None] = queue.Queue(maxsize=1)
        stop = threading.Event()

        def put(item: _Download | BaseException | None) -> bool:
            while not stop.is_set():
                with contextlib.suppress(queue.Full):
                    ready.put(item, timeout=0.2)
                    return True
            return False

        def download() -> None:
            try:
                for each in self._download(path, stop):
                    if not put(each):
                        return
                put(None)
            except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
                put(error)

        thread = threading.Thread(target=download, name=f"list-{self.kind.name}", daemon=True)
        thread.start()
        try:
            while True:
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    return
                yield item
        finally:
            stop.set()
            thread.join(timeout=5)  # a request may still be under way; its answer goes nowhere

    def _get(
        self,
        path: ApiPath,
        query: dict[str, Any],
        seconds: float | None = None,
        *,
        accept: str = JSON,
        weight: float = 1.0,
    ) -> bytes:
        get = partial(self.session.get, path, seconds=seconds, most=self._limits.max_page_bytes, weight=weight)
        if not self.kind.table_cells:
            return get(query, accept=accept)
        body = get({**query, **cells.QUERY}, accept=cells.ACCEPT)
        where = f"context {self.session.context.name}, {self.kind.name}"
        return cells.as_list(body, self.kind, self.version, where=where)

    def _download(self, path: ApiPath, stop: threading.Event) -> Iterator[_Download]:
        token: str | None = None
        tokens: set[int] = set()
        expired = 0
        while True:
            start = time.monotonic()
            is_metadata = self.asks_metadata
            query = {**self.selectors, **({"continue": token} if token else {})}
            try:
                body = self._page_within_bounds(path, query, accept=metadata.ACCEPT if is_metadata else JSON)
            except Expired as error:
                if token is None:
                    yield error, "", start, 0.0
                    return
                if not self._restarted:
                    self._restarted = True
                    raise _Restart("the snapshot expired") from error
                self.incomplete = f"the continue token expired twice; the rest is of a later time: {error}"
                token = error.continue_token
                expired += 1
                if not token or expired > self._limits.max_empty_pages:
                    return
                continue
            except KubeError as error:
                if is_metadata and isinstance(error, BadAnswer) and not isinstance(error, NoSuchPath):
                    # Whoever can not answer so may answer as ever, and if not, that is the error.
                    self._ask_as_ever(str(error) if isinstance(error, NotTaken) else "")
                    continue
                yield error, "", start, 0.0
                return
            expired = 0
            if is_metadata and not metadata.is_binary(body):
                self._ask_as_ever("asked for metadata alone, it answers with the objects")
            self._is_judged.clear()
            token = _continue_token(body)
            yield body, token, start, time.monotonic() - start
            if not token:
                return
            if hash(token) in tokens:
                self.incomplete = "a continue token came for the second time, so the list would never end"
                return
            if is_metadata and not tokens:  # Else the next one would be asked for in the same way, perhaps in vain.
                while not self._is_judged.wait(0.2):
                    if stop.is_set():
                        return
            tokens.add(hash(token))

    def _left(self) -> float:
        """Seconds until there must be something new. Raises `BadAnswer` where there are none."""
        left = self._limits.listing_timeout - self._waited
        if left <= 0:
            raise BadAnswer(
                f"context {self.session.context.name}, {self.kind.name}: no new object came in "
                f"{self._limits.listing_timeout:g} s (K8S_LISTING_TIMEOUT)"
            )
        return left

    def _page_within_bounds(
        self, path: ApiPath, query: Mapping[str, Any], *, most: int | None = None, accept: str = JSON
    ) -> bytes:
        """The bytes of a page, of `most` objects. One that is too large is asked for again, with half as many objects,
        which all pages after it then have. Raises a `KubeError`."""
        while True:
            left = self._left()
            limit = min(self.page_size, most or self.page_size)
            start = time.monotonic()
            try:
                return self._get(path, {"limit": limit, **query}, left, accept=accept)
            except TooLarge as error:
                if limit == 1:
                    raise TooLarge(f"{error} (K8S_MAX_PAGE_BYTES)") from None
                self.page_size = limit // 2
                log.info("%s; asking for %d objects at a time", error, self.page_size)
            finally:
                self._waited += time.monotonic() - start


def _exact(page: Page[Any]) -> dict[str, str]:
    """https://kubernetes.io/docs/reference/using-api/api-concepts/#resourceversion-in-metadata"""
    return {"resourceVersion": page.resource_version, "resourceVersionMatch": "Exact"}


def _refuse_others(page: Page[Any], stubs: Sequence[metadata.Stub]) -> None:
    """Raises `NotMetadata` where the objects are not those that the metadata named."""
    items: Sequence[Any] = page.items
    if items and isinstance(items[0], msgspec.Raw):
        items = [_said(each) for each in items]
    found = [(each.metadata.uid, each.metadata.resource_version) for each in items if each.metadata]
    if found != [(each.metadata.uid, each.metadata.resource_version) for each in stubs]:
        raise metadata.NotMetadata(
            f"page {page.number}: of the same snapshot, the objects are not those that their metadata named"
        )


def _said(raw: msgspec.Raw) -> _Item:
    try:
        return decode_mended(_said_items, bytes(raw))[0]
    except UNREADABLE:
        return _Item()


_headers = decoder(_Header)
_raw_pages = decoder(ListPage[msgspec.Raw])
_said_pages = decoder(ListPage[_Item])
_said_items = decoder(_Item)
_namespace_of = attrgetter("metadata.namespace")
_ITEMS = b'"items":['


@lru_cache(16)
def _pages_of(item: type[Any], kind: str, api_version: str) -> msgspec.json.Decoder[ListPage[Any]]:
    """The decoder of pages whose items are of this type, and take no other kind than this.

    That is part of the type because in the decoder it costs next to nothing, where a look at each item does.
    """
    if item is msgspec.Raw:
        return _raw_pages
    fields = [
        ("kind", Literal[kind, ""] | None, None),
        ("api_version", Literal[api_version, ""] | None, msgspec.field(default=None, name="apiVersion")),
    ]
    of_kind = msgspec.defstruct(item.__name__, fields, bases=(item,), frozen=True, gc=False)
    return decoder(ListPage[of_kind])  # type: ignore[valid-type]


def _named(kind: str, api_version: str, namespace: str | None = None) -> str:
    """How an error calls a kind, or an object of it by its namespace: texts of the server, cut and without its
    control characters."""
    parts = [kind or "nameless thing", api_version or "no version", namespace or "(none)"]
    shown_kind, shown_version, shown_namespace = (ascii(each[:100])[1:-1] for each in parts)
    inside = f" in namespace {shown_namespace}" if namespace is not None else ""
    return f"{shown_kind} of {shown_version}{inside}"


def refuse_other_than_utf8(body: bytes) -> None:
    """Raises `UnicodeDecodeError`. What is kept as it came, no decoder looks into."""
    if not body.isascii():
        decoder = codecs.getincrementaldecoder("utf-8")()
        for start in range(0, len(body), _BLOCK):
            decoder.decode(body[start : start + _BLOCK])
        decoder.decode(b"", final=True)


_BLOCK = 1 << 20


def _continue_token(body: bytes) -> str:
    """The page's continue token. It mostly stands before the items, which then need no decoding."""
    if metadata.is_binary(body):
        with contextlib.suppress(metadata.NotMetadata):
            return metadata.continue_token(body)
        return ""  # the page's own check says what is wrong with it
    end = body.find(_ITEMS, 0, 16_384)
    if end > 0:
        with contextlib.suppress(msgspec.DecodeError):
            return _token_of(_headers.decode(body[:end] + _ITEMS + b"]}"))
    try:
        return _token_of(decode_mended(_headers, body)[0])
    except UNREADABLE:
        return ""  # not a list: the page's own check says what is wrong with it


def _token_of(header: _Header) -> str:
    return (header.metadata and header.metadata.continue_token) or ""


Answer = TypeVar("Answer")


def decode_mended(decoder: msgspec.json.Decoder[Answer], body: bytes) -> tuple[Answer, bytes]:
    """What the decoder makes of the body, and the body it made it of: without what no decoder takes.

    The server of Kubernetes itself sends no lone surrogates, but objects that are nested 9,000 levels deep, if
    somebody made them.
    """
    try:
        return decoder.decode(body), body
    except (msgspec.DecodeError, RecursionError) as error:
        mended = shallow(body) if isinstance(error, RecursionError) else without_lone_surrogates(body)
        if mended == body:
            raise
    return decode_mended(decoder, mended)
