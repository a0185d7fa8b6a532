"""What a cluster serves: each resource that can be listed, in its group's preferred version; and what no more.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import logging
import re
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
from k8s_inventory.kube.cluster import Answer, answer, decoded
from k8s_inventory.kube.errors import BadAnswer, Forbidden, KubeError, NotFound, TooSlow
from k8s_inventory.kube.listing import Listing, ListMetadata
from k8s_inventory.kube.session import JSON, Session
from k8s_inventory.outcome import Outcome

log = logging.getLogger(__name__)

_AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
_API, _APIS = ApiPath("api"), ApiPath("apis")
_CRDS = KINDS["crds"].list_path(KINDS["crds"].version)
_SERVICES = KINDS["apiservices"].list_path(KINDS["apiservices"].version)

_Name = Annotated[str, msgspec.Meta(max_length=253)]
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names"""


@dataclass
class Discovery:
    """`kinds` by name; `failed` says why by the group whose resources could not be had."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class _Header(msgspec.Struct, frozen=True):
    kind: _Name


class _Aggregated(msgspec.Struct, frozen=True):
    class Group(msgspec.Struct, frozen=True):
        class Version(msgspec.Struct, frozen=True):
            class Resource(msgspec.Struct, frozen=True):
                class ResponseKind(msgspec.Struct, frozen=True):
                    kind: _Name = ""

                resource: _Name
                scope: str = ""
                response_kind: ResponseKind = msgspec.field(default_factory=ResponseKind, name="responseKind")
                verbs: list[str] = msgspec.field(default_factory=list)

            version: _Name
            resources: list[Resource] = msgspec.field(default_factory=list)
            freshness: str = ""

        class Metadata(msgspec.Struct, frozen=True):
            name: _Name = ""

        metadata: Metadata
        versions: list[Version] = msgspec.field(default_factory=list)

    items: list[Group]


class _Groups(msgspec.Struct, frozen=True):
    class Group(msgspec.Struct, frozen=True):
        class Version(msgspec.Struct, frozen=True):
            version: _Name

        name: _Name
        versions: list[Version]
        preferred: Version | None = msgspec.field(default=None, name="preferredVersion")

    groups: list[Group]
    kind: Literal["APIGroupList"]


class _CoreVersions(msgspec.Struct, frozen=True):
    versions: list[_Name]


class _Resources(msgspec.Struct, frozen=True):
    class Resource(msgspec.Struct, frozen=True):
        name: _Name
        kind: _Name
        namespaced: bool = False
        verbs: list[str] = msgspec.field(default_factory=list)

    resources: list[Resource]
    kind: str = ""
    group_version: str = msgspec.field(default="", name="groupVersion")


class _Crd(msgspec.Struct, frozen=True):
    class Metadata(msgspec.Struct, frozen=True):
        name: _Name
        uid: _Name
        generation: int = 0

    class Spec(msgspec.Struct, frozen=True):
        class Names(msgspec.Struct, frozen=True):
            list_kind: _Name = msgspec.field(default="", name="listKind")

        class Version(msgspec.Struct, frozen=True):
            class Column(msgspec.Struct, frozen=True):
                name: str
                type: str
                json_path: str = msgspec.field(name="jsonPath")

            name: _Name
            columns: list[Column] = msgspec.field(default_factory=list, name="additionalPrinterColumns")

        names: Names
        versions: list[Version]

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
    ask = _asking(session)
    for root in (_API, _APIS):
        body = session.get(root, accept=f"{_AGGREGATED},{JSON}")
        if decoded(session, root, body, _Header).kind == "APIGroupDiscoveryList":
            _aggregated(session, found, decoded(session, root, body, _Aggregated))
        elif root == _API:
            versions = decoded(session, root, body, _CoreVersions).versions
            _classic(session, found, _Groups.Group("", [_Groups.Group.Version(each) for each in versions]), ask)
        else:
            for group in decoded(session, root, body, _Groups).groups:
                _classic(session, found, group, ask)
    return found


class _Ask(Protocol):
    def __call__(self, path: ApiPath, model: type[Answer], query: Mapping[str, Any] | None = None) -> Answer: ...


def _asking(session: Session) -> _Ask:
    """What asks for many answers that together take no more time than a listing may wait."""
    end = time.monotonic() + session.limits.listing_timeout

    def ask(path: ApiPath, model: type[Answer], query: Mapping[str, Any] | None = None) -> Answer:
        return answer(session, path, model, query, seconds=end - time.monotonic())

    return ask


def _aggregated(session: Session, found: Discovery, served: _Aggregated) -> None:
    for group in served.items:
        name = group.metadata.name
        for version in group.versions:
            if version.freshness == "Stale" and not version.resources:
                found.failed[name] = f"the API server of {name}/{version.version} does not answer"
            for each in version.resources:
                is_namespaced = each.scope == "Namespaced"
                names = (name, version.version, each.response_kind.kind, each.resource)
                _take(session, found, *names, is_namespaced, each.verbs)


def _classic(session: Session, found: Discovery, group: _Groups.Group, ask: _Ask) -> None:
    # The preferred version comes first; the others are read for what it lacks.
    versions = [each.version for each in group.versions]
    versions.sort(key=lambda version: group.preferred is None or version != group.preferred.version)
    for version in versions:
        try:
            resources = ask(group_path(group.name, version), _Resources).resources
        except KubeError as error:
            if error.outcome in (Outcome.UNAUTHORIZED, Outcome.UNREACHABLE) and not isinstance(error, TooSlow):
                raise
            found.failed[group.name] = str(error)
            continue
        for each in resources:
            _take(session, found, group.name, version, each.kind, each.name, each.namespaced, each.verbs)


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
            columns = next((each.columns for each in crd.spec.versions if each.name == kind.version), [])
            made[kind.name] = replace(
                kind,
                listed_as=crd.spec.names.list_kind,
                printer_columns=tuple(map(_printer_column, columns[: most_columns + 1])),
                revision=f"{crd.metadata.uid}/{crd.metadata.generation}",
            )
    except (Forbidden, NotFound) as error:
        log.warning("%s: custom objects are read without their printer columns", error)
        return list(kinds)
    return list(made.values())


def _printer_column(column: _Crd.Spec.Version.Column) -> PrinterColumn:
    name, path = column.name[: LONGEST_COLUMN_NAME + 1], column.json_path[: LONGEST_PATH + 1]
    name, path = without_userinfo(name).replace("\0", "\ufffd"), path.replace("\0", "\ufffd")  # to be stored
    return PrinterColumn(name, column.type[:LONGEST_COLUMN_NAME], path)


class _Metas(msgspec.Struct, frozen=True):
    class Item(msgspec.Struct, frozen=True):
        class Metadata(msgspec.Struct, frozen=True):
            name: _Name

        metadata: Metadata

    items: list[Item]
    metadata: ListMetadata

    @property
    def names(self) -> set[str]:
        """Raises `BadAnswer` where these are not all."""
        if self.metadata.continue_token:
            raise BadAnswer("the answer goes on")
        return {each.metadata.name for each in self.items}


class _Services(_Metas, frozen=True):
    kind: Literal["APIServiceList"]


class _Definitions(_Metas, frozen=True):
    kind: Literal["CustomResourceDefinitionList"]


_MOST_VERSIONS = 100
"""Of one API group; each costs a request."""


def proof_of_absence(session: Session, kind: Kind) -> str | None:
    """What proves that the cluster serves no such kind; None where nothing does, and rows must stay.

    Discovery must be whole and lack the kind in every version of its group, and no APIService may
    stand for that group: an aggregated API that is down looks just like one that is gone. Nor may a
    CRD define it: one that serves no version still has its objects. An answer that does not say that
    it is what was asked for proves nothing.
    """
    ask = _asking(session)
    try:
        if not kind.group:
            versions = ["v1"]
        else:
            groups = ask(_APIS, _Groups).groups
            versions = [each.version for group in groups if group.name == kind.group for each in group.versions]
        if len(versions) > _MOST_VERSIONS:
            return None
        for version in versions:
            found = ask(group_path(kind.group, version), _Resources)
            is_of_it = (found.kind, found.group_version) == ("APIResourceList", kind.api_version(version))
            if not is_of_it or kind.plural in {each.name for each in found.resources}:
                return None
        services = ask(_SERVICES, _Services).names
        name = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
        only = {"fieldSelector": f"metadata.name={_escaped(name)}"}
        definitions = ask(_CRDS, _Definitions, only).names if kind.shared_by else set()
    except KubeError:
        return None
    if not versions and any(each.partition(".")[2] == kind.group for each in services):
        return None
    if definitions:
        return None
    what = "no APIService or CRD" if kind.shared_by else "no APIService"
    return f"discovery lacks {name}, and {what} stands for it"


def _escaped(value: str) -> str:
    """A value in a field selector: https://pkg.go.dev/k8s.io/apimachinery/pkg/fields#EscapeValue"""
    return re.sub(r"([\\,=])", r"\\\1", value)
