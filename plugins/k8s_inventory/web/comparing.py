"""Two sides, each a cluster, maybe a namespace of it, maybe as of an instant: what differs in what people set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from k8s_inventory.kinds import CUSTOM_OBJECTS, FAMILIES, TABLES, Kind
from k8s_inventory.web.differences import Difference, difference
from k8s_inventory.web.reading import Row, Rows, Snapshot
from k8s_inventory.web.searching import Unanswerable, instant, kind_named, target

MOST = 500
"""Objects of an answer."""

NOISE = (
    *("context_name", "uid", "resource_version", "generation", "observed_generation", "created_at", "made_of"),
    *("deletion_requested_at", "deletion_grace_seconds", "owner_references", "finalizers", "namespace"),
    # What a cluster does with what is set, and where.
    *("status", "ready_replicas", "updated_replicas", "available_replicas", "unavailable_replicas", "current_replicas"),
    *("current_revision", "update_revision", "cluster_ip", "cluster_ips", "external_addresses", "addresses"),
    *(
        "active_jobs",
        "last_schedule_time",
        "last_successful_time",
        "volume_name",
        "current_metrics",
        "desired_replicas",
    ),
    *("last_scale_time", "disruptions_allowed", "current_healthy", "desired_healthy", "expected_pods", "used"),
    *("used_numbers", "annotations", "observed_generation", "number_ready", "number_available", "secrets"),
    *("desired_number_scheduled", "current_number_scheduled", "updated_number_scheduled", "number_misscheduled"),
)
"""Columns that differ wherever two clusters, or two moments, do."""

PATHS: dict[str, tuple[str, ...]] = {
    "services": ("{spec,clusterIP}", "{spec,clusterIPs}", "{spec,healthCheckNodePort}", "{spec,ports}"),
    "persistentvolumeclaims": ("{spec,volumeName}",),
    "serviceaccounts": ("{data,secrets}",),
}
"""Beside these, what a cluster writes into `spec`. The ports of a Service are in its column, with the node's."""

_NOT_SET_BY_PEOPLE = frozenset(
    {
        *("pods", "replicasets", "controllerrevisions", "endpoints", "endpointslices", "events", "leases", "nodes"),
        *("ipaddresses", "csinodes", "csistoragecapacities", "volumeattachments", "certificatesigningrequests"),
        *("persistentvolumes", "apiservices", "resourceslices", "crds", "custom"),
    }
)
DEFAULT = tuple(kind.name for kind in TABLES if kind.name not in _NOT_SET_BY_PEOPLE)
"""What is compared where no kind is chosen: what people set, not what clusters make of it."""


@dataclass(frozen=True)
class Side:
    context: str
    namespace: str
    at: datetime | None


@dataclass(frozen=True)
class Comparison:
    """`rows` are what is on one side only (`left_uid` or `right_uid` is null), or differs in `columns`."""

    rows: Rows
    is_cut: bool
    not_known: tuple[tuple[str, Rows], ...]


def side(context: str, namespace: str, at: str) -> Side:
    """Raises `Unanswerable`."""
    return Side(context, namespace, instant(at))


def kinds_chosen(kind: str) -> tuple[list[Kind], dict[str, Any]]:
    """The tables to compare, by a kind's or a family's name, and what custom kind is meant. Raises `Unanswerable`."""
    if not kind:
        return [each for each in TABLES if each.name in DEFAULT], {}
    if kind in FAMILIES:
        return list(FAMILIES[kind]), {}
    named = kind_named(kind)
    assert named is not None
    return [named[0]], {"plural": named[2], "group": named[1]} if named[0] is CUSTOM_OBJECTS else {}


def compare(left: Side, right: Side, kind: str, only: str, snapshot: Snapshot) -> Comparison:
    """Raises `Unanswerable`, and psycopg's errors."""
    if left == right:
        raise Unanswerable("right", "both sides are the same: choose another cluster, namespace or instant")
    kinds, custom = kinds_chosen(kind)
    if left.namespace or right.namespace:
        kinds = [each for each in kinds if each.namespaced]
    rows = snapshot.rows(
        "compare",
        {
            **{f"left_{name}": value or None for name, value in vars(left).items()},
            **{f"right_{name}": value or None for name, value in vars(right).items()},
            **custom,
            "noise": list(NOISE),
            "only": only or None,
            "made_by": [] if kind else [each.kind for each in kinds],
            "limit": MOST + 1,
        },
        branches=[(place, each) for place, each in enumerate(TABLES) if each in kinds],
        paths={each.name: PATHS.get(each.name, ()) for each in TABLES},
        left_at=left.at is not None,
        right_at=right.at is not None,
        same_namespaces=left.namespace == right.namespace,
        custom=bool(custom),
    )
    for row in rows:
        row["target"] = row["custom"] or TABLES[row["place"]].name
    targets = [target(custom)] if custom else [each.name for each in kinds]
    return Comparison(
        rows[:MOST], len(rows) > MOST, tuple(_not_known(each, targets, snapshot) for each in (left, right))
    )


def _not_known(of: Side, targets: list[str], snapshot: Snapshot) -> tuple[str, Rows]:
    values = {"at": of.at, "context": of.context, "targets": targets, "limit": len(targets)}
    return of.context, snapshot.rows("lacking", values, at=of.at is not None, targets=True)


def differences_of(left: Row | None, right: Row | None, kind: Kind) -> list[Difference]:
    """Of two rows, the columns that differ and are no noise."""
    if left is None or right is None:
        return []
    names = [column.name for column in kind.columns if column.name not in NOISE]
    return [
        difference(name, _without(kind, name, left[name]), _without(kind, name, right[name]))
        for name in names
        if name not in ("uid", "name") and _without(kind, name, left[name]) != _without(kind, name, right[name])
    ]


def _without(kind: Kind, column: str, value: Any) -> Any:
    paths = [path.strip("{}").split(",") for path in PATHS.get(kind.name, ())]
    inside = {path[1] for path in paths if path[0] == column}
    return (
        {key: each for key, each in value.items() if key not in inside} if inside and isinstance(value, dict) else value
    )
