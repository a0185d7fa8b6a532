"""What can go wrong in reading a cluster, one class for each thing the caller does next."""

from __future__ import annotations

from typing import ClassVar, Literal

Outcome = Literal["complete", "partial", "unauthorized", "forbidden", "absent", "unreachable", "unsupported", "failed"]


class KubeError(Exception):
    """A read that did not succeed. `outcome` is what it makes of the target, `retryable` whether a
    later attempt may mend it. The message says what happened and what to do, never a credential."""

    outcome: ClassVar[Outcome] = "failed"
    retryable: ClassVar[bool] = True


class ContextError(KubeError):
    """A context that can not be used as it is configured: a user, cluster or file that is not there."""

    retryable = False


class Unauthorized(KubeError):
    """Credentials are missing, expired or wrong."""

    outcome = "unauthorized"
    retryable = False


class Forbidden(KubeError):
    """The API server knows the user and refuses this read."""

    outcome = "forbidden"
    retryable = False


class NotFound(KubeError):
    """The API server does not serve this path."""

    outcome = "absent"
    retryable = False


class Unreachable(KubeError):
    """No answer: no connection, DNS, TLS, timeout."""

    outcome = "unreachable"


class Expired(KubeError):
    """410: the continue token is too old. `continue_token` goes on with an inconsistent rest, if given."""

    def __init__(self, message: str, continue_token: str | None = None) -> None:
        super().__init__(message)
        self.continue_token = continue_token


class BadAnswer(KubeError):
    """An answer that is not what was asked for: HTML of a proxy, a body cut short, a 5xx after retries."""


class Unsupported(KubeError):
    """Objects that have no uid: nothing tells them apart over time."""

    outcome = "unsupported"
    retryable = False


class NoSuchPath(BadAnswer):
    """404 without a Kubernetes `Status`: an API server answers so for a group that it does not serve,
    and so do proxies. Only discovery can tell which."""
