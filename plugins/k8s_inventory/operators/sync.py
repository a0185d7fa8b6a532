"""Syncs the kinds of one context that its task is given: one, a family, or all."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowSkipException

from k8s_inventory.operators.about import page

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context

    from k8s_inventory.kube.session import Session
    from k8s_inventory.settings import Settings
    from k8s_inventory.sync import Result, Run, Sync


class ReportLink(BaseOperatorLink):
    """Leads from a mapped task to the report of its run."""

    name = "Report of this run"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        run_id = quote(ti_key.run_id, safe=":+")  # scheduler.allowed_run_id_pattern may allow anything
        return page(f"dags/{ti_key.dag_id}/runs/{run_id}/tasks/report")


class SyncOperator(BaseOperator):
    """Brings the rows of its targets up to date.

    :param work: what `plan` returned for this task: `label`, `context` and `also`, those it takes besides, `kinds`,
        `custom` (patterns of kinds without a declaration), `named`, those of its kinds that the user asked for by name,
        and `invocation`.
    :param mode: `full` lists all; `incremental` goes on from where rows are, and lists what it can not go on from;
        `watch` does so for `watch_seconds`.
    :param create_staging, see, stage, merge, missing, prune, prune_absent: the SQL that it runs, as templates of
        include/sql/store; the UI shows them rendered, of several kinds those of the first. Values are bound when they
        run.

    A target that is not complete fails its task, after all others were tried; a forbidden or absent kind that was
    not named does not, and skips the task where it has no other. A retry repeats only what was not complete.

    Returns what each target came to; of more than `sync.summary.MOST` the worst.
    """

    template_fields = ("create_staging", "see", "stage", "merge", "missing", "prune", "prune_absent")
    template_ext = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(template_fields, "sql")
    operator_extra_links = (ReportLink(),)
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        work: dict[str, Any],
        mode: str = "full",
        create_staging: str = "store/create_staging.sql",
        see: str = "store/see.sql",
        stage: str = "store/stage.sql",
        merge: str = "store/merge.sql",
        missing: str = "store/missing.sql",
        prune: str = "store/prune.sql",
        prune_absent: str = "store/prune_absent.sql",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.mode = mode
        self.create_staging = create_staging
        self.see = see
        self.stage = stage
        self.merge = merge
        self.missing = missing
        self.prune = prune
        self.prune_absent = prune_absent
        self._running: Sync | None = None

    @property
    def label(self) -> str:
        """The task's name in the grid: `context · kind` or `context · family`."""
        return str(self.work["label"])

    def get_template_env(self, dag: Any = None) -> jinja2.Environment:
        from k8s_inventory.store.statements import environment

        return environment()

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        """Renders the SQL for the task's kind. A task of several kinds renders each as it comes to it; those who look
        at it are shown that of the first."""
        from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS
        from k8s_inventory.store.statements import variables

        kinds = self.work["kinds"]
        first = KINDS[kinds[0]] if kinds else CUSTOM_OBJECTS
        names: Any = {**context, **variables(first)}
        super()._do_render_template_fields(parent, template_fields, names, self.get_template_env(), seen_oids)
        if not self._is_of_one_table():
            for name in self.template_fields:
                setattr(self, name, f"-- for {first.name}; for each other kind with its table\n{getattr(self, name)}")

    def _is_of_one_table(self) -> bool:
        """Whether all of the task's kinds share a table, so that its SQL is the same for all."""
        return len(self.work["kinds"]) + bool(self.work["custom"]["include"]) == 1

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.operators.failures import explained, failure
        from k8s_inventory.operators.metrics import send
        from k8s_inventory.outcome import Outcome, Verdict
        from k8s_inventory.settings import Settings
        from k8s_inventory.sync.summary import at_most, worst_first

        with explained(context):
            settings = Settings.of_run(context["params"])
            results = self._sync(context, settings)
        send(results, run=self._run(context["ti"]), open_store=lambda: InventoryHook(settings).store())
        verdicts = [
            each.outcome.verdict(named=each.kind in self.work["named"], retryable=each.retryable) for each in results
        ]
        errors = [str(each.error) for each in results if each.outcome is not Outcome.COMPLETE]
        problems = "\n".join(at_most(errors, "targets", most=100))
        if Verdict.FAIL in verdicts or Verdict.RETRY in verdicts:
            raise failure(problems, retryable=Verdict.RETRY in verdicts, context=context) from None
        if verdicts and all(each is Verdict.SKIP for each in verdicts):
            raise AirflowSkipException(problems)
        return worst_first(
            [{"context": each.context_name, "kind": each.kind, **each.attempt.columns()} for each in results]
        )

    def on_kill(self) -> None:
        if self._running is not None:
            self._running.stop()

    def _sync(self, context: Context, settings: Settings) -> list[Result]:
        """How each target ended. The work is done in threads: a signal raises here, and must not in a statement."""
        from k8s_inventory.hooks.contexts import contexts as configured_contexts
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.kinds import KINDS
        from k8s_inventory.printable import printable
        from k8s_inventory.sync import Custom, PlanError, Sync, Targets, contexts_of
        from k8s_inventory.sync.configured import open_session

        contexts = configured_contexts(settings)
        with InventoryHook(settings).store() as store:
            store.check_schema()
        stopped = threading.Event()

        def session(name: str) -> Session:
            if name not in contexts:
                raise PlanError(f"context {name} is gone from the configuration since this run was planned")
            return open_session(contexts[name](), settings, stopped=stopped)

        self._running = Sync(
            [
                Targets(
                    name,
                    partial(session, name),
                    [KINDS[kind] for kind in self.work["kinds"]],
                    Custom(**self.work["custom"]),
                )
                for name in contexts_of(self.work)
            ],
            run=self._run(context["ti"]),
            settings=settings,
            open_store=lambda: InventoryHook(settings).store(),
            statements={each: getattr(self, each) for each in self.template_fields}
            if self._is_of_one_table()
            else None,
            contexts_at_once=len(contexts_of(self.work)) if self.mode == "watch" else 1,  # none ends before its time
            kinds_at_once=settings.kinds_at_once,
            hold=settings.watch_seconds,
            stopped=stopped,
        )
        ended: list[Result] = []
        with closing(self._running.results()) as results:
            for result in results:
                attempt = result.attempt
                self.log.info(
                    "%s · %s: %s, %d objects in %d pages, %d changed, %d deleted, %.1f s",
                    *(printable(result.context_name), printable(result.kind), attempt.outcome),
                    *(attempt.objects, attempt.pages, attempt.changed, attempt.deleted, attempt.seconds),
                )
                ended.append(result)
        return ended

    def _run(self, task_instance: Any) -> Run:
        from k8s_inventory.sync import Run

        return Run(str(task_instance.run_id), task_instance.try_number, self._invocation(task_instance), self.mode)

    def _invocation(self, task_instance: Any) -> str:
        """The plan's, and how many tries the task had had when it was cleared: Airflow adds them to its `max_tries`.

        A task that is cleared is done again, whatever was completed before; one that is retried is not.
        """
        return f"{self.work.get('invocation', '')}/{max(task_instance.max_tries - (self.retries or 0), 0)}/"
