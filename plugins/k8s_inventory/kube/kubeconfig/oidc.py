"""Credentials of `auth-provider: oidc`: an ID token, and a new one of its issuer once that has expired."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from k8s_inventory.kube.kubeconfig.exec_plugin import Credential


@dataclass(frozen=True, repr=False)
class OidcProvider:
    """`client_secret` is empty for a public client. `ca` is PEM; without it the system's CAs are trusted."""

    issuer_url: str
    client_id: str
    client_secret: str = ""
    id_token: str = ""
    refresh_token: str = ""
    ca: bytes | None = None

    def credential(self, *, seconds: float, stopped: threading.Event) -> Credential:
        """The ID token, or a new one, in `seconds` at most. Raises `NoCredentials`."""
        raise NotImplementedError
