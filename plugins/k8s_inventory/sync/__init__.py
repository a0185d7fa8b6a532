"""DRIVE: one target from its lock to its status row, and which targets there are."""

from k8s_inventory.sync.attempt import Result, Run, read_target, sync_target
from k8s_inventory.sync.find_custom import find_custom
from k8s_inventory.sync.reading import Sink, SinkError
from k8s_inventory.sync.run import Sync, Targets
from k8s_inventory.sync.selection import Custom, PlanError, Selection, contexts_of, select
from k8s_inventory.sync.view_refresh import MayNotMakeViews, refresh_crd_views

__all__ = [
    "Custom",
    "MayNotMakeViews",
    "PlanError",
    "Result",
    "Run",
    "Selection",
    "Sink",
    "SinkError",
    "Sync",
    "Targets",
    "contexts_of",
    "find_custom",
    "read_target",
    "refresh_crd_views",
    "select",
    "sync_target",
]
