"""WRITE: rows -> PostgreSQL: schema, locks, staging, merge, prune, status."""

from k8s_inventory.store.database import Store
from k8s_inventory.store.errors import StoreError, TargetBusy
from k8s_inventory.store.forgetting import forget_context
from k8s_inventory.store.statements import Statements
from k8s_inventory.store.target import Attempt, LastComplete, Part, Target

__all__ = [
    "Attempt",
    "LastComplete",
    "Part",
    "Statements",
    "Store",
    "StoreError",
    "Target",
    "TargetBusy",
    "forget_context",
]
