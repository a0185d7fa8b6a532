"""What goes wrong while a sync reads: the proxy before the API server does it at a request that the seed chose."""

from __future__ import annotations

import base64
import json
import random
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from k8s_inventory.kube.metadata import is_binary
from tests.metadata_pages import list_metadata, put_together, taken_apart
from tests.proxy import Answer

Happening = Callable[[], str]
"""What else goes on at that moment: it says what it did."""


def _status(code: int, reason: str, **metadata: str) -> Answer:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return Answer(code, json.dumps({**body, "message": f"told to: {reason}", "metadata": metadata}).encode())


def _cut(answer: Answer) -> Answer:
    half = len(answer.body) // 2
    return Answer(answer.status, answer.body[:half], answer.headers, cut=len(answer.body) - half)


def _half(stream: Iterable[bytes]) -> Iterator[bytes]:
    """A watch that breaks off in the middle of its second event."""
    head, first, second, *_ = (*islice(stream, 3), b"", b"", b"")
    yield from (head, first, second[: len(second) // 2])


_OBJECT = {
    "pods": {"kind": "Pod", "apiVersion": "v1"},
    "configmaps": {"kind": "ConfigMap", "apiVersion": "v1"},
    "namespaces": {"kind": "Namespace", "apiVersion": "v1"},
    "events": {"kind": "Event", "apiVersion": "v1"},
    "widgets": {"kind": "Widget", "apiVersion": "h.example/v1"},
    "gears": {"kind": "Gear", "apiVersion": "h.example/v1"},
}
"""What a bookmark says that it is."""


def _token(query: dict[str, list[str]]) -> Any:
    """What a continue token of the API server holds: its revision, and the key to go on from."""
    text = query["continue"][0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _inconsistent(query: dict[str, list[str]]) -> str:
    """The token that the API server itself gives with a 410, to go on at the revision of now."""
    goes_on = {**_token(query), "rv": -1}
    return base64.urlsafe_b64encode(json.dumps(goes_on, separators=(",", ":")).encode()).decode().rstrip("=")


SPOILED: dict[str, Callable[[Answer], Answer]] = {
    "the connection is closed": lambda real: Answer(200, b"", stream=()),
    "the answer is cut": _cut,
    "the body is half a body": lambda real: Answer(real.status, real.body[: len(real.body) // 2], real.headers),
    "500": lambda real: _status(500, "InternalError"),
    "503 without a Status": lambda real: Answer(503, b"<html>busy</html>", {"Content-Type": "text/html"}),
    "403": lambda real: _status(403, "Forbidden"),
    "401": lambda real: _status(401, "Unauthorized"),
    "404": lambda real: _status(404, "NotFound"),
    "404 of a load balancer": lambda real: Answer(404, b"<html>no</html>", {"Content-Type": "text/html"}),
    "an empty object": lambda real: Answer(200, b"{}", real.headers),
}
"""What takes an answer's place. None of it says anything of objects."""

PAGED = ("expired", "first page again", "an object twice")
"""What only a listing of several pages can have: of these, requests that go on with a listing are counted."""


FILTERED = "namespaces are filtered"
"""As by a proxy that shows each tenant its own. To who syncs the kind itself, there then are no others."""


REPOINTED = "another cluster answers"
"""After a 401 for which the kubeconfig is read again: an empty cluster, which says that it is another."""


HIDDEN = ("h-b",)
"""The namespaces that it does not show."""


class Fault:
    """Spoils the answers to list requests from the `at`-th on, `times` of them; None of these is no fault.

    `happening` happens once, at that request, after the API server has answered it. `never_complete` are the plurals of
    listings that can't be complete, whatever the answers look like.
    """

    def __init__(
        self, name: str, *, at: int, times: int, plurals: Sequence[str] = (), happening: Happening | None = None
    ) -> None:
        self.name, self.at, self.times, self.plurals = name, at, times, tuple(plurals)
        self.happening = happening
        self._never_complete: dict[str, str] = {}
        self.happened: list[str] = []
        self._seen = 0
        self._first: dict[str, Answer] = {}
        self._lock = threading.Lock()

    def __str__(self) -> str:
        where = f" of {','.join(self.plurals)}" if self.plurals else ""
        spoils = f"{self.name}, at list request {self.at}{where}, {self.times} times"
        return "; ".join([spoils, *self.happened])

    @property
    def never_complete(self) -> set[str]:
        return set(self._never_complete.values())

    def __call__(self, path: str, answer: Answer) -> Answer | None:
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        plural = parts.path.rsplit("/", 1)[-1]
        if self.name == REPOINTED and plural == "kube-system" and self._seen >= self.at and answer.status == 200:
            found = answer.json
            found["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000"
            return answer.with_json(found)
        is_single = "metadata.name=" in query.get("fieldSelector", [""])[0]
        if not (is_single or "limit" in query or "watch" in query) or (self.plurals and plural not in self.plurals):
            return None
        with self._lock:
            if "continue" not in query:
                if (
                    "watch" not in query and "resourceVersion" not in query
                ):  # what came before of this listing counts no more
                    self._first[parts.path] = answer
                    self._never_complete.pop(parts.path, None)
                if self.name in PAGED or query.get("limit") == ["1"]:
                    return None
            self._seen += 1
            if self.happening and self._seen == self.at:
                self.happened.append(self.happening())
            if not self.at <= self._seen < self.at + self.times:
                return None
            return self._spoiled(plural, parts.path, query, answer)

    def _spoiled(self, plural: str, path: str, query: dict[str, list[str]], answer: Answer) -> Answer | None:
        if answer.stream is not None and self.name in ("the answer is cut", "the body is half a body"):
            return Answer(200, b"", stream=_half(answer.stream))
        if self.name == REPOINTED and answer.stream is not None and self._seen > self.at:
            metadata = {"resourceVersion": "999999999"}
            event = {"type": "BOOKMARK", "object": {**_OBJECT[plural], "metadata": metadata}}
            return Answer(200, json.dumps(event).encode() + b"\n")
        if self.name in SPOILED:
            return SPOILED[self.name](answer)
        if self.name == FILTERED and plural == "namespaces" and answer.status == 200:
            if is_binary(answer.body):
                header, items = taken_apart(answer.body)
                hidden = [f"\n{chr(len(name))}{name}".encode() for name in HIDDEN]
                shown = [each for each in items if not any(name in each[:200] for name in hidden)]
                return Answer(200, put_together(header, shown), answer.headers)
            listed = answer.json
            listed["items"] = [each for each in listed["items"] if each["metadata"]["name"] not in HIDDEN]
            return answer.with_json(listed)
        if self.name == REPOINTED:
            if self._seen == self.at:
                return SPOILED["401"](answer)
            if is_binary(answer.body):
                return Answer(200, put_together(list_metadata("5"), []), answer.headers)
            if answer.status == 200 and "items" in answer.json:
                return answer.with_json({**answer.json, "metadata": {"resourceVersion": "5"}, "items": []})
        if self.name not in PAGED or answer.status != 200:
            return None
        if self.name == "expired":
            return _status(410, "Expired", **{"continue": _inconsistent(query)})
        if plural != "namespaces":  # of which there are listings for their names alone
            self._never_complete[path] = plural
        if self.name == "first page again":
            return self._first[path]
        if is_binary(answer.body) != is_binary(self._first[path].body):
            return self._first[path]
        if is_binary(answer.body):
            header, items = taken_apart(answer.body)
            return Answer(
                200, put_together(header, [*items, *taken_apart(self._first[path].body)[1][:1]]), answer.headers
            )
        first, listed = self._first[path].json, answer.json
        if not first["items"]:
            return None
        listed["items"] = [*listed["items"], first["items"][0]]
        return answer.with_json(listed)


def some_fault(rng: random.Random, happenings: Sequence[Happening | None], without: Collection[str] = ()) -> Fault:
    """One that the seed chooses."""
    names = (*SPOILED, *PAGED, *PAGED, FILTERED, REPOINTED, *["nothing is spoiled"] * 6)
    name = rng.choice([each for each in names if each.replace(" ", "_") not in without])
    plurals = rng.choice(((), (), ("pods",), ("configmaps",), ("namespaces",), ("widgets",)))
    if name == REPOINTED:
        return Fault(name, at=rng.randint(1, 5), times=1000)
    if name == FILTERED:
        return Fault(name, at=1, times=1000)
    if name in PAGED:  # what counts then is what changes between the pages
        happening = next((each for each in happenings if each is not None), None)
        return Fault(
            name, at=rng.randint(1, 4), times=rng.choice((1, 1, 2, 1000)), plurals=plurals, happening=happening
        )
    at, times = rng.randint(1, 8), rng.choice((1, 2, 2, 3, 1000))
    return Fault(name, at=at, times=times, plurals=plurals, happening=rng.choice(list(happenings)))
