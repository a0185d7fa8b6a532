"""What can go wrong in reading a cluster, one class for each thing the caller does next."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from k8s_inventory.credentials import without_credentials
from k8s_inventory.known_secrets import without_known
from k8s_inventory.mending import cut
from k8s_inventory.outcome import Outcome
from k8s_inventory.printable import ReportedError


class KubeconfigError(ReportedError):
    """A kubeconfig that can not be read at all; the message names the file and what to do."""


class NoKubeconfig(KubeconfigError):
    """None of the files is there; the message may go on with what else can be configured."""


class Unusable(ReportedError):
    """What is wrong with which field of which entry of a kubeconfig, in our own words; its context is not named yet."""


class NoCredentials(Unusable):
    """Whoever should give credentials gave none. `retryable` where it may do later."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class KubeError(ReportedError):
    """A read that did not succeed. `outcome` is what it makes of the target, `retryable` whether a
    later attempt may mend it. The message says what happened and what to do. What it quotes, of a server, a
    kubeconfig or another library, may hold credentials: they are taken out here, for all of them."""

    outcome: ClassVar[Outcome] = Outcome.FAILED
    retryable: bool = True

    def __init__(self, message: str) -> None:
        super().__init__(cut(without_credentials(without_known(message))))  # a cluster may have said any amount of it


class ContextError(KubeError):
    """A context that can not be used as it is configured: a user, cluster or file that is not there."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class Unauthorized(KubeError):
    """Credentials are missing, expired or wrong."""

    outcome = Outcome.UNAUTHORIZED

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class Forbidden(KubeError):
    """The API server knows the user and refuses this read."""

    outcome = Outcome.FORBIDDEN
    retryable = False


class Named(NamedTuple):
    """What a `Status` says it is about (its `details`): an object by its name, and its kind by plural and group."""

    name: str
    plural: str
    group: str


class NotFound(KubeError):
    """The API server does not serve this path. `about` is what it says is not there.

    That an object is gone is proven only where `about` is this object: the server may have read another path than the
    one that was meant, and a proxy may have answered for it. The namespace is not in it.
    """

    outcome = Outcome.ABSENT
    retryable = False

    def __init__(self, message: str, about: Named) -> None:
        super().__init__(message)
        self.about = about


class Unnameable(KubeError):
    """A name that no path can hold: it is not asked for, and nothing can be said of it."""

    retryable = False


class Unreachable(KubeError):
    """The context is dead: no connection, DNS, TLS, or no answer to the question which cluster it is."""

    outcome = Outcome.UNREACHABLE


class Stopped(KubeError):
    """Whoever wanted the answer does not any more."""


class Expired(KubeError):
    """410: the continue token is too old. `continue_token` goes on with an inconsistent rest, if given."""

    def __init__(self, message: str, continue_token: str | None = None) -> None:
        super().__init__(message)
        self.continue_token = continue_token


class BadAnswer(KubeError):
    """An answer that is not what was asked for: HTML of a proxy, a body cut short, a 5xx after retries."""


class NotTaken(BadAnswer):
    """A request that the server understands and can not answer in this form: 400, 406, 415, 422."""


class HeldBack(KubeError):
    """A kind that is not asked for, because what would answer may be another source than the one of its rows."""


class Interrupted(BadAnswer):
    """An answer that broke off, or never came though the connection stood. Other kinds may be healthy: only where the
    cluster does not even say which it is, the context counts as dead."""


class TooSlow(Interrupted):
    """An answer came, but was not whole in the time that it may take."""


class TooLarge(BadAnswer):
    """An answer of more bytes or values than it may have."""


class Unsupported(KubeError):
    """Objects that have no uid: nothing tells them apart over time."""

    outcome = Outcome.UNSUPPORTED
    retryable = False


class NoSuchPath(BadAnswer):
    """404 without a Kubernetes `Status`: an API server answers so for a group that it does not serve,
    and so do proxies. Only discovery can tell which."""
