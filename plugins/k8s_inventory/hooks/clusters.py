"""Clusters from a kubeconfig, from Airflow connections of type kubernetes, or the one this runs in."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk.exceptions import AirflowNotFoundException
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
        """The connection's cluster, under the connection's name; with its `problem` if it names none."""
        name = str(self.conn_id)
        try:
            sources = {field: self._get_field(field) for field in ("in_cluster", "kube_config_path", "kube_config")}
        except AirflowNotFoundException:
            return Context(name=name, problem=f"there is no Airflow connection {name!r}")
        chosen = [field for field, value in sources.items() if value]
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none of them"
            return Context(
                name=name,
                problem=f"connection {name} must have exactly one of in_cluster, kube_config_path and kube_config; "
                f"it has {found}",
            )
        content = _content(sources["kube_config"]) if sources["kube_config"] else None
        if sources["kube_config"] and content is None:
            return Context(name=name, problem=f"connection {name}: kube_config is not a kubeconfig in JSON")
        return Context(
            name=name,
            kubeconfig=sources["kube_config_path"] or content,
            context=self.cluster_context or self._get_field("cluster_context"),
            in_cluster=bool(sources["in_cluster"]),
            verify_tls=not self._get_field("disable_verify_ssl"),
        )

    def get_conn(self) -> ApiClient:
        """A private client; never the library's shared default configuration."""
        return self.context().client()


def _content(kube_config: Any) -> dict[str, Any] | None:
    if isinstance(kube_config, str):
        try:
            kube_config = json.loads(kube_config)
        except ValueError:
            return None
    return kube_config if isinstance(kube_config, dict) else None


def configured_contexts(settings: Settings) -> dict[str, Callable[[], Context]]:
    """Every context that there is, by name, each resolved when it is called for.

    Raises `KubeconfigError` if the kubeconfig can not be read, or two contexts have one name.
    """
    found: dict[str, Callable[[], Context]] = {}
    if settings.kubernetes_conn_ids:
        found = {conn_id: ClusterHook(conn_id=conn_id).context for conn_id in settings.kubernetes_conn_ids}
    elif settings.kubeconfig or not settings.in_cluster_name:
        read = kubeconfig_contexts(settings.kubeconfig)
        found = {name: partial(read.__getitem__, name) for name in read}
    here = settings.in_cluster_name
    if here in found:
        raise KubeconfigError(f"in_cluster_name {here!r} is the name of another context, too")
    if here:
        found[here] = partial(Context, name=here, in_cluster=True)
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
