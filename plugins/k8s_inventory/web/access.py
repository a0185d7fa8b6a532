"""Who may see the page, and what every answer of it says to browsers."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag

DAG_ID = "k8s_inventory"
MODES = {DAG_ID: "full", f"{DAG_ID}_incremental": "incremental", f"{DAG_ID}_watch": "watch"}
"""The DAGs that read clusters, and how each does."""

may_read = requires_access_dag("GET", param_dag_id=DAG_ID)
"""The right to the page: to read the DAG that keeps the inventory. 401 without a login, 403 without the right."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Nothing inline, nothing from elsewhere, no frame but Airflow's own, and no copy left behind."""


def may_trigger(user: GetUserDep) -> bool:
    """Whether to offer the user a run of the DAG. Airflow's API decides once more when it is asked."""
    details: Any = DagDetails(id=DAG_ID)
    return bool(
        get_auth_manager().is_authorized_dag(
            method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user
        )
    )
