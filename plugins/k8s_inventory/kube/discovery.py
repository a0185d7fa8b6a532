"""What a cluster serves: each resource that can be listed, in its group's preferred version.

That this is all there is, and that a kind is gone, is for `absence` to prove.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Protocol

import msgspec

from k8s_inventory.credentials import without_userinfo
from k8s_inventory.kinds import KINDS, ApiPath, Kind, PrinterColumn, is_declared
from k8s_inventory.kinds.custom import CORE, custom_kind
from k8s_inventory.kinds.declaration import LONGEST_COLUMN_NAME, LONGEST_PATH
from k8s_inventory.kinds.paths import group_path
from k8s_inventory.kube.cluster_info import Answer, answer, decoded
from k8s_inventory.kube.errors import BadAnswer, Forbidden, KubeError, NotFound
from k8s_inventory.kube.listing import Listing
from k8s_inventory.kube.session import JSON, Session
from k8s_inventory.outcome import Outcome

log = logging.getLogger(__name__)

_AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
_API, APIS = ApiPath("api"), ApiPath("apis")

Name = Annotated[str, msgspec.Meta(max_length=253)]
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names"""


@dataclass
class Discovery:
    """`kinds` by name; `failed` says why by the group whose resources could not be had, or not all of them. `unread`
    are those groups of which a whole version could not be had: what else serves it may be another source. `served` are
    the plurals of all resources by group and version, those of declared kinds and of no kind included."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    served: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def serves(self, group: str, plural: str) -> bool:
        """Whether any version of the group has it."""
        return any(plural in plurals for plurals in self.served.get(group, {}).values())

    def lacks_version(self, group: str, why: str) -> None:
        """Notes that a version of the group could not be had."""
        self.failed[group] = why
        self.unread.add(group)


class _Header(msgspec.Struct, frozen=True):
    kind: Name


class _Aggregated(msgspec.Struct, frozen=True):
    """What has nothing in it, servers in Go may send as null: that costs itself alone."""

    class Group(msgspec.Struct, frozen=True):
        class Version(msgspec.Struct, frozen=True):
            class Resource(msgspec.Struct, frozen=True):
                class ResponseKind(msgspec.Struct, frozen=True):
                    kind: Name | None = None

                resource: Name | None
                scope: str | None = None
                response_kind: ResponseKind | None = msgspec.field(default=None, name="responseKind")
                verbs: list[str] | None = None

            version: Name | None
            resources: list[Resource | None] | None = msgspec.field(default_factory=list)
            freshness: str | None = None

        class Metadata(msgspec.Struct, frozen=True):
            name: Name | None = None

        metadata: Metadata | None
        versions: list[Version | None] | None = msgspec.field(default_factory=list)

    items: list[Group | None] | None


class Groups(msgspec.Struct, frozen=True):
    """Of `/apis`, before there was aggregated discovery."""

    class Group(msgspec.Struct, frozen=True):
        class Version(msgspec.Struct, frozen=True):
            version: Name

        name: Name
        versions: list[Version] | None
        preferred: Version | None = msgspec.field(default=None, name="preferredVersion")

    groups: list[Group] | None
    kind: Literal["APIGroupList"]


class _CoreVersions(msgspec.Struct, frozen=True):
    versions: list[Name] | None


class Resources(msgspec.Struct, frozen=True):
    """Of one version of a group."""

    class Resource(msgspec.Struct, frozen=True):
        name: Name
        kind: Name
        namespaced: bool = False
        verbs: list[str] | None = None

    resources: list[Resource] | None
    kind: str = ""
    group_version: str = msgspec.field(default="", name="groupVersion")


class _Crd(msgspec.Struct, frozen=True):
    class Metadata(msgspec.Struct, frozen=True):
        name: Name
        uid: Name
        generation: int | None = 0
        managed_fields: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="managedFields")

    class Spec(msgspec.Struct, frozen=True):
        class Names(msgspec.Struct, frozen=True):
            list_kind: Name | None = msgspec.field(default="", name="listKind")

        class Version(msgspec.Struct, frozen=True):
            class Column(msgspec.Struct, frozen=True):
                name: str
                type: str
                json_path: str = msgspec.field(name="jsonPath")

            name: Name
            columns: list[Column] | None = msgspec.field(default=None, name="additionalPrinterColumns")

        names: Names
        versions: list[Version] | None

    metadata: Metadata
    spec: Spec


_LEFT_OUT = {"events.events.k8s.io", "componentstatuses.core"}
"""A second door to the objects of a kind that is declared under another group; and objects that have no uid."""


_NAME = re.compile(r"[A-Za-z0-9][-_A-Za-z0-9]*")
"""What a version, a kind, a plural and each part of a group look like. By plural and group, joined by a dot, kinds are
told apart: a dot in a plural would make two of them one."""


def discover(session: Session) -> Discovery:
    """Two requests where the cluster has aggregated discovery (from 1.26 on), else one a group.

    Only kinds without a declaration are listed. Raises a `KubeError` where not even the groups can be read.
    """
    found = Discovery()
    ask = asking(session)
    for root in (_API, APIS):
        body = session.get(root, accept=f"{_AGGREGATED},{JSON}")
        if decoded(session, root, body, _Header).kind == "APIGroupDiscoveryList":
            _aggregated(session, found, decoded(session, root, body, _Aggregated), root)
        elif root == _API:
            versions = decoded(session, root, body, _CoreVersions).versions or []
            _classic(session, found, Groups.Group("", [Groups.Group.Version(each) for each in versions]), ask)
        else:
            for group in decoded(session, root, body, Groups).groups or ():
                _classic(session, found, group, ask)
    return found


class Ask(Protocol):
    """Asks for an answer of this model, as `answer` does."""

    def __call__(self, path: ApiPath, model: type[Answer], query: Mapping[str, Any] | None = None) -> Answer: ...


def asking(session: Session) -> Ask:
    """Of a session, for many answers that together take no more time than a listing may wait."""
    end = time.monotonic() + session.limits.listing_timeout

    def ask(path: ApiPath, model: type[Answer], query: Mapping[str, Any] | None = None) -> Answer:
        return answer(session, path, model, query, seconds=end - time.monotonic())

    return ask


def _aggregated(session: Session, found: Discovery, served: _Aggregated, root: ApiPath) -> None:
    for group in served.items or ():
        name = (group and group.metadata and group.metadata.name) or ""
        if group is None or bool(name) is (root == _API):
            found.failed["(nameless)"] = f"discovery names no group in an entry of {root}"
            continue
        if group.versions is None:
            found.lacks_version(name, _says_nothing(name))
        for version in group.versions or ():
            if version is None or not version.version:
                found.lacks_version(name, f"discovery names no version in an entry of {name}")
            elif _shows(found, name, version.version, version.resources):
                _aggregated_version(session, found, name, version)


def _aggregated_version(session: Session, found: Discovery, name: str, version: _Aggregated.Group.Version) -> None:
    named = str(version.version)
    if version.freshness == "Stale":
        found.lacks_version(name, f"the API server of {name}/{named} does not answer")
    for each in version.resources or ():
        if each is None or not each.resource:
            found.lacks_version(name, f"discovery names no resource in an entry of {name}/{named}")
            continue
        found.served[name][named].add(each.resource)
        kind = (each.response_kind and each.response_kind.kind) or ""
        _take(session, found, name, named, kind, each.resource, each.scope == "Namespaced", each.verbs or ())


def _classic(session: Session, found: Discovery, group: Groups.Group, ask: Ask) -> None:
    if group.versions is None:
        found.lacks_version(group.name, _says_nothing(group.name))
    # The preferred version comes first; the others are read for what it lacks.
    versions = [each.version for each in group.versions or ()]
    versions.sort(key=lambda version: group.preferred is None or version != group.preferred.version)
    for version in versions:
        try:
            resources = ask(group_path(group.name, version), Resources).resources
        except KubeError as error:
            if error.outcome in (Outcome.UNAUTHORIZED, Outcome.UNREACHABLE):
                raise
            found.served.setdefault(group.name, {})[version] = set()
            found.lacks_version(group.name, str(error))
            continue
        if not _shows(found, group.name, version, resources):
            continue
        found.served[group.name][version].update(each.name for each in resources or () if "/" not in each.name)
        for each in resources or ():
            _take(session, found, group.name, version, each.kind, each.name, each.namespaced, each.verbs or ())


def _shows(found: Discovery, group: str, version: str, resources: Sequence[Any] | None) -> bool:
    """Whether it says what a version serves; it is noted that it is there. Null may be nothing, and proves it not."""
    found.served.setdefault(group, {})[version] = set()
    if resources is None:
        found.lacks_version(group, _says_nothing(f"{group}/{version}"))
    return resources is not None


def _says_nothing(what: str) -> str:
    return f"discovery does not say what {what} serves"


def _take(
    session: Session,
    found: Discovery,
    group: str,
    version: str,
    kind: str,
    plural: str,
    is_namespaced: bool,
    verbs: Sequence[str],
) -> None:
    if "list" not in verbs or "/" in plural:
        return
    made = custom_kind(group=group, version=version, kind=kind, plural=plural, namespaced=is_namespaced)
    if made.name in found.kinds or is_declared(made) or made.name in _LEFT_OUT:
        return
    parts = [version, kind, plural, *(group.split(".") if group else ())]
    if group == CORE or not all(map(_NAME.fullmatch, parts)):
        found.failed[group] = f"{made.name!a} (version {version!a}, kind {kind!a}) can be no kind's name"
        return
    if len(found.kinds) == session.limits.max_custom_kinds:
        raise BadAnswer(
            f"context {session.context.name}: it serves more than {len(found.kinds)} kinds without a table of their "
            "own (K8S_MAX_CUSTOM_KINDS), so none of them is read"
        )
    found.kinds[made.name] = made


class Definitions:
    """What defines the kinds of a cluster: all CRDs in their versions, and all APIServices, as a digest.

    As long as it is as it was, discovery has nothing new to say. `asked_at`, by the monotonic clock, is when it was
    asked for last.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._first: str | None = None
        self.asked_at: float | None = None

    def first(self) -> str | None:
        """The first that was asked for; None where it can not be had."""
        with self._lock:
            if self.asked_at is None:
                self._first = self._now()
            return self._first

    def are_as_they_were(self) -> bool:
        """Asks once more."""
        first = self.first()
        return first is not None and self._now() == first

    def _now(self) -> str | None:
        self.asked_at = time.monotonic()
        digest = hashlib.blake2b(digest_size=16)
        try:
            for name in ("crds", "apiservices"):
                listing: Listing[Any] = Listing(
                    self._session, KINDS[name], item=_Defined, page_size=_DEFINITIONS, asks_metadata=True
                )
                for each in listing.items():
                    version = each.metadata.resource_version if name == "crds" else ""
                    digest.update(f"{name}/{each.metadata.name}/{each.metadata.uid}/{version}\n".encode())
        except KubeError as error:
            log.info("%s; whether kinds are as they were is not known", error)
            return None
        return digest.hexdigest()


_DEFINITIONS = 500
"""On a page."""


class _Defined(msgspec.Struct, frozen=True):
    class Metadata(msgspec.Struct, frozen=True):
        name: str
        uid: str
        resource_version: str = msgspec.field(name="resourceVersion")

    metadata: Metadata


def describe(session: Session, kinds: Sequence[Kind], *, page_size: int, most_columns: int) -> list[Kind]:
    """The kinds with what their CRDs say of them. Where these may not be read, the kinds as they are.

    Of more than `most_columns` printer columns one more is taken, and a character more of a name or path that is too
    long: whoever reads them sees that there were more. Raises a `KubeError` where not all CRDs can be had.
    """
    made = {kind.name: kind for kind in kinds}
    try:
        for crd in Listing(session, KINDS["crds"], item=_Crd, page_size=page_size).items():
            kind = made.get(crd.metadata.name)
            if kind is None:
                continue
            columns = next((each.columns for each in crd.spec.versions or () if each.name == kind.version), None) or []
            made[kind.name] = replace(
                kind,
                listed_as=crd.spec.names.list_kind or "",
                printer_columns=tuple(map(_printer_column, columns[: most_columns + 1])),
                revision=_revision(crd.metadata),
            )
    except (Forbidden, NotFound) as error:
        log.warning("%s: custom objects are read without their printer columns", error)
        return list(kinds)
    return list(made.values())


def _revision(metadata: _Crd.Metadata) -> str:
    """What changes with the CRD; in a cluster that was restored from a backup, the generation comes a second time."""
    last_write = hashlib.blake2b(metadata.managed_fields, digest_size=8).hexdigest()
    return f"{metadata.uid}/{metadata.generation}/{last_write}"


def _printer_column(column: _Crd.Spec.Version.Column) -> PrinterColumn:
    name, path = column.name[: LONGEST_COLUMN_NAME + 1], column.json_path[: LONGEST_PATH + 1]
    name, path = without_userinfo(name).replace("\0", "\ufffd"), path.replace("\0", "\ufffd")  # to be stored
    return PrinterColumn(name, column.type[:LONGEST_COLUMN_NAME], path)
