"""Tells Airflow which tables are fresh, so that other DAGs can start on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from k8s_inventory.operators.notes import MOST, NOTHING_PLANNED, leave

if TYPE_CHECKING:
    from airflow.sdk import Context

FRESH = AssetAlias("k8s_inventory")
"""Stands for whichever tables a run completed. A task that had the assets themselves for its outlets would announce all
of them, whatever it read."""


def asset(table: str) -> Asset:
    """A table's asset, just as `Asset("k8s_inventory/k8s_pods")` in another DAG makes it: its group is the default."""
    return Asset(f"k8s_inventory/{table}")


class AnnounceOperator(BaseOperator):
    """Gives the asset of each table an event if a target of it was completed; returns what each says, by table.

    `sync.summary.fresh` has what that is. One event a table and run, all in the transaction that ends the task: a DAG
    that waits for them starts once, however many contexts there are, and Airflow has its database for five seconds.
    A task that fails gives none, so that it can be no other task of the run: these fail with one of their targets.

    :param only_changed: not of tables in which nothing changed, where a run comes every few minutes. Such a run has no
        `report`, and its note is left here.
    :param plan_task_id: the task whose return value says what was planned.
    """

    def __init__(self, *, only_changed: bool = False, plan_task_id: str = "plan", **kwargs: Any) -> None:
        super().__init__(outlets=[FRESH], **kwargs)
        self.only_changed = only_changed
        self.plan_task_id = plan_task_id

    def execute(self, context: Context) -> dict[str, dict[str, Any]]:
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.operators.failures import explained
        from k8s_inventory.settings import Settings
        from k8s_inventory.sync.summary import fresh, note, report

        plan = context["ti"].xcom_pull(task_ids=self.plan_task_id) or []
        rows: list[dict[str, Any]] = []
        if plan:
            with explained(context), InventoryHook(Settings.of_run(context["params"])).store() as store:
                rows = report(store, str(context["run_id"]), plan)
        tables = fresh(rows)
        if self.only_changed:
            leave(context, note(rows, most=MOST) if rows else NOTHING_PLANNED)
            tables = {table: said for table, said in tables.items() if said["changed"] or said["deleted"]}
        events = context["outlet_events"][FRESH]
        for table, said in tables.items():
            events.add(asset(table), extra=said)
        self.log.info("fresh: %s", ", ".join(tables) or "none")
        return tables
