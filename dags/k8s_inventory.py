"""The DAGs. They declare; nothing is read or connected to when Airflow imports this file.

plan  ->  sync (one mapped task a context x family, or x kind where kinds are named)  ->  views (of CRDs)  ->  report
                                                                                      ->  announce (assets)

Those that go on from where the rows are, by watches, have one task a context: plan  ->  sync  ->  announce
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, Param

from k8s_inventory.operators import (
    AnnounceOperator,
    CrdViewsOperator,
    ForgetOperator,
    PlanOperator,
    ReportOperator,
    SyncOperator,
)
from k8s_inventory.operators.about import about_following, about_forgetting, about_inventory
from k8s_inventory.operators.params import run_params
from k8s_inventory.operators.schedules import schedule_of
from k8s_inventory.settings import Settings, SettingsError

POOL = os.environ.get("K8S_POOL", "").strip() or "default_pool"
SCHEDULE, REFUSED = schedule_of("K8S_SCHEDULE", "@daily")
try:
    SETTINGS = Settings.load()
except SettingsError:  # the task `plan` says what is wrong with them; a DAG that is not there says nothing
    SETTINGS = Settings.model_construct()
INCREMENTAL, INCREMENTAL_REFUSED = schedule_of(
    "K8S_INCREMENTAL_SCHEDULE", "*/5 * * * *", is_cron=bool(SETTINGS.start_on_changes)
)
TASKS: dict[str, Any] = {
    "retries": SETTINGS.retries,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(seconds=SETTINGS.task_timeout),
}

with DAG(
    dag_id="k8s_inventory",
    description="Keeps an exact SQL inventory of Kubernetes clusters in PostgreSQL",
    doc_md=about_inventory(inventory="k8s_inventory", forget="k8s_inventory_forget"),
    schedule=SCHEDULE or None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(seconds=SETTINGS.run_timeout),
    default_args=TASKS,
    tags=["kubernetes", "inventory"],
    render_template_as_native_obj=False,
    params=run_params(),
):
    plan = PlanOperator(task_id="plan", refused=REFUSED)
    sync = SyncOperator.partial(
        task_id="sync",
        pool=POOL,
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(minutes=10),
        map_index_template="{{ task.label }}",
    ).expand(work=plan.output)
    views = CrdViewsOperator(task_id="views", trigger_rule="all_done")
    report = ReportOperator(task_id="report", trigger_rule="all_done", retries=0)
    announce = AnnounceOperator(task_id="announce", trigger_rule="all_done")
    sync >> views >> report
    sync >> announce


def scheduled(cron: str) -> Any:
    """By time, and where K8S_START_ON_CHANGES names kinds also whenever the triggerer sees them change."""
    if not SETTINGS.start_on_changes:
        return cron or None
    from k8s_inventory.triggers.changes import ChangeTrigger

    trigger = ChangeTrigger(kinds=SETTINGS.start_on_changes, contexts=SETTINGS.contexts, apart=SETTINGS.start_apart)
    changes = Asset("k8s_inventory/changes", watchers=[AssetWatcher(name="k8s_inventory", trigger=trigger)])
    if not cron:
        return [changes]
    return AssetOrTimeSchedule(timetable=CronTriggerTimetable(cron, timezone="UTC"), assets=[changes])


for dag_id, mode, schedule, refused, description in (
    (
        "k8s_inventory_incremental",
        "incremental",
        scheduled(INCREMENTAL),
        INCREMENTAL_REFUSED,
        "Brings the inventory up to date, by what has changed",
    ),
    ("k8s_inventory_watch", "watch", "@continuous", None, "Holds the inventory up to date within seconds"),
):
    with DAG(
        dag_id=dag_id,
        description=description,
        doc_md=about_following(inventory="k8s_inventory", mode=mode),
        schedule=schedule or None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        dagrun_timeout=timedelta(seconds=SETTINGS.run_timeout),
        default_args={**TASKS, "retries": 0},  # the next run comes soon
        tags=["kubernetes", "inventory"],
        params=run_params(),
    ):
        planned = PlanOperator(task_id="plan", whole_contexts=True, refused=refused)
        followed = SyncOperator.partial(
            task_id="sync", mode=mode, pool=POOL, map_index_template="{{ task.label }}"
        ).expand(work=planned.output)
        # A teardown, so that the run is what became of the syncs.
        followed >> AnnounceOperator(task_id="announce", only_changed=True).as_teardown()

with DAG(
    dag_id="k8s_inventory_forget",
    description="Deletes what the inventory holds of a context that is gone for good",
    doc_md=about_forgetting(inventory="k8s_inventory"),
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(seconds=SETTINGS.run_timeout),
    tags=["kubernetes", "inventory"],
    params={"context": Param(type="string", minLength=1, title="Context", description="The context to forget.")},
):
    ForgetOperator(task_id="forget")
