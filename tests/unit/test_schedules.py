"""Whatever the environment says of schedules, the DAGs are there; what is wrong with it is for their tasks to say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "dags" / "k8s_inventory.py"


@pytest.mark.parametrize("start_on", ["", "pods"])
@pytest.mark.parametrize(
    ("schedule", "taken"),
    [
        ("0 3 * * *", "0 3 * * *"),
        (" @daily ", "@daily"),
        ("@quarterly", "@quarterly"),
        ("none", ""),
        ("", ""),
        ("@once", "@once"),
        ("@continuous", "@continuous"),
        ("@never", None),
        ("0 3 * *", None),
    ],
)
def test_a_schedule_is_taken_or_refused(
    monkeypatch: pytest.MonkeyPatch, schedule: str, taken: str | None, start_on: str
) -> None:
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    monkeypatch.setenv("K8S_INCREMENTAL_SCHEDULE", schedule)
    monkeypatch.setenv("K8S_START_ON_CHANGES", start_on)
    if start_on and taken in ("@once", "@continuous"):  # changes start nothing between such times
        taken = None
    names = runpy.run_path(str(FILE))
    assert names["INCREMENTAL"] == ("*/5 * * * *" if taken is None else taken)
    assert (names["INCREMENTAL_REFUSED"] is None) == (taken is not None)
    DagSerialization.serialize_dag(DAG("any", max_active_runs=1, schedule=names["scheduled"](names["INCREMENTAL"])))
