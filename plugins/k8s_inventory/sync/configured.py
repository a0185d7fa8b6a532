"""The contexts that the settings configure, and sessions with the limits that they set."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from k8s_inventory.kube.contexts import Context, Found, kubeconfig_contexts
from k8s_inventory.kube.errors import KubeconfigError
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings


def configured_contexts(
    settings: Settings, connections: Mapping[str, Callable[[], Context]] | None = None
) -> Found[Callable[[], Context]]:
    """Every context that there is, by name, each resolved when it is called for.

    `connections`, where there are any, replace the kubeconfig. Raises `KubeconfigError` if the kubeconfig can
    not be read, or two contexts have one name.
    """
    found: Found[Callable[[], Context]] = Found(connections or {})
    if not found and (settings.kubeconfig or not settings.in_cluster_name):
        read = kubeconfig_contexts(settings.kubeconfig)
        found.update({name: partial(read.__getitem__, name) for name in read})
        found.missing = read.missing
    here = settings.in_cluster_name
    if here in found:
        raise KubeconfigError(f"in_cluster_name {here!r} is the name of another context, too")
    if here:
        found[here] = partial(Context, name=here, in_cluster=True)
    return found


def missing_kubeconfig(path: Path) -> str:
    """What people are told of it."""
    return f"there is no kubeconfig {path}, which is configured: what contexts are in it is not known"


def open_session(
    context: Context, settings: Settings, *, stopped: threading.Event | None = None, **limits: float
) -> Session:
    """A session with the limits that the settings give, but for those that are given; close it."""
    named = {each.name for each in fields(Limits)} & type(settings).model_fields.keys()
    chosen: dict[str, Any] = {**{name: getattr(settings, name) for name in named}, **limits}
    return Session(context, Limits(**chosen), stopped=stopped)
