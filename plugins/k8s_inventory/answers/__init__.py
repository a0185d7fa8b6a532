"""ANSWERS: asks the ready-made queries, knows each hit again, and says what is new in text, CSV and a picture."""

from k8s_inventory.answers.asking import Answer, ask
from k8s_inventory.answers.choosing import choose
from k8s_inventory.answers.drawing import MOST_POINTS, drawn
from k8s_inventory.answers.keeping import Kept, Untold, counted, failed, keep, told
from k8s_inventory.answers.telling import Notice, as_csv, note, notice

__all__ = [
    "MOST_POINTS",
    "Answer",
    "Kept",
    "Notice",
    "Untold",
    "as_csv",
    "ask",
    "choose",
    "counted",
    "drawn",
    "failed",
    "keep",
    "note",
    "notice",
    "told",
]
