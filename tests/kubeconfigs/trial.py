"""One kubeconfig is read as people read theirs, and all that is said of it is looked through."""

from __future__ import annotations

import base64
import logging
import os
import re
import socket
import subprocess
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from k8s_inventory import printable
from k8s_inventory.kinds import ApiPath
from k8s_inventory.known_secrets import without_known
from k8s_inventory.kube import errors
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.errors import KubeconfigError, KubeError
from k8s_inventory.kube.session import Limits, Session
from tests.kubeconfigs.mutations import Made, Place, make
from tests.kubectl import KUBECTL
from tests.listener import Authority, Listener

LIMITS = Limits(
    connect_timeout=1,
    read_timeout=2,
    request_timeout=3,
    context_timeout=3,
    credential_timeout=2,
    attempts=1,
    longest_wait=0.1,
    requests_per_second=1000,
)
_TYPE = re.compile(r"\b(?:[A-Z][A-Za-z]+(?:Error|Exception|Warning|Exit)|Exception)\b|object at 0x|<class ")


@dataclass
class Trial:
    """`messages` are what was said of the file or each context; `faults` what must not be; `differences` where kubectl
    reads a context that we do not read, and why."""

    seed: int
    made: Made = field(default_factory=Made)
    messages: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        did = "; ".join(self.made.mutations)
        return "\n  ".join([f"seed {self.seed} ({did}):", *self.faults, *(f"says {each}" for each in self.messages)])


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    authority = Authority()
    with Listener(folder, authority) as listener, Listener(folder, authority, encrypted=False) as plain:
        yield Place.make(folder, authority, listener, plain)


def run(seed: int, place: Place, *, kubectl: bool = False) -> Trial:
    """Reads the kubeconfig of a seed with the last line of known secrets and without."""
    trial = Trial(seed, make(seed, place))
    path = place.folder / "config"
    path.write_bytes(trial.made.content)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        stack.enter_context(mock.patch.object(tempfile, "tempdir", temporary))
        stack.enter_context(mock.patch.dict(os.environ, {"TMPDIR": temporary}))
        stack.enter_context(mock.patch.object(socket, "getaddrinfo", _of_this_machine))
        said = stack.enter_context(_logged())
        # What is made to be shown must hold no secret by itself.
        stack.enter_context(mock.patch.object(printable, "without_known", str))
        stack.enter_context(mock.patch.object(errors, "without_known", str))
        for context, why in _read(path, trial):
            if kubectl and why is not None and _kubectl_reads(path, context.name, place.folder):
                trial.differences.append(f"{type(why).__name__}: {why}")
                if not isinstance(why, errors.ContextError):
                    trial.faults.append(f"kubectl reads {context.name!r}, and we do not: {why}")
        if left := [each.name for each in Path(temporary).iterdir()]:
            trial.faults.append(f"files are left: {left}")
    _look_through(trial, said)
    return trial


def _read(path: Path, trial: Trial) -> Iterator[tuple[Context, Exception | None]]:
    try:
        contexts = kubeconfig_contexts(str(path))
    except KubeconfigError as error:
        trial.messages.append(str(error))
        return
    except Exception:  # noqa: BLE001 - that there is none is what is tested
        trial.faults.append(traceback.format_exc())
        return
    for context in contexts.values():
        why: Exception | None = None
        try:
            with Session(context, LIMITS) as session:
                session.get(ApiPath("version"))
        except KubeError as error:
            trial.messages.append(str(error))
            why = error
        except Exception as error:  # noqa: BLE001
            trial.faults.append(traceback.format_exc())
            why = error
        yield context, why


def _look_through(trial: Trial, said: list[str]) -> None:
    everything = "\n".join([*trial.messages, *said])
    for secret in set(trial.made.secrets):
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
            if form and form in everything:
                trial.faults.append(f"leaks {form}")
                if form in without_known(everything):
                    trial.faults.append(f"leaks {form}, and it is not known to be a secret")
    for each in trial.messages:
        if _TYPE.search(each):
            trial.faults.append(f"speaks of Python: {each}")
        if len(each) < 20 or not each.isprintable():
            trial.faults.append(f"says nothing: {each!r}")


@contextmanager
def _logged() -> Iterator[list[str]]:
    said: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record))

    handler, root = Handler(), logging.getLogger()
    level, disabled = root.level, root.manager.disable
    logging.disable(logging.NOTSET)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        logging.disable(disabled)


_getaddrinfo = socket.getaddrinfo


def _of_this_machine(host: Any, *arguments: Any, **options: Any) -> Any:
    """No name is looked up: that takes seconds where there is no network."""
    if str(host).strip("[]").lower() in ("127.0.0.1", "::1", "localhost", "none"):
        return _getaddrinfo(host, *arguments, **options)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _kubectl_reads(path: Path, context: str, folder: Path) -> bool:
    assert KUBECTL
    command = [KUBECTL, f"--context={context}", "--request-timeout=2s", "get", "--raw", "/version"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": str(path)}
    try:
        return (
            subprocess.run(command, env=environ, capture_output=True, stdin=subprocess.DEVNULL, timeout=10).returncode
            == 0
        )
    except (subprocess.TimeoutExpired, ValueError):
        return False
