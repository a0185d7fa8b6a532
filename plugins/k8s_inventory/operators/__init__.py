"""Airflow operators: plan, sync, announce, views, report, ask, forget. They import what is heavy only when they run."""

from k8s_inventory.operators.announce import AnnounceOperator
from k8s_inventory.operators.ask import AskOperator
from k8s_inventory.operators.forget import ForgetOperator
from k8s_inventory.operators.plan import PlanOperator
from k8s_inventory.operators.report import ReportOperator
from k8s_inventory.operators.sync import SyncOperator
from k8s_inventory.operators.views import CrdViewsOperator

__all__ = [
    "AnnounceOperator",
    "AskOperator",
    "CrdViewsOperator",
    "ForgetOperator",
    "PlanOperator",
    "ReportOperator",
    "SyncOperator",
]
