"""Reads a whole list, page by page, as one consistent snapshot where that can be had."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from k8s_inventory.kinds import Kind
from k8s_inventory.kube import tables
from k8s_inventory.kube.errors import BadAnswer, Expired, KubeError, NoSuchPath, NotFound, Unreachable
from k8s_inventory.kube.session import Session

log = logging.getLogger(__name__)

Item = TypeVar("Item")


class ListMetadata(msgspec.Struct, frozen=True, gc=False):
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/list-meta/"""

    resource_version: str = msgspec.field(default="", name="resourceVersion")
    continue_token: str = msgspec.field(default="", name="continue")


class ListPage(msgspec.Struct, Generic[Item], frozen=True, gc=False):
    """A list answer. `items` may be null, which is empty; an answer without it is no list."""

    items: list[Item] | None
    kind: str = ""
    api_version: str = msgspec.field(default="", name="apiVersion")
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)


class _Header(msgspec.Struct, frozen=True, gc=False):
    kind: str
    metadata: ListMetadata


_Download = tuple[bytes | KubeError, str, float]
"""A page's bytes or the error in their place, the continue token in it, and the seconds it took."""


class _Restart(Exception):
    """Internal: the snapshot expired and the listing begins again."""


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


class Listing(Generic[Item]):
    """One attempt to list a kind; iterate `pages()`, then look at `incomplete`.

    `namespace` narrows it to one, `selectors` (`labelSelector`, `fieldSelector`) to what they select. `path` is what is
    read, once there are pages. `incomplete` is None after a complete listing, and else says why pages are missing or
    inconsistent.
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
    ) -> None:
        self.session = session
        self.kind = kind
        self.page_size = page_size
        self.namespace = namespace
        self.selectors = dict(selectors or {})
        self.path = ""
        self._version = ""
        self.incomplete: str | None = None
        self.decode_items_to(item)
        self._restarted = False
        self._revision = ""

    def decode_items_to(self, item: type[Item]) -> None:
        """Decodes the items of the next page, and of all that follow, as far as this type goes."""
        self._decoder = msgspec.json.Decoder(ListPage[item])  # type: ignore[valid-type]

    def pages(self) -> Iterator[Page[Item]]:
        """Yields each page while the next one downloads.

        Raises the `KubeError` of the first page, or of a later one where credentials or rights were lost.
        A later page that is lost for any other reason ends the listing as incomplete.
        """
        self.path = self._path_served()
        while True:
            try:
                yield from self._snapshot(self.path)
                return
            except _Restart:
                log.warning(
                    "context %s, %s: the snapshot expired, listing again", self.session.context.name, self.kind.name
                )

    def _path_served(self) -> str:
        """The list's path in the first of the known versions that the cluster serves."""
        last: NotFound | NoSuchPath | None = None
        versions = self.kind.versions
        for version in versions:
            self._version = version
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

    def _snapshot(self, path: str) -> Iterator[Page[Item]]:
        number = 0
        with contextlib.closing(self._bodies(path)) as bodies:
            for body, token, seconds in bodies:
                if isinstance(body, KubeError):
                    if number == 0 or not isinstance(body, Unreachable | BadAnswer):
                        raise body
                    self.incomplete = f"page {number + 1} could not be read: {body}"
                    return
                number += 1
                try:
                    yield self._page(number, body, token, seconds)
                except BadAnswer as error:
                    if number == 1:
                        raise
                    self.incomplete = f"page {number} could not be read: {error}"
                    return

    def _page(self, number: int, body: bytes, token: str, seconds: float) -> Page[Item]:
        where = f"context {self.session.context.name}, {self.kind.name}, page {number}"
        answer: ListPage[Any]
        try:
            try:
                answer, body = _decode(self._decoder, body)
            except msgspec.ValidationError:
                answer, body = _decode(_raw_pages, body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            kind = "an HTML page" if b"<html" in body[:1000].lower() else "no list"
            raise BadAnswer(f"{where}: the answer is {kind} ({error})") from error
        if answer.kind != self.kind.list_kind:
            raise BadAnswer(
                f"{where}: asked for a {self.kind.list_kind}, the answer is a {answer.kind or 'nameless thing'}"
            )
        revision = answer.metadata.resource_version
        if number == 1:
            if not revision:
                raise BadAnswer(f"{where}: the list carries no resourceVersion")
            self._revision = revision
        elif revision != self._revision and self.incomplete is None:
            self.incomplete = f"page {number} is of revision {revision or 'none'}, the first was of {self._revision}"
        if answer.metadata.continue_token != token:
            raise BadAnswer(f"{where}: the list names two continue tokens")
        return Page(
            number=number,
            body=body,
            items=answer.items or [],
            api_version=answer.api_version,
            resource_version=revision,
            seconds=seconds,
        )

    def _bodies(self, path: str) -> Generator[_Download]:
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
                for each in self._download(path):
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

    def _get(self, path: str, query: dict[str, Any]) -> bytes:
        if not self.kind.table_cells:
            return self.session.get(path, query)
        body = self.session.get(path, {**query, **tables.QUERY}, accept=tables.ACCEPT)
        where = f"context {self.session.context.name}, {self.kind.name}"
        return tables.as_list(body, self.kind, self._version, where=where)

    def _download(self, path: str) -> Iterator[_Download]:
        token: str | None = None
        query: dict[str, Any] = {"limit": self.page_size, **self.selectors}
        while True:
            start = time.monotonic()
            try:
                body = self._get(path, {**query, "continue": token} if token else query)
            except Expired as error:
                if token is None:
                    yield error, "", 0.0
                    return
                if not self._restarted:
                    self._restarted = True
                    raise _Restart from error
                self.incomplete = f"the continue token expired twice; the rest is of a later time: {error}"
                token = error.continue_token
                if not token:
                    return
                continue
            except KubeError as error:
                yield error, "", 0.0
                return
            token = _continue_token(body)
            yield body, token, time.monotonic() - start
            if not token:
                return


_headers = msgspec.json.Decoder(_Header)
_raw_pages = msgspec.json.Decoder(ListPage[msgspec.Raw])
_ITEMS = b'"items":['


def _continue_token(body: bytes) -> str:
    """The page's continue token. It mostly stands before the items, which then need no decoding."""
    end = body.find(_ITEMS, 0, 16_384)
    if end > 0:
        with contextlib.suppress(msgspec.DecodeError):
            return _headers.decode(body[:end] + _ITEMS + b"]}").metadata.continue_token
    try:
        return _decode(_headers, body)[0].metadata.continue_token
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""  # not a list: the page's own check says what is wrong with it


Answer = TypeVar("Answer")
_SURROGATES = re.compile(rb"\\(?:u[dD][89aAbB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)


def _decode(decoder: msgspec.json.Decoder[Answer], body: bytes) -> tuple[Answer, bytes]:
    """What the decoder makes of the body, and the body it made it of: without lone surrogates.

    JSON may hold them, no decoder and no PostgreSQL takes them; each becomes U+FFFD. The server of Kubernetes
    itself never sends any.
    """
    try:
        return decoder.decode(body), body
    except msgspec.DecodeError:
        mended = _SURROGATES.sub(_mended, body)
        if mended == body:
            raise
        return decoder.decode(mended), mended


def _mended(escape: re.Match[bytes]) -> bytes:
    is_lone = len(escape[0]) == 6
    return rb"\ufffd" if is_lone else escape[0]
