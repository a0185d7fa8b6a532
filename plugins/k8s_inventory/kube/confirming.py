"""Is an object gone? Asked of the API server by the object's own name, and believed only if it answers of that."""

from __future__ import annotations

from typing import Literal

import msgspec

from k8s_inventory.kinds import Kind
from k8s_inventory.kube.cluster_info import decoded
from k8s_inventory.kube.errors import BadAnswer, Named, NotFound, Unnameable
from k8s_inventory.kube.session import Session

METADATA_ALONE = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
"""Of a Secret, too, nothing else is asked for."""

_REPLACEMENT = "\ufffd"
"""What PostgreSQL can not hold of a name, U+0000, is stored as this: which name it was, nobody knows any more."""


class _Object(msgspec.Struct, frozen=True):
    class Metadata(msgspec.Struct, frozen=True):
        name: str
        uid: str
        namespace: str = ""

    kind: Literal["PartialObjectMetadata"]
    metadata: Metadata


def is_gone(
    session: Session, kind: Kind, version: str, *, namespace: str | None, name: str, uid: str, seconds: float
) -> bool:
    """Whether a GET proves that an object is gone: by a 404 that names it, or by another object in its place.

    False where it is there. Raises a `KubeError` where neither is proven within `seconds`.
    """
    path = kind.object_path(version, namespace, name)
    if _REPLACEMENT in f"{namespace}/{name}":
        raise Unnameable(
            f"context {session.context.name}, {path}: not asked for, its name could not be stored as it is"
        )
    try:
        found = decoded(session, path, session.get(path, accept=METADATA_ALONE, seconds=seconds), _Object).metadata
    except NotFound as error:
        if error.about != Named(name, kind.plural, kind.group):
            raise BadAnswer(f"{error}; that is not said of this object") from None
        return True
    if (found.name, found.namespace) != (name, namespace or "") or not found.uid:
        raise BadAnswer(f"context {session.context.name}, {path}: the answer is another object's")
    return found.uid != uid
