"""Which contexts, which kinds: refuses bad input, makes the schema, and lists the tasks to map over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


WARNINGS = "warnings"
"""Key of the XCom with what the report says of the configuration."""


class PlanOperator(BaseOperator):
    """Returns what `sync.Selection.tasks` lists: one entry a mapped task, all with an `invocation` of this plan's.

    :param whole_contexts: whether a task takes all kinds of a context, as it does with many.
    :param refused: what is wrong with how the DAG is configured, where something is: nothing is planned then.
    """

    def __init__(self, *, whole_contexts: bool = False, refused: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.whole_contexts = whole_contexts
        self.refused = refused

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from airflow.sdk.configuration import conf

        from k8s_inventory.hooks.contexts import contexts
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.hooks.source import source_name
        from k8s_inventory.operators.failures import explained
        from k8s_inventory.printable import printable
        from k8s_inventory.settings import Settings, SettingsError
        from k8s_inventory.sync import select
        from k8s_inventory.sync.configured import missing_kubeconfig

        with explained(context):
            if self.refused:
                raise SettingsError(self.refused)
            settings = Settings.of_run(context["params"])
            configured = contexts(settings)
            selection = select(settings, configured)
            invocation = uuid4().hex  # a run that is cleared, or whose id is used again, is planned again
            most = min(settings.max_tasks, conf.getint("core", "max_map_length", fallback=settings.max_tasks))
            most = min(most, len(selection.contexts)) if self.whole_contexts else most
            tasks = [{**task, "invocation": invocation} for task in selection.tasks(most=max(most, 1))]
            source = source_name(settings)
            with InventoryHook(settings).store() as store:
                made = store.migrate()
                are_all = source is not None and not configured.missing
                gone = store.mark_configured(configured, source=source or "", are_all=are_all)
        if made:
            self.log.info("made or upgraded: %s", ", ".join(made))
        warnings = [missing_kubeconfig(path) for path in configured.missing]
        context["ti"].xcom_push(key=WARNINGS, value=warnings)
        for warning in warnings:
            self.log.warning("%s", printable(warning))
        for name in gone:
            self.log.warning(
                "context %s is not configured any more; its rows stay until the DAG k8s_inventory_forget is run for it",
                printable(name),
            )
        self.log.info("%d contexts x %d kinds in %d tasks", len(selection.contexts), len(selection.kinds), len(tasks))
        return tasks
