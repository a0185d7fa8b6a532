"""Typed views of custom objects, after the CRDs were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from k8s_inventory.operators.plan import WARNINGS

if TYPE_CHECKING:
    from airflow.sdk import Context


class CrdViewsOperator(BaseOperator):
    """Makes and drops the views `crd_<plural>_<group>`; skipped where its role may make none. One that the role may not
    touch fails the task once all others are done. What a person should know of them is in the run's report."""

    def execute(self, context: Context) -> list[str]:
        try:
            return self._refresh(context)
        except AirflowException as error:
            context["ti"].xcom_push(key=WARNINGS, value=[f"{self.task_id}: {line}" for line in str(error).splitlines()])
            raise

    def _refresh(self, context: Context) -> list[str]:
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.operators.failures import explained, failure
        from k8s_inventory.printable import printable
        from k8s_inventory.settings import Settings
        from k8s_inventory.sync import MayNotMakeViews, refresh_crd_views

        with explained(context), InventoryHook(Settings.of_run(context["params"])).store() as store:
            try:
                changes = refresh_crd_views(store)
            except MayNotMakeViews as error:
                raise AirflowSkipException(str(error)) from None
        for warning in changes.warnings():
            self.log.warning("%s", printable(warning))
        self.log.info("made or changed: %s; dropped: %s", changes.made, changes.dropped)
        if changes.refused:
            raise failure("\n".join(changes.warnings()), retryable=False, context=context)
        context["ti"].xcom_push(key=WARNINGS, value=changes.warnings())
        return changes.made
