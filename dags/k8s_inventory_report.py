"""A report of the inventory: what the ready-made queries find, and what of it is new.

A sample: copy it under another name and `dag_id` to ask other queries of other people, as in

    AskOperator(task_id="ask", queries=["rbac"], notifier=SmtpNotifier(to="security@example.com", ...))
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, AssetAlias

from k8s_inventory.operators import AskOperator
from k8s_inventory.operators.about import about_report
from k8s_inventory.operators.schedules import schedule_of
from k8s_inventory.settings import Settings, SettingsError

AFTER_EACH_RUN = "after each run"  # that has brought a table up to date
SCHEDULE, REFUSED = schedule_of("K8S_REPORT_SCHEDULE", AFTER_EACH_RUN, empty=AFTER_EACH_RUN)
try:
    SETTINGS = Settings.load()
except SettingsError:  # the task says what is wrong with them
    SETTINGS = Settings.model_construct()

with DAG(
    dag_id="k8s_inventory_report",
    description="Asks ready-made queries of the inventory, and tells of new hits",
    doc_md=about_report(inventory="k8s_inventory"),
    schedule=[AssetAlias("k8s_inventory")] if SCHEDULE == AFTER_EACH_RUN else SCHEDULE or None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    dagrun_timeout=timedelta(seconds=SETTINGS.run_timeout),
    default_args={
        "retries": SETTINGS.retries,
        "retry_delay": timedelta(seconds=30),
        "execution_timeout": timedelta(seconds=SETTINGS.task_timeout),
    },
    tags=["kubernetes", "inventory"],
):
    AskOperator(task_id="ask", refused=REFUSED)
