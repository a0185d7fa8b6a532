"""When DAGs run, as the environment has it."""

from __future__ import annotations

import os

from croniter import croniter


def schedule_of(variable: str, default: str, *, empty: str = "", is_cron: bool = False) -> tuple[str, str | None]:
    """What a variable says, empty for none; and what is wrong with it, where the default counts instead: a DAG that is
    not there says nothing. `empty` is what an empty variable says.

    `is_cron`: of presets only those that stand for cron, as where K8S_START_ON_CHANGES starts runs between those times.
    """
    if variable not in os.environ:
        return default, None
    text = os.environ[variable].strip()
    if not text:
        return empty, None
    if text.lower() == "none":
        return "", None
    if text == "@quarterly" or croniter.is_valid(text):
        return text, None
    if text in ("@once", "@continuous"):
        if not is_cron:
            return text, None
        return default, f"{variable} is {text}, which does not go with K8S_START_ON_CHANGES: cron does, and none"
    return default, f"{variable} is no schedule: it must be cron (0 3 * * *), a preset (@daily), none, or empty"
