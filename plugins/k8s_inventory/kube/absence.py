"""What proves that discovery shows all that a cluster serves, and that a kind is gone from it.

An API server that is starting answers discovery before everything is in it, and one behind a proxy may show less than
there is. So discovery counts only where everything else agrees with it; docs/decisions/0014-absence.md has the rule.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from k8s_inventory.decoders import decode
from k8s_inventory.kinds import KINDS, ApiPath, Kind
from k8s_inventory.kinds.paths import group_path
from k8s_inventory.kube import cells
from k8s_inventory.kube.cluster_info import decoded
from k8s_inventory.kube.discovery import APIS, Ask, Discovery, Groups, Name, Resources, asking, discover
from k8s_inventory.kube.errors import BadAnswer, Forbidden, KubeError, NoSuchPath, NotFound
from k8s_inventory.kube.listing import ListMetadata
from k8s_inventory.kube.session import Session
from k8s_inventory.printable import ReportedError

_READY = ApiPath("readyz")
_CRDS = KINDS["crds"].list_path(KINDS["crds"].version)
_SERVICES = KINDS["apiservices"].list_path(KINDS["apiservices"].version)

_ALWAYS = {
    "": {"namespaces", "pods", "services"},
    KINDS["crds"].group: {KINDS["crds"].plural},
    KINDS["apiservices"].group: {KINDS["apiservices"].plural},
}
"""What any Kubernetes serves, by group."""

_FRESH = 60.0
"""Seconds for which two looks that agree are believed, so that many kinds that are gone cost no more than one."""

_MOST_ASKED_FOR = 100
"""CRDs that discovery lacks, of which each is asked whether it is served at all: one may have no version that is."""

_MOST_VERSIONS = 100
"""Of one API group; each costs a request."""


class _List(msgspec.Struct, frozen=True):
    metadata: ListMetadata

    def refuse_part(self, path: ApiPath) -> None:
        """Raises `BadAnswer` where these are not all."""
        if self.metadata.continue_token:
            raise BadAnswer(f"{path}: the answer is not all there is, though all was asked for")


class _Condition(msgspec.Struct, frozen=True):
    type: str
    status: str = ""


class _Status(msgspec.Struct, frozen=True):
    conditions: list[_Condition] | None = None

    def has(self, condition: str) -> bool:
        return any((each.type, each.status) == (condition, "True") for each in self.conditions or ())


class _Metadata(msgspec.Struct, frozen=True):
    name: Name


class _Services(_List, frozen=True):
    class Service(msgspec.Struct, frozen=True):
        class Spec(msgspec.Struct, frozen=True):
            group: Name = ""
            version: Name = ""
            service: Any = None

        metadata: _Metadata
        spec: Spec
        status: _Status = msgspec.field(default_factory=_Status)

    kind: Literal["APIServiceList"]
    items: list[Service]


class _Definitions(_List, frozen=True):
    class Definition(msgspec.Struct, frozen=True):
        class Spec(msgspec.Struct, frozen=True):
            class Version(msgspec.Struct, frozen=True):
                served: bool

            versions: list[Version]

        metadata: _Metadata
        spec: Spec
        status: _Status = msgspec.field(default_factory=_Status)

        @property
        def is_served(self) -> bool:
            return self.status.has("Established") and any(each.served for each in self.spec.versions)

    kind: Literal["CustomResourceDefinitionList"]
    items: list[Definition]


class _Names(_List, frozen=True):
    """CRDs as a Table without the objects: a hundredth of what they take."""

    class Column(msgspec.Struct, frozen=True):
        name: str

    class Row(msgspec.Struct, frozen=True):
        cells: list[msgspec.Raw]

    kind: Literal["Table"]
    columns: list[Column] = msgspec.field(name="columnDefinitions")
    rows: list[Row] | None


class Absence(NamedTuple):
    """Whether it is proven that the cluster serves a kind no more, and what proves it, or keeps it from being so."""

    is_proven: bool
    why: str


@dataclass(frozen=True)
class Seen:
    """What a cluster serves. `doubt` says why this may not be all, None where it is proven to be all but for the groups
    in `discovery.failed`. `lacks_right`: the doubt is that something may not be read; the cluster is not at fault."""

    discovery: Discovery
    doubt: str | None = None
    lacks_right: bool = False
    at: float = field(default_factory=time.monotonic)


class _Doubt(ReportedError):
    """Something does not agree with discovery; the message says what. Another look may show that it does."""


@dataclass(frozen=True)
class _Look:
    """`is_final`: another look would show nothing else. `is_settled`: nothing is awaited that should be there."""

    discovery: Discovery
    doubt: str | None = None
    lacks_right: bool = False
    is_final: bool = False
    is_settled: bool = True


class Looks:
    """The looks at what a cluster serves, of one session. Safe to use from several threads, which share them.

    Take it by `session.kept(Looks)`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._seen: Seen | None = None
        self._begun: tuple[_Look, float] | None = None  # the first of two looks, and when it was taken

    def begin(self) -> None:
        """Takes the first look now: who then does something else need not wait for the second as long."""
        with self._lock, suppress(KubeError):  # `seen` says what
            if self._seen is None and self._begun is None:
                self._begun = _look(self._session), time.monotonic()

    def seen(self) -> Seen:
        """What the cluster serves: the last of two looks that agree, or the last look, with what is in doubt.

        Takes a few seconds, and no more than `Limits.longest_look` beside its requests. Raises a `KubeError` where not
        even the groups can be read.
        """
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen.at > _FRESH:
                self._seen = self._look_twice()
            return self._seen

    def absence(self, kind: Kind) -> Absence:
        """Whether the cluster serves the kind, which it has just denied, no more.

        What many kinds have in common is looked at twice for all of them, what is said of the one is asked for now.
        """
        try:
            present = "; ".join(_signs_of(self._session, kind))
            if present:
                return Absence(False, present)
            seen = self.seen()
            if seen.doubt is None and seen.discovery.serves(kind.group, kind.plural):
                seen = self._seen_after(seen)  # it has gone since
        except KubeError as error:
            return Absence(False, str(error))
        if seen.doubt is not None:
            return Absence(False, seen.doubt)
        if kind.group in seen.discovery.unread:
            return Absence(False, f"not all of its API group could be had: {seen.discovery.failed[kind.group]}")
        if seen.discovery.serves(kind.group, kind.plural):
            return Absence(False, "discovery lists it")
        return Absence(True, f"discovery lacks {_full_name(kind)}, and no APIService or CRD stands for it")

    def _seen_after(self, seen: Seen) -> Seen:
        """What the cluster serves now, if nobody has looked since."""
        with self._lock:
            if self._seen is seen:
                self._seen = None
        return self.seen()

    def _look_twice(self) -> Seen:
        limits = self._session.limits
        before: _Look | None = None
        if self._begun:
            before, at = self._begun
            self._begun = None
            self._session.stopped.wait(max(0.0, at + limits.looks_apart - time.monotonic()))
        end = time.monotonic() + limits.longest_look
        while True:
            look = _look(self._session)
            if look.is_final:
                return Seen(look.discovery, look.doubt, look.lacks_right)
            agrees = before is not None and look.doubt is None is before.doubt and _is_same(before, look)
            is_last = time.monotonic() + limits.looks_apart > end and before is not None
            if agrees and (is_last or look.is_settled):
                return Seen(look.discovery)
            if is_last:
                return Seen(
                    look.discovery, look.doubt or self._says("what it serves differs from one look to the next")
                )
            before = look
            self._session.stopped.wait(limits.looks_apart)

    def _says(self, what: str) -> str:
        return f"context {self._session.context.name}: {what}"


def _look(session: Session) -> _Look:
    """Raises a `KubeError` where not even the groups can be read."""
    where = f"context {session.context.name}"
    unready: KubeError | None = None
    try:
        _refuse_unready(session)
    except KubeError as error:
        unready = error
    discovery = discover(session)
    is_settled = True
    try:
        if unready is not None:
            raise unready
        ask = asking(session)
        _refuse_without(_ALWAYS, discovery)
        is_settled = _compare_services(ask, discovery)
        _refuse_missing_definitions(session, ask, discovery)
    except _Doubt as doubt:
        return _Look(discovery, f"{where}: {doubt}: its API server may still be starting")
    except KubeError as error:
        is_final = isinstance(error, NotFound | NoSuchPath) or not error.retryable
        return _Look(discovery, str(error), isinstance(error, Forbidden), is_final)
    return _Look(discovery, is_settled=is_settled)


def _is_same(one: _Look, other: _Look) -> bool:
    """Whether both show the same, but for groups that could not be had."""
    unread = one.discovery.unread | other.discovery.unread
    served = [
        {group: versions for group, versions in each.discovery.served.items() if group not in unread}
        for each in (one, other)
    ]
    return served[0] == served[1]


def _refuse_unready(session: Session) -> None:
    """https://kubernetes.io/docs/reference/using-api/health-checks/"""
    where = f"context {session.context.name}, {_READY}"
    try:
        said = session.get(_READY)
    except BadAnswer as error:
        if isinstance(error, NoSuchPath):
            raise
        raise BadAnswer(f"{error}: the API server is not ready, it may still be starting") from None
    if said.strip() != b"ok":
        raise BadAnswer(f"{where}: the answer is not that of an API server")


def _refuse_without(always: dict[str, set[str]], discovery: Discovery) -> None:
    """Raises `_Doubt` for a discovery that lacks what any Kubernetes has."""
    for group, plurals in always.items():
        for plural in sorted(plurals):
            if not discovery.serves(group, plural):
                raise _Doubt(f"discovery lacks {plural}.{group}".rstrip("."))


def _compare_services(ask: Ask, discovery: Discovery) -> bool:
    """Whether each version of a group that an APIService stands for is in discovery.

    One that another API server should answer for and does not fails its group alone. Raises `_Doubt` for one that the
    API server itself should serve.
    """
    found = ask(_SERVICES, _Services)
    found.refuse_part(_SERVICES)
    is_settled = True
    for each in found.items:
        group, version, name = each.spec.group, each.spec.version, each.metadata.name
        is_listed = version in discovery.served.get(group, {})
        if each.spec.service is None:
            if not is_listed:
                raise _Doubt(f"discovery lacks {group}/{version}, for which the APIService {name} stands")
        elif not each.status.has("Available"):
            discovery.lacks_version(group, f"the APIService {name} is not available")
        elif not is_listed:
            discovery.lacks_version(group, f"the APIService {name} is available, but discovery does not show it")
            is_settled = False
    return is_settled


def _refuse_missing_definitions(session: Session, ask: Ask, discovery: Discovery) -> None:
    """Raises `_Doubt` for a CRD that is served, but not in discovery: they are stored before they are served."""
    missing = []
    for name in _definition_names(session):
        plural, _, group = name.partition(".")
        if not discovery.serves(group, plural) and group not in discovery.unread:
            missing.append(name)
    for name in missing[:_MOST_ASKED_FOR]:
        if any(each.is_served for each in _definitions(ask, name)):
            raise _Doubt(f"discovery lacks {name}, of which there is a CRD")
    if len(missing) > _MOST_ASKED_FOR:
        raise _Doubt(f"discovery lacks {len(missing)} kinds of which there are CRDs")


def _definition_names(session: Session) -> list[str]:
    body = session.get(_CRDS, {"includeObject": "None"}, accept=cells.ACCEPT)
    found = decoded(session, _CRDS, body, _Names)
    found.refuse_part(_CRDS)
    try:
        at = [column.name for column in found.columns].index("Name")
        return [decode(row.cells[at], Name) for row in found.rows or ()]
    except (ValueError, IndexError, msgspec.DecodeError):
        raise BadAnswer(f"context {session.context.name}, {_CRDS}: the answer is no Table of names") from None


def _definitions(ask: Ask, name: str) -> Iterable[_Definitions.Definition]:
    """The CRD of this name, if there is one."""
    found = ask(_CRDS, _Definitions, {"fieldSelector": f"metadata.name={_escaped(name)}"})
    found.refuse_part(_CRDS)
    return found.items


def _signs_of(session: Session, kind: Kind) -> Iterator[str]:
    """What says that the kind is there, or that it can not be told. Raises a `KubeError` where that can not be asked.

    An answer that does not say that it is what was asked for proves nothing. An aggregated API that is down looks just
    like one that is gone, but for its APIService; a CRD that serves no version still has its objects.
    """
    ask = asking(session)
    if kind.group:
        groups = ask(APIS, Groups).groups
        of_group = [group.versions for group in groups or () if group.name == kind.group]
        if groups is None or None in of_group:
            yield f"{APIS} does not say which versions its group has"
        versions = [each.version for some in of_group for each in some or ()]
    else:
        versions = ["v1"]
    if len(versions) > _MOST_VERSIONS:
        yield f"its group has more than {_MOST_VERSIONS} versions"
        return
    for version in versions:
        path = group_path(kind.group, version)
        found = ask(path, Resources)
        is_asked_for = (found.kind, found.group_version) == ("APIResourceList", kind.api_version(version))
        if not is_asked_for or found.resources is None:
            yield f"{path} does not say what this version serves"
        elif kind.plural in {each.name for each in found.resources}:
            yield f"{path} lists it"
    services = ask(_SERVICES, _Services)
    services.refuse_part(_SERVICES)
    for each in services.items:
        version, _, group = each.metadata.name.partition(".")
        if group == kind.group and version not in versions:
            yield f"the APIService {each.metadata.name} stands for its group"
    if list(_definitions(ask, _full_name(kind))):
        yield f"there is the CRD {_full_name(kind)}, which may serve no version of it"


def _full_name(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _escaped(value: str) -> str:
    """A value in a field selector: https://pkg.go.dev/k8s.io/apimachinery/pkg/fields#EscapeValue"""
    return re.sub(r"([\\,=])", r"\\\1", value)
