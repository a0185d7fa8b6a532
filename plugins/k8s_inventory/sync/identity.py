"""Is this the cluster that the context led to last time?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k8s_inventory.kube.cluster_info import ClusterInfo, read_cluster, read_version
from k8s_inventory.kube.errors import (
    BadAnswer,
    ContextError,
    Interrupted,
    NoSuchPath,
    NotFound,
    Unauthorized,
    Unreachable,
)
from k8s_inventory.kube.session import Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store


def identify(session: Session, store: Store, settings: Settings) -> ClusterInfo:
    """Refuses a context that leads to another cluster than last time, unless the user says it may; notes where to.

    Raises a `KubeError`.
    """
    name = session.context.name
    cluster = _read(session)
    difference = repointed(store.cluster_of(name), cluster)
    if difference and name not in settings.accept_repointed:
        raise ContextError(
            f"context {name} leads to another cluster than before: {difference}. Its rows stay. If this is "
            f"meant, run once with accept_repointed={name} (they are then replaced), or give the new cluster "
            "another context name"
        )
    is_settled = store.cluster_seen(
        name,
        repointed=difference is not None,
        cluster_uid=cluster.uid or None,
        server=cluster.server,
        ca_fingerprint=cluster.ca_fingerprint,
        version=cluster.version,
        provider=cluster.provider,
        region=region(cluster.server),
    )
    return replace(cluster, is_settled=is_settled)


def first_led_to(session: Session) -> ClusterInfo:
    """The cluster of a session whose context no database knows. Raises a `KubeError`."""
    if session.cluster is None:
        session.cluster = _read(session)
    return session.cluster


def _read(session: Session) -> ClusterInfo:
    try:
        return read_cluster(session)
    except (NotFound, NoSuchPath) as error:
        raise BadAnswer(str(error)) from None  # that the kind is gone could only be proven of a cluster that is known
    except Interrupted as error:
        session.dead = Unreachable(str(error))  # it does not even say which it is
        raise session.dead from None
    except Unauthorized as error:
        session.dead = error  # of an API server alone; one of a group may refuse what it does not
        raise


def confirm(session: Session, before: ClusterInfo, *, wrote: bool) -> bool:
    """Whether what was read since is of the cluster that was identified before: asked again once it was read.

    Raises a `KubeError` where it need not be: the session had to make a new client, and that leads elsewhere. False
    where only the version may be another, which matters to rows that it `wrote`: in a rolling upgrade the API servers
    of a cluster are of two, and nothing in a list says which of them answered. Of a version that is not known, no row
    is ever taken for unchanged, so it need not be known now.
    """
    if session.clients != before.client:
        now = _read(session)
        difference = repointed({**vars(before), "cluster_uid": before.uid}, now)
        if difference:
            raise ContextError(
                f"context {session.context.name} led to another cluster once its credentials were loaded again: "
                f"{difference}. What was read is thrown away, its rows stay"
            )
    return not wrote or before.version is None or (before.is_settled and read_version(session) == before.version)


def repointed(stored: Mapping[str, Any] | None, now: ClusterInfo) -> str | None:
    """Why this seems to be another cluster than `stored`; None if it is the same, or the first.

    The UID of the kube-system namespace decides where both times had it; else the server's URL and its
    CA must be those of last time.
    """
    if stored is None:
        return None
    if stored["cluster_uid"] and now.uid is not None:
        if stored["cluster_uid"] == now.uid:
            return None
        found = f"has the UID {now.uid}" if now.uid else "is gone"
        return f"its kube-system namespace {found}, before it had the UID {stored['cluster_uid']}"
    if (stored["server"], stored["ca_fingerprint"]) == (now.server, now.ca_fingerprint):
        return None
    what = "server" if stored["server"] != now.server else "certificate authority"
    return f"its {what} is another ({now.server}, before {stored['server']}) and kube-system can not be read to compare"


def region(server: str) -> str | None:
    """The region, where the server's name holds it: EKS and AKS."""
    match = re.search(r"\.([a-z0-9-]+)\.(?:eks\.amazonaws\.com|azmk8s\.io)", server)
    return match[1] if match else None
