"""What this package knows to be secret is masked in what Airflow itself logs and shows, too."""

from __future__ import annotations

from airflow.sdk.log import mask_secret

from k8s_inventory.known_secrets import learn, learn_kubeconfig, tell


def mask(*connections: object) -> None:
    """From now on the secrets that are used, and those of these Airflow connections."""
    tell(_mask)
    for each in connections:
        learn(getattr(each, "password", None))
        learn_kubeconfig(getattr(each, "extra_dejson", None), is_used=True)


def _mask(secret: str) -> None:
    """`airflow dags test` masks nothing in its log, and writes there, at DEBUG, what it is told to mask."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms

    if not isinstance(getattr(task_runner, "SUPERVISOR_COMMS", None), InProcessSupervisorComms):
        mask_secret(secret)
