"""Clusters from a kubeconfig, from Airflow connections of type kubernetes, or the one this runs in."""

from __future__ import annotations

from collections.abc import Callable

from k8s_inventory.kube.contexts import Context, Found
from k8s_inventory.kube.errors import NoKubeconfig
from k8s_inventory.settings import Settings
from k8s_inventory.sync.configured import configured_contexts


def contexts(settings: Settings) -> Found[Callable[[], Context]]:
    """Every context that there is, those of Airflow's connections included. Raises `KubeconfigError`."""
    connections: dict[str, Callable[[], Context]] = {}
    if settings.kubernetes_conn_ids:  # the library that this imports takes most of a task's start
        from k8s_inventory.hooks.clusters import ClusterHook

        connections = {conn_id: ClusterHook(conn_id=conn_id).context for conn_id in settings.kubernetes_conn_ids}
    try:
        return configured_contexts(settings, connections)
    except NoKubeconfig as error:
        raise NoKubeconfig(
            f"{error}, or name Airflow connections of type kubernetes in K8S_KUBERNETES_CONN_IDS"
        ) from None
