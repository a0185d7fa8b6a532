"""Asks ready-made queries, keeps what they answer, and tells of new hits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from k8s_inventory.operators.notes import MOST, leave

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier, Context

    from k8s_inventory.answers import Kept, Notice
    from k8s_inventory.hooks.report_files import ReportFiles
    from k8s_inventory.queries import Query
    from k8s_inventory.settings import Settings
    from k8s_inventory.store import Store


class AskOperator(BaseOperator):
    """Asks each query once, writes what it answers as CSV, draws how many hits there were when, and has notifiers tell
    of hits that are new. Returns hits and new hits, by query.

    :param queries: folders, queries and patterns, as `K8S_REPORT_QUERIES` has them, which counts where there are none.
    :param notifier: one or several, whose templates have `report`: see `answers.Notice`. Those of
        `K8S_REPORT_NOTIFIERS` are called besides.
    :param refused: what is wrong with how the DAG is configured, where something is: nothing is asked then.

    A query that fails does not keep others from being asked; the task fails once all is done. What no notifier has
    taken is told by the next attempt, or run.
    """

    def __init__(
        self,
        *,
        queries: Sequence[str] | None = None,
        notifier: BaseNotifier | Sequence[BaseNotifier] | None = None,
        refused: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.refused = refused
        self.queries = queries
        self.notifiers = list(notifier) if isinstance(notifier, list | tuple) else [notifier] if notifier else []

    def execute(self, context: Context) -> dict[str, dict[str, int | None]]:
        from k8s_inventory.answers import MOST_POINTS, choose, counted, drawn, note, notice, told
        from k8s_inventory.hooks.inventory import InventoryHook
        from k8s_inventory.hooks.notifiers import notifiers_of
        from k8s_inventory.hooks.report_files import ReportFiles
        from k8s_inventory.operators.failures import explained, failure
        from k8s_inventory.settings import Settings, SettingsError

        with explained(context):
            if self.refused:
                raise SettingsError(self.refused)
            settings = Settings.load()
            queries = choose(self.queries or settings.report_queries)
            notifiers = [*self.notifiers, *notifiers_of(settings)]
            files = ReportFiles(settings)
            with InventoryHook(settings).store() as store:
                store.check_schema()
                of_run = {"report": str(context["ti"].dag_id), "run_id": str(context["run_id"])}
                kept = self._ask(store, queries, settings, files, of_run)
                files.write_picture(drawn(counted(store, queries, report=of_run["report"], most=MOST_POINTS)))
                store.forget_old_answers(settings.report_days)
                files.forget_old(settings.report_days)
                leave(context, note(kept, most=MOST))
                to_tell = [each for each in kept if each.to_tell]
                if to_tell and notifiers:
                    self._tell(context, notifiers, notice(to_tell, folder=files.folder))
                told(store, to_tell, report=of_run["report"])
        problems = [*(each.error for each in kept if each.error), *files.problems]
        if problems:
            raise failure("\n".join(problems), retryable=False, context=context)
        return {each.query.path: {"hits": each.hits, "new": each.new} for each in kept}

    def _ask(
        self, store: Store, queries: Sequence[Query], settings: Settings, files: ReportFiles, of_run: dict[str, str]
    ) -> list[Kept]:
        from k8s_inventory.answers import as_csv, ask, failed, keep
        from k8s_inventory.store import StoreError

        ended: list[Kept] = []
        for query in queries:
            try:
                answer = ask(store, query, seconds=settings.report_seconds, most_rows=settings.report_rows)
                kept = keep(store, answer, **of_run)
            except StoreError as error:
                if store.is_lost:
                    raise
                kept = failed(store, query, str(error), **of_run)
                self.log.warning("%s", error)
            else:
                files.write(f"{query.path}.csv", as_csv(answer, kept))
                left_out = f", {answer.left_out} rows are not in its CSV" if answer.left_out else ""
                self.log.info("%s: %s hits, %s new, %s gone%s", query.path, kept.hits, kept.new, kept.gone, left_out)
            ended.append(kept)
        return ended

    def _tell(self, context: Context, notifiers: Sequence[BaseNotifier], said: Notice) -> None:
        """Has all notifiers tell, whatever becomes of one; fails then, without the text of what it raised."""
        from airflow.sdk.exceptions import AirflowTaskTimeout

        from k8s_inventory.operators.failures import failure
        from k8s_inventory.tracebacks import without_texts

        refused = []
        for notifier in notifiers:
            try:
                notifier({**context, "report": said})
            except AirflowTaskTimeout:
                raise
            except Exception as error:  # a notifier raises what its service's library raises
                self.log.error("%s did not take it", type(notifier).__name__, exc_info=without_texts(error))
                refused.append(f"{type(notifier).__name__} ({type(error).__name__})")
        if refused:
            message = f"not told: {', '.join(refused)}; it is told the next time, with what is new until then"
            raise failure(message, retryable=True, context=context)
        self.log.info("told: %s", said.title)
