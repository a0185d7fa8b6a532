"""REDACT: one policy of what of an object is not stored, and one way to have it done."""

from k8s_inventory.collector.redaction.in_place import count_redacted, drop_last_applied
from k8s_inventory.collector.redaction.policy import Redaction, check_path, redaction_of
from k8s_inventory.collector.redaction.redactor import Dropper, Redactor

__all__ = [
    "Dropper",
    "Redaction",
    "Redactor",
    "check_path",
    "count_redacted",
    "drop_last_applied",
    "redaction_of",
]
