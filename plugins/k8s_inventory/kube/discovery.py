"""What a cluster serves: each resource that can be listed, in its group's preferred version; and what no more.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from k8s_inventory.kinds import NAMES, Kind, PrinterColumn
from k8s_inventory.kinds.custom import custom_kind
from k8s_inventory.kube.cluster import answer, decoded
from k8s_inventory.kube.errors import Forbidden, KubeError, NotFound
from k8s_inventory.kube.session import JSON, Session

log = logging.getLogger(__name__)

_AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass
class Discovery:
    """`kinds` by name; `failed` says why by the group whose resources could not be had."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class _ListMeta(msgspec.Struct, frozen=True):
    continue_token: str = msgspec.field(default="", name="continue")


class _Header(msgspec.Struct, frozen=True):
    kind: str


class _Aggregated(msgspec.Struct, frozen=True):
    class Group(msgspec.Struct, frozen=True):
        class Version(msgspec.Struct, frozen=True):
            class Resource(msgspec.Struct, frozen=True):
                class ResponseKind(msgspec.Struct, frozen=True):
                    kind: str = ""

                resource: str
                scope: str = ""
                response_kind: ResponseKind = msgspec.field(default_factory=ResponseKind, name="responseKind")
                verbs: list[str] = msgspec.field(default_factory=list)

            version: str
            resources: list[Resource] = msgspec.field(default_factory=list)
            freshness: str = ""

        class Metadata(msgspec.Struct, frozen=True):
            name: str = ""

        metadata: Metadata
        versions: list[Version] = msgspec.field(default_factory=list)

    items: list[Group]


class _Groups(msgspec.Struct, frozen=True):
    class Group(msgspec.Struct, frozen=True):
        class Version(msgspec.Struct, frozen=True):
            version: str

        name: str
        versions: list[Version]
        preferred: Version | None = msgspec.field(default=None, name="preferredVersion")

    groups: list[Group]


class _CoreVersions(msgspec.Struct, frozen=True):
    versions: list[str]


class _Resources(msgspec.Struct, frozen=True):
    class Resource(msgspec.Struct, frozen=True):
        name: str
        kind: str
        namespaced: bool = False
        verbs: list[str] = msgspec.field(default_factory=list)

    resources: list[Resource]


class _Crds(msgspec.Struct, frozen=True):
    class Crd(msgspec.Struct, frozen=True):
        class Metadata(msgspec.Struct, frozen=True):
            name: str
            uid: str
            generation: int = 0

        class Spec(msgspec.Struct, frozen=True):
            class Names(msgspec.Struct, frozen=True):
                list_kind: str = msgspec.field(default="", name="listKind")

            class Version(msgspec.Struct, frozen=True):
                class Column(msgspec.Struct, frozen=True):
                    name: str
                    type: str
                    json_path: str = msgspec.field(name="jsonPath")

                name: str
                columns: list[Column] = msgspec.field(default_factory=list, name="additionalPrinterColumns")

            names: Names
            versions: list[Version]

        metadata: Metadata
        spec: Spec

    items: list[Crd]
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


_LEFT_OUT = {"events.events.k8s.io", "componentstatuses.core"}
"""A second door to the objects of a kind that is declared under another group; and objects that have no uid."""


def discover(session: Session) -> Discovery:
    """Two requests where the cluster has aggregated discovery (from 1.26 on), else one a group.

    Only kinds without a declaration are listed. Raises a `KubeError` where not even the groups can be read.
    """
    found = Discovery()
    for root in ("/api", "/apis"):
        body = session.get(root, accept=f"{_AGGREGATED},{JSON}")
        if decoded(session, root, body, _Header).kind == "APIGroupDiscoveryList":
            _aggregated(found, decoded(session, root, body, _Aggregated))
        elif root == "/api":
            versions = decoded(session, root, body, _CoreVersions).versions
            _classic(session, found, _Groups.Group("", [_Groups.Group.Version(each) for each in versions]))
        else:
            for group in decoded(session, root, body, _Groups).groups:
                _classic(session, found, group)
    return found


def _aggregated(found: Discovery, served: _Aggregated) -> None:
    for group in served.items:
        name = group.metadata.name
        for version in group.versions:
            if version.freshness == "Stale" and not version.resources:
                found.failed[name] = f"the API server of {name}/{version.version} does not answer"
            for each in version.resources:
                is_namespaced = each.scope == "Namespaced"
                _take(found, name, version.version, each.response_kind.kind, each.resource, is_namespaced, each.verbs)


def _classic(session: Session, found: Discovery, group: _Groups.Group) -> None:
    # The preferred version comes first; the others are read for what it lacks.
    versions = [each.version for each in group.versions]
    versions.sort(key=lambda version: group.preferred is None or version != group.preferred.version)
    for version in versions:
        path = f"/apis/{group.name}/{version}" if group.name else f"/api/{version}"
        try:
            resources = answer(session, path, _Resources).resources
        except KubeError as error:
            if error.outcome in ("unauthorized", "unreachable"):
                raise
            found.failed[group.name] = str(error)
            continue
        for each in resources:
            _take(found, group.name, version, each.kind, each.name, each.namespaced, each.verbs)


def _take(
    found: Discovery, group: str, version: str, kind: str, plural: str, is_namespaced: bool, verbs: Sequence[str]
) -> None:
    made = custom_kind(group=group, version=version, kind=kind, plural=plural, namespaced=is_namespaced)
    is_declared = (made.name if group else plural) in NAMES
    if "list" not in verbs or "/" in plural or made.name in found.kinds or is_declared or made.name in _LEFT_OUT:
        return
    found.kinds[made.name] = made


def describe(session: Session, kinds: Sequence[Kind], *, page_size: int) -> list[Kind]:
    """The kinds with what their CRDs say of them. Where these may not be read, the kinds as they are."""
    made = {kind.name: kind for kind in kinds}
    query: dict[str, Any] = {"limit": page_size}
    while True:
        try:
            page = answer(session, _CRDS, _Crds, query)
        except (Forbidden, NotFound) as error:
            log.warning("%s: custom objects are read without their printer columns", error)
            return list(made.values())
        for crd in page.items:
            kind = made.get(crd.metadata.name)
            if kind is None:
                continue
            columns = next((each.columns for each in crd.spec.versions if each.name == kind.version), [])
            made[kind.name] = replace(
                kind,
                listed_as=crd.spec.names.list_kind,
                printer_columns=tuple(PrinterColumn(each.name, each.type, each.json_path) for each in columns),
                revision=f"{crd.metadata.uid}/{crd.metadata.generation}",
            )
        if not page.metadata.continue_token:
            return list(made.values())
        query["continue"] = page.metadata.continue_token


class _Metas(msgspec.Struct, frozen=True):
    class Item(msgspec.Struct, frozen=True):
        class Metadata(msgspec.Struct, frozen=True):
            name: str

        metadata: Metadata

    items: list[Item]


def proof_of_absence(session: Session, kind: Kind) -> str | None:
    """What proves that the cluster serves no such kind; None where nothing does, and rows must stay.

    Discovery must be whole and lack the kind in every version of its group, and no APIService may
    stand for that group: an aggregated API that is down looks just like one that is gone. Nor may a
    CRD define it: one that serves no version still has its objects.
    """
    try:
        if not kind.group:
            versions = ["v1"]
        else:
            groups = answer(session, "/apis", _Groups).groups
            versions = [each.version for group in groups if group.name == kind.group for each in group.versions]
        for version in versions:
            root = f"/apis/{kind.group}/{version}" if kind.group else f"/api/{version}"
            served = {each.name for each in answer(session, root, _Resources).resources}
            if kind.plural in served:
                return None
        services = answer(session, "/apis/apiregistration.k8s.io/v1/apiservices", _Metas).items
        name = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
        only = {"fieldSelector": f"metadata.name={name}"}
        definitions = answer(session, _CRDS, _Metas, only).items if kind.shared_by else []
    except KubeError:
        return None
    if not versions and any(each.metadata.name.partition(".")[2] == kind.group for each in services):
        return None
    if definitions:
        return None
    what = "no APIService or CRD" if kind.shared_by else "no APIService"
    return f"discovery lacks {name}, and {what} stands for it"
