"""The end of a run: what every target came to, whatever happened before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from k8s_inventory.operators.notes import MOST, NOTHING_PLANNED, leave
from k8s_inventory.operators.plan import WARNINGS

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReportOperator(BaseOperator):
    """Prints a table of all targets, returns its rows, leaves the run's note, and fails if a target failed.

    Of more than `sync.summary.MOST` targets the table has a row a context and family, and the worst are returned: what
    Airflow keeps of a run is bounded.

    :param plan_task_id: the task whose return value says what was planned.
    :param views_task_id: the task that made the views of CRDs, where there is one.
    """

    def __init__(self, *, plan_task_id: str = "plan", views_task_id: str = "views", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_task_id = plan_task_id
        self.views_task_id = views_task_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.operators.failures import explained, failure
        from k8s_inventory.printable import printable
        from k8s_inventory.settings import Settings
        from k8s_inventory.store import StoreError
        from k8s_inventory.sync.summary import MOST as MOST_ROWS
        from k8s_inventory.sync.summary import at_most, failed, lines, note, report, worst_first

        plan = context["ti"].xcom_pull(task_ids=self.plan_task_id)
        if not plan:
            leave(context, NOTHING_PLANNED)
            raise failure("nothing was planned: the log of the task `plan` says why", retryable=False, context=context)
        tasks, views = (self.plan_task_id, self.views_task_id), self._state_of(self.views_task_id, context)
        warnings = [each for task in tasks for each in context["ti"].xcom_pull(task_ids=task, key=WARNINGS) or ()]
        with explained(context):
            settings = Settings.of_run(context["params"])
            with InventoryHook(settings).store() as store:
                rows = report(store, str(context["run_id"]), plan)
                try:
                    store.drop_expired_history(settings.history_days, settings.event_days)
                    store.forget_old_runs(settings.runs_days)
                except StoreError as error:  # whoever reads it may be the database's owner, and take hours
                    warnings.append(str(error))
        if views == "failed":
            warnings.append(f"the task `{self.views_task_id}` failed: views of CRDs are not all as they should be")
        leave(context, note(rows, warnings=warnings, most=MOST))
        self.log.info("\n%s", lines(rows, warnings=warnings, by_family=len(rows) > MOST_ROWS))
        bad = [f"{row['context_name']} · {row['kind']} ({row['outcome']})" for row in failed(rows)]
        if views == "failed":
            bad.append(f"{self.views_task_id} (failed)")
        if bad:
            said = ", ".join(at_most([*map(printable, bad)], "targets", most=100))
            raise failure(f"not complete: {said}", retryable=False, context=context)
        return worst_first(rows)

    @staticmethod
    def _state_of(task_id: str, context: Context) -> Any:
        """How another task of this run has ended; None where there is no such task."""
        ti, run_id = context["ti"], str(context["run_id"])
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[task_id], run_ids=[run_id])
        return states.get(run_id, {}).get(task_id)
