"""Contexts: which clusters there are, and a private client for each.

Never a silent fallback to the in-cluster configuration, which would read the wrong cluster.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from k8s_inventory.kube.client import Client
from k8s_inventory.kube.errors import ContextError, KubeconfigError, NoKubeconfig, Unusable
from k8s_inventory.kube.kubeconfig.certificates import Pem
from k8s_inventory.kube.kubeconfig.entries import (
    MOST_OF_PEM,
    NOBODY,
    ClusterEntry,
    UserEntry,
    parse_server,
    read_cluster,
    read_file,
    read_user,
)
from k8s_inventory.kube.kubeconfig.files import Entry, Kubeconfig, read_content, read_files

DEFAULT_KUBECONFIG = "~/.kube/config"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api"""

Each = TypeVar("Each")


class Found(dict[str, Each]):
    """Contexts by name. `missing` are the kubeconfigs that were asked for and are not there: what other contexts they
    would hold nobody knows."""

    missing: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Context:
    """One cluster by one explicit source: a kubeconfig (paths or content) and a context in it, or the
    service account of the pod this runs in."""

    name: str
    kubeconfig: str | Mapping[str, Any] | None = field(default=None, repr=False)
    context: str | None = None
    in_cluster: bool = False
    verify_tls: bool = True
    problem: str | None = None
    """Why this context can not be used at all; it then fails alone, and not the run."""
    problem_passes: bool = False
    """Whether a later attempt may find it without the problem."""

    def client(self, *, seconds: float = 60.0, stopped: threading.Event | None = None) -> Client:
        """A new client for this cluster alone, in `seconds` for its user's exec plugin or OIDC issuer.

        Raises `ContextError` for an entry or file that is not there or can not be used, `Unauthorized` for an exec
        plugin or issuer that gives no credentials.
        """
        if self.problem is not None:
            raise ContextError(f"context {self.name}: {self.problem}", retryable=self.problem_passes)
        try:
            cluster, user = _service_account() if self.in_cluster else self._entries()
        except (Unusable, KubeconfigError) as error:
            # Without what raised it: the values in its frames may be credentials.
            raise ContextError(f"context {self.name}: its configuration can not be used: {error}") from None
        stopped = stopped or threading.Event()
        return Client(self.name, cluster, user, verify_tls=self.verify_tls, seconds=seconds, stopped=stopped)

    def _entries(self) -> tuple[ClusterEntry, UserEntry]:
        kubeconfig = self.kubeconfig
        config = read_files(kubeconfig) if isinstance(kubeconfig, str) else read_content(kubeconfig or {})
        name = self.context or config.current_context
        if not name:
            raise Unusable("it names no context of its kubeconfig, which has no current-context")
        context = config.entry("contexts", name)
        if context is None:
            raise Unusable(f'there is no context "{name}" in its kubeconfig')
        cluster = _named(config, context, "cluster")
        if cluster is None:
            raise Unusable(f"{context}: cluster is not set")
        found, user = read_cluster(cluster), _named(config, context, "user")
        return found, read_user(user, found.exec_info) if user else NOBODY


def _named(config: Kubeconfig, context: Entry, what: str) -> Entry | None:
    """The cluster or user that a context names; None where it names none. Raises `Unusable`."""
    value = {} if context.value is None else context.value
    name = value.get(what) if isinstance(value, dict) else context
    if not isinstance(name, str | None):
        raise Unusable(f"{context}: {what} must be the name of a {what}, as text")
    if not name:
        return None
    entry = config.entry(f"{what}s", name)
    if entry is None:
        raise Unusable(f"{context}: its {what} is not among the {what}s of the kubeconfig")
    return entry


def _service_account() -> tuple[ClusterEntry, UserEntry]:
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{each}", "") for each in ("HOST", "PORT"))
    if not host or not port:
        raise Unusable(
            "this runs in no pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
        )
    where = "the pod's service account"
    ca = SERVICE_ACCOUNT / "ca.crt"
    cluster = ClusterEntry(
        server=parse_server(f"https://{f'[{host}]' if ':' in host else host}:{port}", "KUBERNETES_SERVICE_HOST"),
        ca=Pem(read_file(ca, MOST_OF_PEM, f"{where}: ca.crt"), f"{where}: ca.crt"),
        insecure=False,
        tls_server_name="",
        proxy_url="",
        disable_compression=False,
        exec_info={},
    )
    return cluster, UserEntry(where, "", SERVICE_ACCOUNT / "token", None, None, (), None)


def kubeconfig_contexts(kubeconfig: str | None = None) -> Found[Context]:
    """The contexts of one or several kubeconfigs; of `$KUBECONFIG` or ~/.kube/config by default.

    Raises `KubeconfigError` if none of the files is there, or one is no kubeconfig.
    """
    paths = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    try:
        config = read_files(paths)
    except NoKubeconfig as error:
        raise NoKubeconfig(f"{error}: set KUBECONFIG") from None
    found = Found({name: Context(name=name, kubeconfig=paths, context=name) for name in config.contexts})
    found.missing = config.missing
    return found
