"""What a watch takes for an event, and what for none, line by line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import chain
from typing import Any, cast

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube import watching
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import BadAnswer, Expired, Interrupted, KubeError, TooLarge
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.kube.watching import Event, Watch, Watches

Object = dict[str, Any]
SINCE = 100


def watch(kind: str = "pods", *, metadata_alone: bool = False, namespace: str | None = None) -> Watch:
    session = Session(Context(name="test", kubeconfig={}, context="test"), Limits(max_page_bytes=1 << 16))
    return Watch(
        session,
        KINDS[kind],
        version="v1",
        revision=SINCE,
        seconds=3,
        metadata_alone=metadata_alone,
        namespace=namespace,
    )


def pod(revision: Any = "101", **metadata: Any) -> Object:
    named = {"name": "one", "namespace": "shop", "uid": "u-1", "resourceVersion": revision, **metadata}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {k: v for k, v in named.items() if v is not None}}


def bookmark(revision: Any = "101", **fields: Any) -> Object:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": revision}, **fields}


def line(change: Any, found: Any) -> bytes:
    return json.dumps({"type": change, "object": found}).encode() + b"\n"


def status(**fields: Any) -> Object:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "told", **fields}


@pytest.mark.parametrize("change", ["ADDED", "MODIFIED", "DELETED"])
def test_what_became_of_an_object_is_an_event(change: str) -> None:
    found = watch()
    (event,) = found.take(line(change, pod()))
    assert (event.change, event.revision, event.uid, event.namespace, event.name) == (change, 101, "u-1", "shop", "one")
    assert (found.revision, json.loads(event.body)) == (101, pod())


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_lines_are_joined_wherever_they_are_cut_and_blank_ones_are_none(step: int) -> None:
    sent = line("ADDED", pod("101")) + b"\r\n\n" + line("BOOKMARK", bookmark("107"))
    found = watch()
    events = [event for start in range(0, len(sent), step) for event in found.take(sent[start : start + step])]
    assert [(event.change, event.revision) for event in events] == [("ADDED", 101), ("BOOKMARK", 107)]
    found.end()


NO_EVENTS: dict[str, bytes] = {
    "an unknown type": line("RENAMED", pod()),
    "a type in other letters": line("added", pod()),
    "no type": json.dumps({"object": pod()}).encode() + b"\n",
    "a type that is null": line(None, pod()),
    "a type that is a list": line(["ADDED"], pod()),
    "no object": b'{"type":"ADDED"}\n',
    "an object that is null": line("ADDED", None),
    "an object that is text": line("DELETED", "pod"),
    "a bookmark without an object": b'{"type":"BOOKMARK"}\n',
    "a bookmark of null": line("BOOKMARK", None),
    "no JSON": b"{]\n",
    "half of JSON": line("ADDED", pod())[:-20] + b"\n",
    "two events in a line": line("ADDED", pod("101")).strip() + line("ADDED", pod("102")),
    "text after it": line("ADDED", pod()).strip() + b" and\n",
    "a list": b"[1]\n",
    "a number": b"7\n",
    "null": b"null\n",
    "a page": b"<html><body>log in</body></html>\n",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\n",
    "UTF-16": line("ADDED", pod()).decode().encode("utf-16") + b"\n",
    "a chunk's head": b"1a3\r\n",
    "an object of another kind": line("ADDED", {**pod(), "kind": "Node"}),
    "an object of another version": line("MODIFIED", {**pod(), "apiVersion": "v2"}),
    "an object without a kind": line("ADDED", {"metadata": pod()["metadata"]}),
    "a list of objects": line("ADDED", {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [pod()]}),
    "a Status that is no error": line("MODIFIED", status(code=410)),
    "no metadata": line("ADDED", {"kind": "Pod", "apiVersion": "v1"}),
    "metadata that is null": line("ADDED", {**pod(), "metadata": None}),
    "no uid": line("ADDED", pod(uid=None)),
    "an empty uid": line("DELETED", pod(uid="")),
    "a uid that is a number": line("ADDED", pod(uid=7)),
    "a uid with U+0000": line("ADDED", pod(uid="a\0b")),
    "a uid without end": line("ADDED", pod(uid="u" * 5000)),
    "no revision": line("DELETED", pod(None)),
    "a revision that is text": line("ADDED", pod("abc")),
    "a revision that is a number": line("ADDED", pod(101)),
    "a revision with a sign": line("ADDED", pod("+101")),
    "a revision with a zero before it": line("ADDED", pod("0101")),
    "a revision with other digits": line("ADDED", pod("١٠١")),
    "a revision without end": line("ADDED", pod("1" * 50)),
    "a revision that goes back": line("MODIFIED", pod("99")),
    "a bookmark that goes back": line("BOOKMARK", bookmark("99")),
    "a bookmark of 0": line("BOOKMARK", bookmark("0")),
    "a bookmark without a revision": line("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {}}),
    "a bookmark that is text": line("BOOKMARK", bookmark("latest")),
    "a bookmark of another kind": line("BOOKMARK", bookmark(kind="Node")),
    "a bookmark of another version": line("BOOKMARK", bookmark(apiVersion="v2")),
    "a bookmark of a Table": line("BOOKMARK", bookmark(kind="Table", apiVersion="meta.k8s.io/v1")),
}


@pytest.mark.parametrize("sent", NO_EVENTS)
def test_what_is_no_event_ends_it_after_those_before(sent: str) -> None:
    found = watch()
    taken: list[Event] = []
    before = line("BOOKMARK", bookmark("100")) + line("ADDED", pod("100", uid="before"))
    with pytest.raises(BadAnswer, match="context test, pods, watch: "):
        taken.extend(found.take(before + NO_EVENTS[sent]))
    assert [event.uid for event in taken] == ["", "before"]
    assert found.revision == SINCE


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (status(code=410, reason="Expired"), Expired),
        (status(code=410, reason="Gone"), Expired),
        (status(code=500, reason="InternalError"), BadAnswer),
        (status(code=403, reason="Forbidden"), BadAnswer),
        (status(code=401), BadAnswer),
        (status(code=429), BadAnswer),
        (status(), BadAnswer),
        (status(code="410"), BadAnswer),
        (status(code=410, kind="Pod"), BadAnswer),
        ({"code": 410}, BadAnswer),
        (pod(), BadAnswer),
        (7, BadAnswer),
        (None, BadAnswer),
    ],
)
def test_an_error_ends_it_by_what_it_says(said: Any, meaning: type[KubeError]) -> None:
    with pytest.raises(KubeError) as raised:
        list(watch().take(line("ERROR", said)))
    assert type(raised.value) is meaning


# -- kinds that are read as Tables, and metadata alone -------------------------------------------------


def table(revision: Any = "101", rows: list[Object] | None = None, **fields: Any) -> Object:
    metadata = {"name": "one", "namespace": "shop", "uid": "u-1", "resourceVersion": revision}
    row = {"cells": ["one", "Opaque", 1, "5s"], "object": {"kind": "PartialObjectMetadata", "metadata": metadata}}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": revision},
        "columnDefinitions": [{"name": name} for name in ("Name", "Type", "Data", "Age")],
        "rows": [row] if rows is None else rows,
        **fields,
    }


def test_what_is_read_as_tables_is_an_event() -> None:
    found = watch("secrets")
    later = table("105")
    del later["columnDefinitions"]  # they come once
    events = list(
        found.take(line("ADDED", table()) + line("MODIFIED", later) + line("BOOKMARK", table("107", rows=[])))
    )
    assert [(event.change, event.revision, event.uid) for event in events] == [
        ("ADDED", 101, "u-1"),
        ("MODIFIED", 105, "u-1"),
        ("BOOKMARK", 107, ""),
    ]


SECRET = {"kind": "Secret", "apiVersion": "v1"}
NO_TABLES: dict[str, bytes] = {
    "the object itself": line("ADDED", {**pod(), **SECRET}),
    "a Table of another version": line("ADDED", table(apiVersion="meta.k8s.io/v2")),
    "a Table without a version": line("ADDED", table(apiVersion=None)),
    "a Table of two": line("ADDED", table(rows=table()["rows"] * 2)),
    "a Table of none": line("DELETED", table(rows=[])),
    "a Table of other columns": line("ADDED", table(columnDefinitions=[{"name": "Name"}])),
    "a row with too few cells": line("ADDED", table(rows=[{**table()["rows"][0], "cells": ["one"]}])),
    "a bookmark of the kind": line("BOOKMARK", bookmark(**SECRET)),
    "a bookmark of another kind": line("BOOKMARK", bookmark()),
    "a bookmark of a Table of another version": line("BOOKMARK", table(apiVersion="meta.k8s.io/v2")),
    "a bookmark of metadata": line("BOOKMARK", bookmark(kind="PartialObjectMetadata", apiVersion="meta.k8s.io/v1")),
    "a bookmark of no kind": line("BOOKMARK", {"metadata": {"resourceVersion": "101"}}),
    "a bookmark that goes back": line("BOOKMARK", table("99")),
    "an object of a revision that goes back": line("ADDED", table("99")),
}


@pytest.mark.parametrize("sent", NO_TABLES)
def test_of_what_is_read_as_tables_all_else_ends_it(sent: str) -> None:
    found = watch("secrets")
    with pytest.raises(BadAnswer):
        list(found.take(NO_TABLES[sent]))
    assert found.revision == SINCE


@pytest.mark.parametrize("kind", ["pods", "secrets"])
@pytest.mark.parametrize("change", ["ADDED", "BOOKMARK"])
def test_of_metadata_alone_nothing_else_is_taken(kind: str, change: str) -> None:
    of_metadata = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    (event,) = watch(kind, metadata_alone=True).take(line(change, {**pod(), **of_metadata}))
    assert event.revision == 101
    for other in (pod(), table(), {**pod(), **SECRET}):
        with pytest.raises(BadAnswer):
            list(watch(kind, metadata_alone=True).take(line(change, other)))


def test_of_a_namespace_nothing_of_another_is_taken() -> None:
    assert list(watch(namespace="shop").take(line("ADDED", pod())))
    for elsewhere in ("other", "", None):
        with pytest.raises(BadAnswer, match="of another one"):
            list(watch(namespace="shop").take(line("DELETED", pod(namespace=elsewhere))))


# -- how it ends -------------------------------------------------------------------------------------


def _rest(sent: bytes) -> Callable[[], None]:
    found = watch()
    assert not list(found.take(sent))
    return found.end


@pytest.mark.parametrize("size", [1, 2, 9, 20, 60, -30, -2, -1])
def test_half_an_event_at_the_end_is_one_that_broke_off(size: int) -> None:
    with pytest.raises(Interrupted, match="in the middle of an event"):
        _rest(line("ADDED", pod(name="ä"))[:size])()


@pytest.mark.parametrize(
    "sent",
    [b"<html><body>log in</body></html>", b"upstream timed out", b"\x1f\x8b\x08", b"[]", b"{}", b'{"kind":"PodList"}'],
)
def test_what_is_left_at_the_end_and_begins_no_event_is_none(sent: bytes) -> None:
    """A page in one line, as from a proxy: nothing broke off."""
    with pytest.raises(KubeError) as raised:
        _rest(sent)()
    assert type(raised.value) is BadAnswer


def test_a_line_without_end_is_not_kept() -> None:
    found = watch()
    drops = chain.from_iterable(found.take(b"{" + b" " * 1023) for _ in range(100))
    with pytest.raises(TooLarge, match="K8S_MAX_PAGE_BYTES"):
        list(drops)


# -- several of them ---------------------------------------------------------------------------------


class Sent(Watches[str]):
    """Watches of which each has been sent something, and no more comes."""

    def __init__(self, **sent: bytes) -> None:
        self.session = Session(Context(name="test", kubeconfig={}, context="test"))
        super().__init__(self.session)
        for key, body in sent.items():
            found = watch()
            found._most, found.ends_at = 1 << 30, time.monotonic() + 60
            self._open[key] = found, cast(Any, Body(body))

    def ended(self) -> dict[str, KubeError | None]:
        """After all that was sent has been read."""
        found: dict[str, KubeError | None] = {}
        while any(stream.has_news for _, stream in self._open.values()):
            found |= {key: event for key, event in self.read(0) if not isinstance(event, Event)}
        return found


class Body:
    def __init__(self, body: bytes) -> None:
        self.source, self._body = self, body

    @property
    def has_news(self) -> bool:
        return bool(self._body)

    def read(self, most: int) -> bytes:
        now, self._body = self._body[:most], self._body[most:]
        return now

    def close(self) -> None:
        self._body = b""


def test_all_watches_of_a_process_share_what_may_be_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_UNFINISHED", 3 << 20)
    half = line("ADDED", pod())[:-30]
    with (
        Sent(long=b"{" + b" " * (2 << 20), short=half) as one,
        Sent(longest=b"{" + b" " * (5 << 18), short=half, whole=line("ADDED", pod()) * 40_000) as other,
    ):
        assert one.ended() == {}
        assert other.ended() == {}, "the longest is of the others"
        ((key, error),) = one.read(0)
        assert (key, type(error)) == ("long", TooLarge)
        assert "together may have" in str(error)
        assert one.ended() == other.ended() == {}
        assert {*one._open, *other._open} == {"short", "longest", "whole"}


def test_what_one_that_has_ended_had_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_UNFINISHED", 3 << 20)
    for _ in range(4):
        with Sent(long=b"{" + b" " * (2 << 20)) as found:
            assert found.ended() == {}
            (kept,) = found.watches()
            found.drop("long")
            assert kept.unfinished == 0
