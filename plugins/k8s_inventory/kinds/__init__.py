"""WHAT: the registry of resource kinds. Each is declared once, as data; see `declaration`."""

from k8s_inventory.kinds.cluster import CRDS, NAMESPACES
from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.networking import SERVICES
from k8s_inventory.kinds.workloads import CRONJOBS, DAEMONSETS, DEPLOYMENTS, JOBS, PODS, REPLICASETS, STATEFULSETS

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (NAMESPACES, PODS, DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS, JOBS, CRONJOBS, SERVICES, CRDS)
}

NAMES: dict[str, Kind] = {alias: kind for kind in KINDS.values() for alias in kind.aliases}
"""Every spelling that a user may choose a kind by: `pods`, `pod`, `po`, `deployments.apps` ..."""

__all__ = ["KINDS", "NAMES", "Column", "Kind"]
