"""Which columns of a kind are shown where objects stand in a list: what `kubectl get -o wide` shows, of our columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from k8s_inventory.kinds import Kind
from k8s_inventory.web.reading import Row

Shown = Callable[[Row], object]
"""Of a row, what stands in the cell."""

MOST = 9
"""Columns of a kind without a list of its own."""


def _of(first: str, second: str) -> Shown:
    return lambda row: f"{row[first] or 0}/{row[second] or 0}"


def _ports(row: Row) -> str:
    found = row["ports"] if isinstance(row["ports"], list) else []
    return ", ".join(
        f"{each.get('port', '*')}/{each.get('protocol', 'TCP')}" for each in found if isinstance(each, dict)
    )


def _completions(row: Row) -> str:
    return f"{row['succeeded'] or 0}/{row['completions'] if row['completions'] is not None else 1}"


def _role(row: Row) -> str:
    return f"{row['role_kind']}/{row['role_name']}"


def _target(row: Row) -> str:
    return f"{row['target_kind']}/{row['target_name']}"


def _involved(row: Row) -> str:
    return f"{row['involved_kind'] or ''}/{row['involved_name'] or ''}"


_BINDING = (
    ("Role", _role, ("role_kind", "role_name")),
    ("Users", "users"),
    ("Groups", "groups"),
    ("Service accounts", "service_accounts"),
)
_CONTAINERS = (("Containers", "container_names"), ("Images", "images"))

_WIDE: dict[str, tuple[tuple[Any, ...], ...]] = {
    "pods": (
        ("Ready", _of("ready_containers", "total_containers"), ("ready_containers", "total_containers")),
        ("Status", "display_status"),
        ("Restarts", "restarts"),
        ("IP", "pod_ip"),
        ("Node", "node_name"),
        ("Images", "images"),
    ),
    "deployments": (
        ("Ready", _of("ready_replicas", "replicas"), ("ready_replicas", "replicas")),
        ("Up to date", "updated_replicas"),
        ("Available", "available_replicas"),
        *_CONTAINERS,
    ),
    "replicasets": (
        ("Desired", "replicas"),
        ("Current", "current_replicas"),
        ("Ready", "ready_replicas"),
        *_CONTAINERS,
    ),
    "statefulsets": (("Ready", _of("ready_replicas", "replicas"), ("ready_replicas", "replicas")), *_CONTAINERS),
    "daemonsets": (
        ("Desired", "desired_number_scheduled"),
        ("Current", "current_number_scheduled"),
        ("Ready", "number_ready"),
        ("Available", "number_available"),
        *_CONTAINERS,
    ),
    "jobs": (
        ("Status", "display_status"),
        ("Completions", _completions, ("succeeded", "completions")),
        ("Started", "start_time"),
        *_CONTAINERS,
    ),
    "cronjobs": (
        ("Schedule", "schedule"),
        ("Suspended", "suspend"),
        ("Active", "active_jobs"),
        ("Last", "last_schedule_time"),
        *_CONTAINERS,
    ),
    "services": (
        ("Type", "type"),
        ("Cluster IP", "cluster_ip"),
        ("External", "external_addresses"),
        ("Ports", _ports, ("ports",)),
    ),
    "horizontalpodautoscalers": (
        ("Reference", _target, ("target_kind", "target_name")),
        ("Min", "min_replicas"),
        ("Max", "max_replicas"),
        ("Replicas", "current_replicas"),
    ),
    "nodes": (
        ("Status", "display_status"),
        ("Roles", "roles"),
        ("Version", "kubelet_version"),
        ("Internal IP", "internal_ip"),
        ("OS image", "os_image"),
        ("Kernel", "kernel_version"),
        ("Runtime", "container_runtime_version"),
    ),
    "events": (
        ("Last seen", "last_seen_at"),
        ("Type", "type"),
        ("Reason", "reason"),
        ("Object", _involved, ("involved_kind", "involved_name")),
        ("Message", "message"),
        ("Count", "count"),
    ),
    "persistentvolumeclaims": (
        ("Status", "display_status"),
        ("Volume", "volume_name"),
        ("Capacity", "capacity"),
        ("Access modes", "access_modes"),
        ("Storage class", "storage_class_name"),
    ),
    "persistentvolumes": (
        ("Capacity", "capacity"),
        ("Access modes", "access_modes"),
        ("Reclaim policy", "reclaim_policy"),
        ("Status", "display_status"),
        ("Claim", "claim_name"),
        ("Storage class", "storage_class_name"),
    ),
    "ingresses": (
        ("Class", "ingress_class_name"),
        ("Hosts", "hosts"),
        ("Address", "addresses"),
        ("TLS", "has_tls"),
    ),
    "rolebindings": _BINDING,
    "clusterrolebindings": _BINDING,
    "custom": (("Group", "group"), ("Version", "version")),
}


class Columns:
    """The columns of a kind: `headings`, the columns of the table that they need, and the cells of a row."""

    def __init__(self, kind: Kind) -> None:
        listed = _WIDE.get(kind.name)
        if listed is None:
            plain = [each for each in kind.typed_columns if each.type != "jsonb"]
            listed = tuple((each.name.replace("_", " ").capitalize(), each.name) for each in plain[:MOST])
        self.headings = tuple(each[0] for each in listed)
        self.needed = tuple(
            dict.fromkeys(name for each in listed for name in (each[2] if len(each) > 2 else each[1:2]))
        )
        self._shown: tuple[Any, ...] = tuple(each[1] for each in listed)

    def cells(self, row: Row) -> list[object]:
        return [plain(each(row) if callable(each) else row[each]) for each in self._shown]


def plain(value: object) -> object:
    """A value as one reads it: lists joined, booleans as Kubernetes writes them, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, datetime | int | float | str):
        return value
    return str(value)
