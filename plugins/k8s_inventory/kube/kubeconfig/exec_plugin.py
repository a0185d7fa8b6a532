"""Credentials of an exec plugin: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins

What it is told, and what is taken of it, is as in client-go's `plugin/pkg/client/auth/exec`; what bounds it is ours.
"""

from __future__ import annotations

import errno
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from k8s_inventory.credentials import REDACTED, names_a_secret, without_credentials
from k8s_inventory.decoders import decoder
from k8s_inventory.kube.errors import KubeconfigError, NoCredentials
from k8s_inventory.kube.kubeconfig.files import parsed
from k8s_inventory.mending import cut
from k8s_inventory.printable import printable

_GROUP = "client.authentication.k8s.io"
_VERSIONS = (f"{_GROUP}/v1", f"{_GROUP}/v1beta1")
_INTERACTIVE_MODES = ("Never", "IfAvailable", "Always")

_MOST_OF_STDOUT = 1 << 20
_KEPT_OF_STDERR = 1 << 16
"""Bytes, the last: a plugin that is told to be verbose may say any amount."""
_MOST_SHOWN, _MOST_LINES = 1000, 20
"""Characters and lines, the last, of what it said."""

_BLOCK = 1 << 16
_SLICE = 0.1
"""Seconds after which one who waits looks whether to go on."""
_LINGER = 1.0
"""Seconds to wait, once the plugin has ended, for what processes of its own that hold its output may still say."""
_GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL."""

_PROCESSES = Path("/proc")
"""Only Linux has it. Elsewhere processes are known by their group alone."""
_MARK = "K8S_INVENTORY_PLUGIN_RUN"
"""A variable by which all processes of one run are known, whatever session they are in."""

_SHORTEST_SECRET = 4
"""Characters. To take out what is shorter would leave nothing to read, and hide nothing."""

_WORD = re.compile(r"""[^\s"'=,;:|(){}\[\]<>\\]{8,}""")
_COLOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, repr=False)
class Credential:
    """What one who asks is known by: a token, or a certificate and its key in PEM. `expires` is None where it does
    not say."""

    token: str = ""
    certificate: bytes | None = None
    key: bytes | None = None
    expires: datetime | None = None


def header_token(token: str) -> str | None:
    """The token without the white space around it, which kubectl takes off those of files. None if no header can hold
    it."""
    stripped = token.strip()
    return stripped if stripped.isascii() and stripped.isprintable() else None


class _Status(msgspec.Struct):
    token: str | None = None
    certificate: str | None = msgspec.field(default=None, name="clientCertificateData")
    key: str | None = msgspec.field(default=None, name="clientKeyData")
    expires: str | None = msgspec.field(default=None, name="expirationTimestamp")


class _Output(msgspec.Struct):
    """An ExecCredential. Without a kind it is one, too, as client-go has it."""

    api_version: str | None = msgspec.field(default=None, name="apiVersion")
    kind: str | None = None
    status: _Status | None = None


_outputs = decoder(_Output)


@dataclass(frozen=True, repr=False)
class _Ended:
    """`code` is None where it had to be ended, because of `problem`."""

    stdout: bytes
    stderr: bytes
    code: int | None
    problem: str = ""


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
        """Runs it, for `seconds` at most. Raises `NoCredentials`.

        No process of it is left, but for one that a successful run has left to itself, as daemons are: in a session of
        its own, with its output elsewhere.
        """
        self._refuse_unusable()
        program = self._program()
        ended = self._run(program, self._environment(), seconds, stopped)
        if ended.code != 0:
            raise self._failed(ended)
        return self._taken(ended)

    # -- before it runs

    def _refuse_unusable(self) -> None:
        if self.api_version not in _VERSIONS:
            raise NoCredentials(
                f"`apiVersion` of its exec plugin must be one of {' and '.join(_VERSIONS)}: other versions are no "
                "longer read, by kubectl neither; update the plugin, and have it write the kubeconfig anew"
            )
        if not self.command:
            raise NoCredentials("`command` of its exec plugin is lacking")
        if not all(name for name, _ in self.env):
            raise NoCredentials("a variable in `env` of its exec plugin has no name")
        # Where nothing is said, v1beta1 has a default, and v1 has none.
        if (self.interactive_mode or self.api_version == _VERSIONS[0]) and (
            self.interactive_mode not in _INTERACTIVE_MODES
        ):
            raise NoCredentials(f"`interactiveMode` of its exec plugin must be one of {', '.join(_INTERACTIVE_MODES)}")
        if self.interactive_mode == "Always":
            raise NoCredentials(
                f"{self._name} asks people (`interactiveMode: Always`), and nobody is here to answer: use credentials "
                "that are made for programs, such as those of a service account"
            )

    def _program(self) -> str:
        """Its path. As in Go, a name is never looked up in the folder that this happens to run in."""
        found = shutil.which(self.command)
        is_name = os.path.basename(self.command) == self.command
        if found and (not is_name or os.path.isabs(found)):
            return found
        path = Path(self.command)
        with suppress(OSError, ValueError):
            if not is_name and path.is_dir():
                raise self._unfound("is a folder, and no program")
            if not is_name and path.exists():
                raise self._unfound("may not be executed by the user that this runs as: see the mode of the file")
        where = "in $PATH" if is_name else "where `command` says"
        raise self._unfound(f"is not there: no such program {where}, on the machine or in the image that this runs in")

    def _unfound(self, what: str) -> NoCredentials:
        hint = self._shown(self.install_hint)
        said = f". Its installHint: {hint}" if hint else ""
        return NoCredentials(f"{self._name} {what}{said}")

    def _environment(self) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": False}
        if self.cluster is not None:
            spec = {"cluster": dict(self.cluster), **spec}
        info = {"kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec}
        try:
            told = json.dumps(info, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError):
            raise NoCredentials("the extension of its cluster for exec plugins can not be written as JSON") from None
        # What is set last wins; a name may hold `=` in Go, where the two are joined before they are read.
        given = (f"{name}={value}".partition("=")[::2] for name, value in self.env)
        return {**os.environ, **dict(given), "KUBERNETES_EXEC_INFO": told, _MARK: uuid.uuid4().hex}

    # -- while it runs

    def _run(self, program: str, environment: Mapping[str, str], seconds: float, stopped: threading.Event) -> _Ended:
        end = time.monotonic() + seconds
        with _started(program, (self.command, *self.args), environment, self._not_started) as process:
            stdout, stderr = bytearray(), bytearray()
            problem = ""
            with selectors.DefaultSelector() as pipes:
                for pipe, kept in ((process.stdout, stdout), (process.stderr, stderr)):
                    pipes.register(pipe, selectors.EVENT_READ, kept)  # type: ignore[arg-type]
                has_ended = False
                while pipes.get_map() or not has_ended:
                    if not has_ended and process.poll() is not None:
                        has_ended, end = True, min(end, time.monotonic() + _LINGER)
                    left = end - time.monotonic()
                    if stopped.is_set():
                        problem = "was ended, because nobody waits for it any more"
                    elif left <= 0 and not has_ended:
                        problem = f"did not end in {seconds:g} s, and was ended (K8S_CREDENTIAL_TIMEOUT)"
                    elif len(stdout) > _MOST_OF_STDOUT:
                        problem = f"printed more than {_MOST_OF_STDOUT} bytes, and was ended"
                    if problem or left <= 0:
                        break
                    _read(pipes, min(left, _SLICE))
                    del stderr[:-_KEPT_OF_STDERR]
                    if not pipes.get_map():
                        with suppress(subprocess.TimeoutExpired):
                            process.wait(min(left, _SLICE))
                if not pipes.get_map() and not problem:
                    process.is_done = True
            return _Ended(bytes(stdout), bytes(stderr), None if problem else process.returncode, problem)

    def _not_started(self, error: OSError | ValueError) -> NoCredentials:
        if isinstance(error, ValueError):
            return NoCredentials(f"{self._name}: `command`, `args` or `env` hold a character that no process can have")
        reasons = {
            errno.ENOENT: "the interpreter that its first line names is not there",
            errno.ENOEXEC: "it is no program for this machine, or a script without `#!` in its first line",
            errno.E2BIG: "`args`, `env` or the cluster that it is to be told of are too long",
        }
        why = reasons.get(error.errno or 0) or os.strerror(error.errno or 0)
        retryable = error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
        return NoCredentials(f"{self._name} can not be started: {why}", retryable=retryable)

    # -- after it ran

    def _failed(self, ended: _Ended) -> NoCredentials:
        if ended.code is None:
            what = ended.problem
        elif ended.code < 0:
            what = f"was killed by signal {_signal(-ended.code)}"
        else:
            what = f"failed with exit code {ended.code}"
        return self._refused(what, ended, retryable=True)

    def _refused(self, what: str, ended: _Ended, *, retryable: bool = False) -> NoCredentials:
        said = self._shown(_last_lines(ended.stderr), _words(ended.stdout))
        advice = f"It said: {said}" if said else "It said nothing: run it by hand, as the user that this runs as"
        return NoCredentials(f"{self._name} {what}. {advice}", retryable=retryable)

    def _taken(self, ended: _Ended) -> Credential:
        if not ended.stdout.strip():
            raise self._refused("printed nothing", ended, retryable=True)
        try:
            output = _decoded(ended.stdout)
        except msgspec.ValidationError as error:  # names the field and the types, and no value
            raise self._refused(f"printed an ExecCredential with a wrong type in it: {error}", ended) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KubeconfigError):
            raise self._refused(
                "printed something that is no ExecCredential, or more than that: all else must go to its stderr", ended
            ) from None
        if output.kind not in (None, "", "ExecCredential"):
            raise self._refused("printed an object of another kind than ExecCredential", ended)
        if output.api_version != self.api_version:
            printed = output.api_version if output.api_version in _VERSIONS else "another, or none"
            raise self._refused(
                f"printed another apiVersion ({printed}) than `apiVersion` of the kubeconfig has ({self.api_version})",
                ended,
            )
        if output.status is None:
            raise self._refused("printed an ExecCredential without a `status`", ended)
        return self._credential(output.status, ended)

    def _credential(self, status: _Status, ended: _Ended) -> Credential:
        token = header_token(status.token or "")
        if token is None:
            raise self._refused("printed a token with characters in it that no HTTP header can hold", ended)
        if bool(status.certificate) != bool(status.key):
            lacking = "key" if status.certificate else "certificate"
            raise self._refused(f"printed a client certificate and key of which the {lacking} is lacking", ended)
        if not token and not status.certificate:
            raise self._refused("printed neither a token nor a certificate and key", ended)
        try:
            return Credential(
                token=token,
                certificate=status.certificate.encode() if status.certificate else None,
                key=status.key.encode() if status.key else None,
                expires=None if status.expires is None else _moment(status.expires),
            )
        except ValueError:
            raise self._refused(
                "printed an `expirationTimestamp` that is no time as in RFC 3339, such as 2030-01-31T12:00:00Z", ended
            ) from None

    # -- what may be shown

    @property
    def _name(self) -> str:
        return f"exec plugin {cut(self._shown(os.path.basename(self.command.rstrip('/'))), 100)!r}"

    def _shown(self, text: str, printed: Set[str] = frozenset()) -> str:
        """The text on one printable line, without the secrets that it was given, and the words that it printed."""
        shown = _COLOR.sub("", text)
        for secret in sorted({*_secrets(self.args, self.env)}, key=len, reverse=True):
            shown = shown.replace(secret, REDACTED)
        shown = _WORD.sub(lambda word: REDACTED if word[0] in printed else word[0], shown)
        lines = [line.strip() for line in without_credentials(shown).splitlines()]
        shown = printable(" | ".join([line for line in lines if line][-_MOST_LINES:]))
        return shown if len(shown) <= _MOST_SHOWN else f"…{shown[1 - _MOST_SHOWN :]}"


def _decoded(stdout: bytes) -> _Output:
    """Of JSON, or, where it does not begin as that, of YAML, as client-go has it."""
    if stdout.lstrip().startswith(b"{"):
        return _outputs.decode(stdout)
    return msgspec.convert(parsed(stdout, "its output"), type=_Output)  # which is known by now


def _moment(text: str) -> datetime | None:
    """None for the zero time of Go, which never comes. Raises `ValueError`."""
    if not _RFC3339.fullmatch(text):
        raise ValueError
    moment = datetime.fromisoformat(text.replace(",", "."))
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # in a zone of the year 0 or 10000
        return moment if moment.year == 1 else None
    return None if moment == datetime.min.replace(tzinfo=UTC) else moment


def _signal(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return str(number)


def _secrets(args: Iterable[str], env: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What it is given that may be secret: values of `env`, and those of `args` whose name or form says so, or that
    look random."""
    given = [part for _, value in env for part in (value, *value.splitlines())]
    flag = ""
    for arg in args:
        given += [arg] if names_a_secret(flag) else _taken_out(arg)
        name, equals, value = arg.partition("=")
        if equals and names_a_secret(name):
            given.append(value)
        given += [word for word in _WORD.findall(arg) if _looks_random(word)]
        flag = arg if arg.startswith("-") and not equals else ""
    return (each for each in given if len(each) >= _SHORTEST_SECRET)


def _looks_random(word: str) -> bool:
    """Small and capital letters, and digits: names of commands, regions and accounts have no capitals. Paths may."""
    return not word.startswith(("/", "./", "~/")) and all(re.search(each, word) for each in ("[a-z]", "[A-Z]", "[0-9]"))


def _taken_out(text: str) -> Iterator[str]:
    """What `without_credentials` takes out of it."""
    first, *others = without_credentials(text).split(REDACTED)
    at = len(first)
    for after in others:
        end = text.find(after, at) if after else len(text)
        yield text[at:end]
        at = end + len(after)


def _words(stdout: bytes) -> Set[str]:
    """The words that it printed, where they are long enough for secrets: a shell that traces repeats them."""
    return {*_WORD.findall(stdout.decode("utf-8", "replace").replace("\\n", "\n"))}


def _last_lines(stderr: bytes) -> str:
    """Without the first of them where it may be the rest of one: what is secret in it could not be told."""
    if len(stderr) == _KEPT_OF_STDERR:
        stderr = stderr.partition(b"\n")[2] or stderr.partition(b" ")[2]
    return stderr.decode("utf-8", "replace")


def _read(pipes: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in pipes.select(seconds):
        block = os.read(key.fd, _BLOCK)
        key.data.extend(block)
        if not block:
            pipes.unregister(key.fileobj)


# -- processes


class _Process(subprocess.Popen[bytes]):
    is_done = False
    """Whether it has ended by itself, and nothing holds its output."""


@contextmanager
def _started(
    program: str,
    command: Iterable[str],
    environment: Mapping[str, str],
    not_started: Callable[[OSError | ValueError], NoCredentials],
) -> Iterator[_Process]:
    """Runs it in a session of its own. When the block is left, its processes are ended, and so is reading of them."""
    process = None
    try:
        try:
            process = _Process(
                [*command],
                executable=program,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise not_started(error) from None
        yield process
    finally:
        _end(process, environment[_MARK])
        for pipe in (process.stdout, process.stderr) if process else ():
            if pipe is not None:
                pipe.close()


def _end(process: _Process | None, mark: str) -> None:
    """Ends all of its processes; where it is done, those of its group alone: others are daemons by then."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + _GRACE
        left = _reach(process, mark, sign)
        while left and time.monotonic() < end:
            time.sleep(0.02)
            left = _reach(process, mark, 0 if sign == signal.SIGTERM else sign)  # it may start others meanwhile
        if not left:
            return


def _reach(process: _Process | None, mark: str, sign: int) -> bool:
    """Sends a signal to all of its processes, or none where it is 0. Whether any is running."""
    group = None
    if process is not None:
        process.poll()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
            group = process.pid
    if group is None and process is not None and process.is_done:
        return False
    if not _PROCESSES.is_dir():
        return group is not None
    others = [] if process is not None and process.is_done else [*_marked(mark, group)]
    for pid in others:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sign)
    return bool(others) or any(_group(folder) == group for folder in _PROCESSES.glob("[0-9]*"))


def _marked(mark: str, group: int | None) -> Iterator[int]:
    """The processes outside a group that were started with this in their environment."""
    sought = f"{_MARK}={mark}".encode()
    for folder in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # of others, or gone
            if sought in (folder / "environ").read_bytes().split(b"\0") and _group(folder) != group:
                yield int(folder.name)


def _group(folder: Path) -> int:
    """The group of a process; 0 of one that has ended, which stays where nobody asks how. See proc_pid_stat(5)."""
    with suppress(OSError):
        state, _, group = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:3]
        return 0 if state in b"ZX" else int(group)
    return 0
