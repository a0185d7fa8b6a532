"""Deletes what the inventory holds of a context that is gone for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ForgetOperator(BaseOperator):
    """Deletes all rows of the context that the Param `context` names; returns the rows by table."""

    def execute(self, context: Context) -> dict[str, int]:
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.operators.failures import explained
        from k8s_inventory.printable import printable
        from k8s_inventory.settings import Settings, refuse_unknown_keys
        from k8s_inventory.store import forget_context

        with explained(context):
            refuse_unknown_keys(context["params"], ("context",))
            name = str(context["params"]["context"])
            settings = Settings.load()
            with InventoryHook(settings).store() as store:
                deleted = forget_context(store, name, wait=settings.lock_wait)
        self.log.info("context %s is forgotten: %s", printable(name), deleted)
        return deleted
