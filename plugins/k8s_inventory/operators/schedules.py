"""When DAGs run, as the environment has it."""

from __future__ import annotations

import os

from croniter import croniter


def schedule_of(variable: str, default: str) -> tuple[str, str | None]:
    """What a variable says, empty for none; and what is wrong with it, where the default counts instead: a DAG that is
    not there says nothing."""
    text = os.environ.get(variable, default).strip()
    if text.lower() == "none":
        text = ""
    if not text or text in ("@once", "@continuous", "@quarterly") or croniter.is_valid(text):
        return text, None
    return default, f"{variable} is no schedule: it must be cron (0 3 * * *), a preset (@daily), none, or empty"
