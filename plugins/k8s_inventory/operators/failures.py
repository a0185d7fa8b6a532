"""How errors end a task: at once where a retry can not mend them, and never with a credential."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

from k8s_inventory.printable import printable_lines
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger(__name__)


def failure(message: str, *, retryable: bool, context: Mapping[str, Any]) -> AirflowException:
    """The exception to raise. `airflow dags test` would sit through a retry's delay: there all is final."""
    message = printable_lines(message)
    is_test = getattr(context.get("dag_run"), "triggering_user_name", None) == "dag_test"
    return AirflowException(message) if retryable and not is_test else AirflowFailException(message)


@contextmanager
def explained(context: Mapping[str, Any]) -> Iterator[None]:
    """Raises what went wrong as a failure of the task, in one line; where nobody foresaw it, without its text."""
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
    except AirflowException:
        raise
    except Exception as error:
        log.error("not foreseen", exc_info=without_texts(error))
        message = f"{type(error).__name__}, which was not foreseen; the lines before this one have more"
        raise failure(message, retryable=True, context=context) from None
