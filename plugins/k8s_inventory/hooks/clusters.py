"""Clusters from a kubeconfig, from Airflow connections of type kubernetes, or the one this runs in."""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from kubernetes.client import ApiClient

from k8s_inventory.kube.contexts import Context, KubeconfigError, kubeconfig_contexts
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings


class ClusterHook(KubernetesHook):
    """One Airflow connection as one explicit cluster.

    Where `KubernetesHook` falls back to the in-cluster configuration or to ~/.kube/config, this refuses:
    an inventory of the wrong cluster is worse than none.
    """

    def context(self) -> Context:
        """The connection's cluster, under the connection's name. Raises `KubeconfigError` if it names none."""
        name = str(self.conn_id)
        sources = {field: self._get_field(field) for field in ("in_cluster", "kube_config_path", "kube_config")}
        chosen = [field for field, value in sources.items() if value]
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none of them"
            raise KubeconfigError(
                f"connection {name} must have exactly one of in_cluster, kube_config_path and kube_config; "
                f"it has {found}"
            )
        return Context(
            name=name,
            kubeconfig=sources["kube_config_path"] or _content(name, sources["kube_config"]),
            context=self.cluster_context or self._get_field("cluster_context"),
            in_cluster=bool(sources["in_cluster"]),
            verify_tls=not self._get_field("disable_verify_ssl"),
        )

    def get_conn(self) -> ApiClient:
        """A private client; never the library's shared default configuration."""
        return self.context().client()


def _content(name: str, kube_config: Any) -> dict[str, Any] | None:
    if not isinstance(kube_config, str):
        return kube_config  # type: ignore[no-any-return]
    try:
        content = json.loads(kube_config)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise KubeconfigError(f"connection {name}: kube_config is not a kubeconfig in JSON")
    return content


def configured_contexts(settings: Settings) -> dict[str, Context]:
    """Every context that there is, by name. Raises `KubeconfigError` if the sources can not be read."""
    found: dict[str, Context] = {}
    if settings.kubernetes_conn_ids:
        found = {conn_id: ClusterHook(conn_id=conn_id).context() for conn_id in settings.kubernetes_conn_ids}
    elif settings.kubeconfig or not settings.in_cluster_name:
        found = kubeconfig_contexts(settings.kubeconfig)
    if settings.in_cluster_name:
        if settings.in_cluster_name in found:
            raise KubeconfigError(f"in_cluster_name {settings.in_cluster_name!r} is the name of another context, too")
        found[settings.in_cluster_name] = Context(name=settings.in_cluster_name, in_cluster=True)
    return found


def session(context: Context, settings: Settings) -> Session:
    """A session with the limits that the settings give."""
    return Session(
        context,
        Limits(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            requests_in_flight=settings.requests_in_flight,
            requests_per_second=settings.requests_per_second,
            compress=settings.compress,
        ),
    )
