"""The Params of the DAG: the settings that a run may choose, as the settings model has them."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from k8s_inventory.settings import Settings, per_run_settings


def run_params() -> dict[str, Param]:
    """One Param a setting, by its name; null, the default of each, leaves it to the environment."""
    properties = Settings.model_json_schema()["properties"]
    return {name: _param(name, properties[name]) for name in per_run_settings()}


def _param(name: str, schema: dict[str, Any]) -> Param:
    branches = [each for each in schema.pop("anyOf", ()) if each != {"type": "null"}]
    rules = {**schema, **(branches[0] if branches else {})}
    del rules["default"]
    rules["type"] = ["null", rules["type"]]
    return Param(None, **{**rules, "title": name.replace("_", " ").capitalize()})
