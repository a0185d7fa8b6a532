"""What a context leads to: the cluster's identity and its version."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec

from k8s_inventory.credentials import without_userinfo
from k8s_inventory.decoders import decode
from k8s_inventory.kinds import KINDS, ApiPath
from k8s_inventory.kinds.paths import group_path
from k8s_inventory.kube.errors import BadAnswer, Forbidden, KubeError, Named, NotFound, Stopped, Unreachable
from k8s_inventory.kube.session import UNREADABLE, Session, refuse_page

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ClusterInfo:
    """`uid` is the kube-system namespace's; None where that may not be read, empty where there is none.
    `server` and `ca_fingerprint` (SHA-256 of the CA bundle, hexadecimal) then have to do."""

    uid: str | None
    server: str
    ca_fingerprint: str | None
    version: str | None
    provider: str | None
    client: int = 0
    """Which of the session's clients it was asked through."""
    is_settled: bool = True
    """Whether all its API servers are known to be of this version."""


class _Leases(msgspec.Struct):
    class Lease(msgspec.Struct):
        class Spec(msgspec.Struct):
            holder: str | None = msgspec.field(default=None, name="holderIdentity")

        class Metadata(msgspec.Struct):
            resource_version: str = msgspec.field(default="", name="resourceVersion")

        spec: Spec
        metadata: Metadata

    kind: Literal["LeaseList"]
    items: list[Lease] | None


_COMPARABLE = re.compile(r"0|[1-9][0-9]{0,38}")
"""https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions: of one kind, such versions can be
compared as numbers, promised from Kubernetes 1.35 on, and so ever since."""

_KUBE_SYSTEM = "kube-system"
_VERSION = ApiPath("version")
_PATIENCE = 10.0
"""Seconds that are waited for a version, which is good to have, and proves nothing where it is not had."""
_Text = Annotated[str, msgspec.Meta(max_length=128, pattern=r"\A[^\0]*\Z")]


class _KubeSystem(msgspec.Struct):
    class Metadata(msgspec.Struct):
        uid: _Text
        name: Literal["kube-system"]

    kind: Literal["Namespace"]
    metadata: Metadata


class _Version(msgspec.Struct):
    git_version: _Text = msgspec.field(name="gitVersion")


def read_cluster(session: Session) -> ClusterInfo:
    """One small request, and another for the version, which a session asks for once.

    Raises a `KubeError` where the cluster can not be asked at all, or does not answer of what it is asked for.
    """
    server = session.server
    client = session.clients  # of the first answer; one that a later one takes anew is another, and is asked again
    uid: str | None
    namespaces = KINDS["namespaces"]
    try:
        path = namespaces.object_path(namespaces.version, None, _KUBE_SYSTEM)
        uid = answer(session, path, _KubeSystem).metadata.uid
    except Forbidden:
        uid = None
    except NotFound as error:
        if error.about != Named(_KUBE_SYSTEM, namespaces.plural, namespaces.group):
            raise  # of something else
        uid = ""
    version = read_version(session) if session.cluster_version == "" else session.cluster_version
    return ClusterInfo(
        uid=uid,
        server=server,
        ca_fingerprint=_ca_fingerprint(session),
        version=version,
        provider=_provider(server, version),
        client=client,
    )


def as_number(revision: str | None) -> int | None:
    """A revision that can be compared with others of its kind; None for any other."""
    return int(revision) if revision and _COMPARABLE.fullmatch(revision) else None


class Alive(NamedTuple):
    """A digest of the names of API servers; and the last revision at which one of them wrote that it is there."""

    names: str
    at: int


class ApiServers:
    """The API servers that a cluster has: which processes, of which another one has another name each time it starts.

    A cluster that is restored from a backup gives its revisions out anew, and has all of its API servers started anew.
    Their names come back with the backup, until they write others; but not as of a later revision than that.
    https://kubernetes.io/docs/concepts/architecture/leases/#api-server-identity
    """

    WRITTEN_EVERY = 15.0
    """Seconds in which each writes its Lease: it does every ten."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._first: str | None = None
        self._is_read = False

    def first(self) -> str | None:
        """What `now` said when it was first asked."""
        with self._lock:
            if not self._is_read:
                self._is_read = True
                self._first = (found := self._read()) and found.names
            return self._first

    def now(self) -> Alive | None:
        """Those of now, of which `first` then tells from now on; None where they can not be had. Raises `Stopped`."""
        found = self._read()
        if found is not None:
            with self._lock:
                self._first, self._is_read = found.names, True
        return found

    def _read(self) -> Alive | None:
        path = group_path("coordination.k8s.io", "v1", "namespaces", _KUBE_SYSTEM, "leases")
        query = {"labelSelector": "apiserver.kubernetes.io/identity=kube-apiserver", "limit": 500}
        try:
            found = answer(self._session, path, _Leases, query, seconds=_PATIENCE)
        except Stopped:
            raise
        except KubeError as error:
            log.info("%s; whether it is as it was is not known, so that all kinds are listed", error)
            return None
        names = sorted(each.spec.holder for each in found.items or () if each.spec.holder)
        if not names:
            return None
        at = max(as_number(each.metadata.resource_version) or 0 for each in found.items or () if each.spec.holder)
        return Alive(hashlib.sha256("\n".join(names).encode()).hexdigest()[:16], at)


def read_version(session: Session) -> str | None:
    """The version of the API server that answers now; None where it can not be had, whatever it answers to this.

    Raises `Unreachable`, `Stopped`.
    """
    version: str | None = None
    try:
        said = answer(session, _VERSION, _Version, seconds=_PATIENCE)
        version = without_userinfo(said.git_version) or None
    except (Unreachable, Stopped):
        raise
    except KubeError as error:
        log.warning("%s; its version is not known, so that all its objects are compared", error)
    session.cluster_version = version
    return version


def answer(
    session: Session,
    path: ApiPath,
    model: type[Answer],
    query: Mapping[str, Any] | None = None,
    *,
    seconds: float | None = None,
) -> Answer:
    """The answer to a GET of `path`. Raises a `KubeError`, and `BadAnswer` for one that is no such thing."""
    return decoded(session, path, session.get(path, query, seconds=seconds), model)


def decoded(session: Session, path: str, body: bytes, model: type[Answer]) -> Answer:
    """The body of an answer from `path`. Raises `BadAnswer`."""
    try:
        return decode(body, model)
    except UNREADABLE as error:
        where = f"context {session.context.name}, {path}"
        refuse_page(body, where)
        raise BadAnswer(f"{where}: the answer is no {model.__name__.strip('_')} ({error})") from error


def _ca_fingerprint(session: Session) -> str | None:
    ca = session.client.ca
    return None if ca is None else hashlib.sha256(ca).hexdigest()


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
