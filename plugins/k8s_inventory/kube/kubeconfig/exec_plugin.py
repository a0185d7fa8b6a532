"""Credentials of an exec plugin: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, repr=False)
class Credential:
    """What one who asks is known by: a token, or a certificate and its key in PEM. `expires` is None where it does
    not say."""

    token: str = ""
    certificate: bytes | None = None
    key: bytes | None = None
    expires: datetime | None = None


@dataclass(frozen=True, repr=False)
class ExecPlugin:
    """A program that prints a credential. `command` is resolved: a path, or a name to be found in $PATH. `cluster` is
    what KUBERNETES_EXEC_INFO says of it, where the plugin is to be told."""

    api_version: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    install_hint: str = ""
    interactive_mode: str = ""
    cluster: Mapping[str, Any] | None = field(default=None)

    def credential(self, *, seconds: float, stopped: threading.Event) -> Credential:
        """Runs it, for `seconds` at most. Raises `NoCredentials`."""
        raise NotImplementedError
