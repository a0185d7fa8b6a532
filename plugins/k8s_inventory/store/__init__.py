"""WRITE: rows -> PostgreSQL: schema, locks, staging, merge, prune, status."""

from k8s_inventory.store.database import Store
from k8s_inventory.store.evidence import Coverage, GoesOn, Listed, MetadataFirst, Proof, Revision
from k8s_inventory.store.forgetting import forget_context
from k8s_inventory.store.refusals import Moved, NotAllowed, StoreError, TargetBusy
from k8s_inventory.store.statements import Statements
from k8s_inventory.store.target import Attempt, Ignored, LastComplete, Seen, Target

__all__ = [
    "Attempt",
    "Coverage",
    "GoesOn",
    "Ignored",
    "LastComplete",
    "Listed",
    "MetadataFirst",
    "Moved",
    "NotAllowed",
    "Proof",
    "Revision",
    "Seen",
    "Statements",
    "Store",
    "StoreError",
    "Target",
    "TargetBusy",
    "forget_context",
]
