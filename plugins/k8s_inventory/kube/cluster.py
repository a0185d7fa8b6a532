"""What a context leads to: the cluster's identity, its version, and proof that it serves no such kind."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.errors import BadAnswer, Forbidden, KubeError, NotFound
from k8s_inventory.kube.session import Session


@dataclass(frozen=True)
class ClusterInfo:
    """`uid` is the kube-system namespace's; None where that may not be read, empty where there is none.
    `server` and `ca_fingerprint` (SHA-256 of the CA bundle, hexadecimal) then have to do."""

    uid: str | None
    server: str
    ca_fingerprint: str | None
    version: str | None
    provider: str | None


class _Namespace(msgspec.Struct):
    class Metadata(msgspec.Struct):
        uid: str

    metadata: Metadata


class _Version(msgspec.Struct):
    git_version: str = msgspec.field(name="gitVersion")


def read_cluster(session: Session) -> ClusterInfo:
    """Two small requests. Raises a `KubeError` where the cluster can not be asked at all."""
    server = session.server
    uid: str | None
    try:
        uid = _decode(session, "/api/v1/namespaces/kube-system", _Namespace).metadata.uid
    except Forbidden:
        uid = None
    except NotFound:
        uid = ""
    try:
        version = _decode(session, "/version", _Version).git_version
    except (Forbidden, NotFound):
        version = None
    return ClusterInfo(
        uid=uid,
        server=server,
        ca_fingerprint=_ca_fingerprint(session),
        version=version,
        provider=_provider(server, version),
    )


def _decode(session: Session, path: str, model: type[Any], query: dict[str, Any] | None = None) -> Any:
    try:
        return msgspec.json.decode(session.get(path, query), type=model)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadAnswer(
            f"context {session.context.name}, {path}: the answer is no {model.__name__.strip('_')}"
        ) from error


def _ca_fingerprint(session: Session) -> str | None:
    path = session.client.configuration.ssl_ca_cert
    if not path:
        return None
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (OSError, ssl.SSLError):
        return None


def _provider(server: str, version: str | None) -> str | None:
    """The provider, where the version or the server's name gives it away."""
    signs = {
        "-gke.": "gke",
        "-eks-": "eks",
        ".eks.amazonaws.com": "eks",
        ".azmk8s.io": "aks",
        "+k3s": "k3s",
        "+rke2": "rke2",
    }
    text = f"{version or ''} {server}"
    return next((provider for sign, provider in signs.items() if sign in text), None)


class _Names(msgspec.Struct):
    class Entry(msgspec.Struct):
        name: str

    resources: list[Entry]


class _Groups(msgspec.Struct):
    class Group(msgspec.Struct):
        class Version(msgspec.Struct):
            group_version: str = msgspec.field(name="groupVersion")

        name: str
        versions: list[Version]

    groups: list[Group]


class _Metas(msgspec.Struct):
    class Item(msgspec.Struct):
        class Metadata(msgspec.Struct):
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
            groups = _decode(session, "/apis", _Groups).groups
            versions = [each.group_version for group in groups if group.name == kind.group for each in group.versions]
        for group_version in versions:
            root = f"/apis/{group_version}" if kind.group else f"/api/{group_version}"
            served = {each.name for each in _decode(session, root, _Names).resources}
            if kind.plural in served:
                return None
        services = _decode(session, "/apis/apiregistration.k8s.io/v1/apiservices", _Metas).items
        name = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
        only = {"fieldSelector": f"metadata.name={name}"}
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        definitions = _decode(session, path, _Metas, only).items if kind.shared_by else []
    except KubeError:
        return None
    if not versions and any(each.metadata.name.partition(".")[2] == kind.group for each in services):
        return None
    if definitions:
        return None
    what = "no APIService or CRD" if kind.shared_by else "no APIService"
    return f"discovery lacks {name}, and {what} stands for it"
