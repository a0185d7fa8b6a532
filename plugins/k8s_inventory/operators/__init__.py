"""Airflow operators: plan, sync, report, forget. They import what is heavy only when they run."""

from k8s_inventory.operators.forget import ForgetOperator
from k8s_inventory.operators.plan import PlanOperator
from k8s_inventory.operators.report import ReportOperator
from k8s_inventory.operators.sync import SyncOperator

__all__ = ["ForgetOperator", "PlanOperator", "ReportOperator", "SyncOperator"]
