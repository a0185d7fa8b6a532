"""DRIVE: one target from its lock to its status row, and which targets there are."""

from k8s_inventory.sync.attempt import Result, Run, read_target, sync_target
from k8s_inventory.sync.find_custom import choose, find_custom
from k8s_inventory.sync.reading import Sink, SinkError
from k8s_inventory.sync.selection import Custom, PlanError, Selection, select
from k8s_inventory.sync.side_by_side import sync_kinds
from k8s_inventory.sync.view_refresh import MayNotMakeViews, refresh_crd_views
from k8s_inventory.sync.writing import Writer, attempted

__all__ = [
    "Custom",
    "MayNotMakeViews",
    "PlanError",
    "Result",
    "Run",
    "Selection",
    "Sink",
    "SinkError",
    "Writer",
    "attempted",
    "choose",
    "find_custom",
    "read_target",
    "refresh_crd_views",
    "select",
    "sync_kinds",
    "sync_target",
]
