"""Is this the cluster that the context led to last time?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8s_inventory.kube.cluster import ClusterInfo


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
