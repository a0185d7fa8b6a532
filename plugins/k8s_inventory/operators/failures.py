"""How errors end a task: at once where a retry can not mend them, and never with a credential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

from k8s_inventory.printable import printable_lines


def failure(message: str, *, retryable: bool, context: Mapping[str, Any]) -> AirflowException:
    """The exception to raise. `airflow dags test` would sit through a retry's delay: there all is final."""
    message = printable_lines(message)
    is_test = getattr(context.get("dag_run"), "triggering_user_name", None) == "dag_test"
    return AirflowException(message) if retryable and not is_test else AirflowFailException(message)


@contextmanager
def explained(context: Mapping[str, Any]) -> Iterator[None]:
    """Raises what the user or the database got wrong, or took too long, as a failure of the task, in one line."""
    from k8s_inventory.kube.errors import KubeconfigError
    from k8s_inventory.settings import SettingsError
    from k8s_inventory.store import StoreError
    from k8s_inventory.sync import PlanError

    try:
        yield
    except (KubeconfigError, SettingsError, PlanError) as error:
        raise failure(str(error), retryable=False, context=context) from None
    except StoreError as error:
        raise failure(str(error), retryable=error.retryable, context=context) from None
    except AirflowTaskTimeout:
        message = "the task took longer than it may (K8S_TASK_TIMEOUT); what it has not completed is as it was"
        raise failure(message, retryable=True, context=context) from None
