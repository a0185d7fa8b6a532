"""When DAGs run, as the environment has it."""

from __future__ import annotations

import os

from croniter import croniter


def schedule_of(variable: str, default: str, *, empty: str = "") -> tuple[str, str | None]:
    """What a variable says, empty for none; and what is wrong with it, where the default counts instead: a DAG that is
    not there says nothing. `empty` is what an empty variable says."""
    if variable not in os.environ:
        return default, None
    text = os.environ[variable].strip()
    if not text:
        return empty, None
    if text.lower() == "none":
        return "", None
    if text in ("@once", "@continuous", "@quarterly") or croniter.is_valid(text):
        return text, None
    return default, f"{variable} is no schedule: it must be cron (0 3 * * *), a preset (@daily), none, or empty"
