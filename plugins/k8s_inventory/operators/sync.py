"""Syncs the kinds of one context that its task is given: one, a family, or all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowSkipException

from k8s_inventory.operators.interrupts import Interruptible

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context

    from k8s_inventory.kinds import Kind
    from k8s_inventory.settings import Settings
    from k8s_inventory.store import Store
    from k8s_inventory.sync import Result


class ReportLink(BaseOperatorLink):
    """Leads from a mapped task to the report of its run."""

    name = "Report of this run"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        return f"/dags/{ti_key.dag_id}/runs/{ti_key.run_id}/tasks/report"


class SyncOperator(BaseOperator):
    """Brings the rows of its targets up to date.

    :param work: what `plan` returned for this task: `label`, `context`, `kinds`, `custom` (patterns of kinds without a
        declaration), `named`, those of its kinds that the user asked for by name, and `invocation`.
    :param create_staging, see, stage, merge, missing, prune, prune_absent: the SQL that it runs, as templates of
        include/sql/store; the UI shows them rendered. Values are bound when they run.

    A target that is not complete fails its task, after all others were tried; a forbidden or absent kind that was
    not named does not, and skips the task where it has no other. A retry repeats only what was not complete.
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
        self.create_staging = create_staging
        self.see = see
        self.stage = stage
        self.merge = merge
        self.missing = missing
        self.prune = prune
        self.prune_absent = prune_absent
        self._work: Interruptible | None = None

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
        """Renders the SQL for the task's kind. A task of several kinds renders each as it comes to it."""
        from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS
        from k8s_inventory.store.statements import variables

        if not self._is_rendered():
            return
        kinds = self.work["kinds"]
        names: Any = {**context, **variables(KINDS[kinds[0]] if kinds else CUSTOM_OBJECTS)}
        super()._do_render_template_fields(parent, template_fields, names, self.get_template_env(), seen_oids)

    def _is_rendered(self) -> bool:
        """Whether all of the task's kinds share a table, so that its SQL is the same for all."""
        return len(self.work["kinds"]) + bool(self.work["custom"]["include"]) == 1

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from k8s_inventory.hooks import clusters
        from k8s_inventory.operators.failures import explained, failure
        from k8s_inventory.outcome import Outcome, Verdict
        from k8s_inventory.settings import Settings

        with explained(context):
            settings = Settings.of_run(context["params"])
            contexts = clusters.contexts(settings)
            self._work = Interruptible()
            results = self._work.run(partial(self._sync, context, settings, contexts, self._work))
        verdicts = [
            each.outcome.verdict(named=each.kind in self.work["named"], retryable=each.retryable) for each in results
        ]
        problems = "\n".join(str(each.error) for each in results if each.outcome is not Outcome.COMPLETE)
        if Verdict.FAIL in verdicts or Verdict.RETRY in verdicts:
            raise failure(problems, retryable=Verdict.RETRY in verdicts, context=context) from None
        if verdicts and all(each is Verdict.SKIP for each in verdicts):
            raise AirflowSkipException(problems)
        return [{"context": each.context_name, "kind": each.kind, **each.attempt.columns()} for each in results]

    def on_kill(self) -> None:
        if self._work is not None:
            self._work.stop()

    def _sync(
        self, context: Context, settings: Settings, contexts: dict[str, Any], work: Interruptible
    ) -> Sequence[Result]:
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS
        from k8s_inventory.printable import printable
        from k8s_inventory.sync import Custom, PlanError, Run, Writer, attempted, find_custom, sync_kinds
        from k8s_inventory.sync.configured import open_session

        task_instance = context["ti"]
        run = Run(str(context["run_id"]), task_instance.try_number, self._invocation(task_instance))
        rendered = {name: getattr(self, name) for name in self.template_fields} if self._is_rendered() else None
        context_name, custom = self.work["context"], Custom(**self.work["custom"])
        kinds = [KINDS[name] for name in self.work["kinds"]]
        if context_name not in contexts:
            raise PlanError(f"context {context_name} is gone from the configuration since this run was planned")
        results: list[Result] = []

        def open_store() -> Store:
            store = InventoryHook(settings).store()
            work.when_stopped(store.cancel)
            return store

        def find(store: Store) -> Result:
            result, found = find_custom(session, store, custom, run=run, settings=settings)
            kinds.extend(found)
            return result

        with open_session(contexts[context_name](), settings, stopped=work.stopped) as session:
            with Writer(open_store, stopped=work.stopped) as writer:
                writer.store().check_schema()
                if custom.include:
                    results.append(attempted(writer, session, CUSTOM_OBJECTS, find, run=run, settings=settings))
                if run.attempt > 1 and len(kinds) > 1:
                    kinds = self._left(kinds, writer.store().run_report(run.run_id, run.invocation))
            for result in sync_kinds(session, open_store, kinds, run=run, settings=settings, statements=rendered):
                attempt = result.attempt
                self.log.info(
                    "%s · %s: %s, %d objects, %d changed, %d deleted, %.1f s",
                    *(printable(context_name), printable(result.kind), attempt.outcome),
                    *(attempt.objects, attempt.changed, attempt.deleted, attempt.seconds),
                )
                results.append(result)
        return results

    def _invocation(self, task_instance: Any) -> str:
        """The plan's, and how many tries the task had had when it was cleared: Airflow adds them to its `max_tries`.

        A task that is cleared is done again, whatever was completed before; one that is retried is not.
        """
        return f"{self.work.get('invocation', '')}/{max(task_instance.max_tries - (self.retries or 0), 0)}/"

    def _left(self, kinds: Sequence[Kind], report: Sequence[Mapping[str, Any]]) -> list[Kind]:
        """The kinds that no earlier attempt of this invocation has completed."""
        from k8s_inventory.printable import printable

        context_name = self.work["context"]
        done = {row["kind"] for row in report if (row["context_name"], row["outcome"]) == (context_name, "complete")}
        for kind in kinds:
            if kind.name in done:
                where = printable(f"{context_name} · {kind.name}")
                self.log.info("%s: complete by an earlier attempt", where)
        return [kind for kind in kinds if kind.name not in done]
