"""The note of a run: what came of it, in a few lines of Markdown, where Airflow's UI shows the run.

A task can not write one: neither the Task SDK nor the API that tasks talk to has it. So a task leaves its text as an
XCom, and the scheduler, which ends the run, makes it the run's note.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

NOTE = "note"
"""Key of the XCom that a task leaves."""
_MARKDOWN = "markdown"
AUTHOR = "k8s_inventory"
"""Whose note it is, so that one that a person wrote is told apart, and stays."""
MOST = 1000
"""Characters that a note may have, by Airflow's API and database."""
NOTHING_PLANNED = "**Nothing was planned.** The log of the task `plan` says why."
_FROM = ("ReportOperator", "AnnounceOperator", "AskOperator")
"""The operators that leave one: of other DAGs' runs nothing is looked up, as the scheduler waits for it."""


def leave(context: Context, text: str) -> None:
    """Leaves the run's note, in Markdown, for the scheduler."""
    context["ti"].xcom_push(key=NOTE, value={_MARKDOWN: text})


class RunNotes:
    """A listener: https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/listeners.html"""

    @hookimpl  # type: ignore[untyped-decorator]
    def on_dag_run_success(self, dag_run: Any) -> None:
        _note(dag_run)

    @hookimpl  # type: ignore[untyped-decorator]
    def on_dag_run_failed(self, dag_run: Any) -> None:
        _note(dag_run)


def _note(dag_run: Any) -> None:
    """Sets the run's note in the transaction that ends the run; what goes wrong here must not keep it from ending."""
    from airflow.utils.session import create_session
    from sqlalchemy.orm import object_session

    try:
        task_ids = [task.task_id for task in dag_run.get_dag().tasks if task.task_type in _FROM]
        session = object_session(dag_run)
        if task_ids and session is not None:
            with session.no_autoflush:  # what the scheduler has to write, it writes when it means to
                _set(dag_run, session, task_ids)
        elif task_ids:  # `airflow dags test` has let go of the run
            with create_session() as session:
                _set(session.get(type(dag_run), dag_run.id), session, task_ids)
    except Exception as error:  # noqa: BLE001
        log.warning("the run %s has no note: %s", dag_run.run_id, type(error).__name__)


def _set(dag_run: Any, session: Any, task_ids: list[str]) -> None:
    from airflow.models.xcom import XComModel

    found = XComModel.get_many(key=NOTE, run_id=dag_run.run_id, dag_ids=dag_run.dag_id, task_ids=task_ids, limit=1)
    left = session.scalar(found)
    value = XComModel.deserialize_value(left) if left is not None else None
    text = value.get(_MARKDOWN) if isinstance(value, dict) else None  # a backend of its own may leave a path here
    before = dag_run.dag_run_note
    if not isinstance(text, str) or (before is not None and before.user_id != AUTHOR):
        return
    if before is None:
        dag_run.note = (text[:MOST], AUTHOR)
    else:
        before.content = text[:MOST]
