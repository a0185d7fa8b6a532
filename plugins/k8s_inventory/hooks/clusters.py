"""Clusters by Airflow connections of type kubernetes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk.exceptions import AirflowNotFoundException
from kubernetes.client import ApiClient, Configuration

from k8s_inventory.hooks.flags import flag
from k8s_inventory.known_secrets import learn_connection
from k8s_inventory.kube.client import Client
from k8s_inventory.kube.contexts import Context

_SOURCES = ("in_cluster", "kube_config_path", "kube_config")
_FLAGS = ("in_cluster", "disable_verify_ssl")
_CONTEXT = "cluster_context"


class ClusterHook(KubernetesHook):
    """One Airflow connection as one explicit cluster.

    Where `KubernetesHook` falls back to the in-cluster configuration or to ~/.kube/config, this refuses:
    an inventory of the wrong cluster is worse than none.
    """

    def context(self) -> Context:
        """The connection's cluster, under the connection's name; with its `problem` if it names none."""
        name = str(self.conn_id)
        try:
            connection = self.get_connection(name)
            if not isinstance(connection.extra_dejson, dict):
                return Context(name=name, problem=f"connection {name}: its extra must be an object of JSON")
            learn_connection(connection)
            fields = {field: self._get_field(field) for field in (*_SOURCES, *_FLAGS, _CONTEXT)}
        except AirflowNotFoundException:
            return Context(name=name, problem=f"there is no Airflow connection {name!r}")
        except Exception as error:  # noqa: BLE001 - what the secrets backend raises
            why = f"Airflow can not look up the connection {name!r} now ({type(error).__name__})"
            return Context(name=name, problem=why, problem_passes=True)
        try:
            fields |= {field: flag(fields[field], field) for field in _FLAGS}
            for field in ("kube_config_path", _CONTEXT):
                if not isinstance(fields[field], str | None):
                    raise ValueError(f"{field} must be text")
        except ValueError as error:
            return Context(name=name, problem=f"connection {name}: {error}")
        chosen = [field for field in _SOURCES if fields[field]]
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none of them"
            return Context(
                name=name,
                problem=f"connection {name} must have exactly one of in_cluster, kube_config_path and kube_config; "
                f"it has {found}",
            )
        content = _content(fields["kube_config"]) if fields["kube_config"] else None
        if fields["kube_config"] and content is None:
            return Context(name=name, problem=f"connection {name}: kube_config is not a kubeconfig in JSON")
        return Context(
            name=name,
            kubeconfig=fields["kube_config_path"] or content,
            context=self.cluster_context or fields[_CONTEXT],
            in_cluster=fields["in_cluster"],
            verify_tls=not fields["disable_verify_ssl"],
        )

    def get_conn(self) -> ApiClient:
        """A private client; never the library's shared default configuration.

        It asks through our connections, with our headers: the library would write keys to files, and take any text
        for true.
        """
        client = self.context().client()
        configuration = Configuration(host=client.url)
        configuration.proxy = None  # it takes the environment's, and not all that curl and kubectl understand
        made = ApiClient(configuration)
        made.rest_client.pool_manager = _Connections(client)
        return made


class _Connections:
    """What the library uses of a `urllib3.PoolManager`, for the requests of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        sent = self._client.headers()
        sent.update(headers or {})
        return self._client.pools.request(method, url, headers=sent, **options)


def _content(kube_config: Any) -> dict[str, Any] | None:
    if isinstance(kube_config, str):
        try:
            kube_config = json.loads(kube_config)
        except (ValueError, RecursionError):
            return None
    return kube_config if isinstance(kube_config, dict) else None
