"""Exec plugins: real programs that give credentials, give none, or never end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
import yaml
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k8s_inventory.kinds import ApiPath
from k8s_inventory.kube.contexts import Context, kubeconfig_contexts
from k8s_inventory.kube.errors import KubeError, NoCredentials
from k8s_inventory.kube.kubeconfig.exec_plugin import Credential, ExecPlugin
from k8s_inventory.kube.session import Session
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN, kubeconfig, wait_until
from tests.conftest import IMPATIENT
from tests.kubectl import KUBECTL

V1, BETA = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
SECRET = "SeCrEt-of-the-plugin-4711"


def output(version: str = V1, **status: object) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


GOOD = output(token="a-token")


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., ExecPlugin]:
    """A plugin that does what a shell script says; the rest of its entry by keyword."""

    def make(script: str, name: str = "plugin", **entry: object) -> ExecPlugin:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        given = {"api_version": V1, "command": str(path), "interactive_mode": "Never", **entry}
        return ExecPlugin(**given)  # type: ignore[arg-type]

    return make


Make = Callable[..., ExecPlugin]


@pytest.fixture
def printing(plugin: Make, tmp_path: Path) -> Callable[..., ExecPlugin]:
    """A plugin that prints just this."""

    def make(text: str | bytes, **entry: object) -> ExecPlugin:
        path = tmp_path / "printed"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return plugin(f"cat {path}", **entry)

    return make


def ask(plugin: ExecPlugin, seconds: float = 10, stopped: threading.Event | None = None) -> Credential:
    return plugin.credential(seconds=seconds, stopped=stopped or threading.Event())


def refusal(plugin: ExecPlugin, seconds: float = 10) -> NoCredentials:
    with pytest.raises(NoCredentials) as raised:
        ask(plugin, seconds)
    assert raised.value.__cause__ is None
    assert SECRET not in str(raised.value)
    assert len(str(raised.value)) < 1600
    return raised.value


@contextmanager
def leaving_nothing(pids: Path, seconds: float, count: int) -> Iterator[None]:
    """Each process that wrote its pid into a file has ended by the end, which comes in time."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < seconds
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == count
    assert not [pid for pid in started if is_running(pid)]


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# -- what it is told -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V1, BETA])
def test_it_is_told_the_version_that_nobody_answers_and_nothing_of_the_cluster(
    plugin: Make, tmp_path: Path, version: str
) -> None:
    said = tmp_path / "said"
    made = plugin(f"printenv KUBERNETES_EXEC_INFO > {said}; echo '{output(version, token='t')}'", api_version=version)
    assert ask(made).token == "t"
    assert json.loads(said.read_text()) == {
        "kind": "ExecCredential",
        "apiVersion": version,
        "spec": {"interactive": False},
    }


def test_it_is_told_of_the_cluster_where_it_is_to_be(plugin: Make, tmp_path: Path) -> None:
    cluster = {"server": "https://127.0.0.1:1", "config": {"audience": "é", "n": [1, None]}}
    said = tmp_path / "said"
    ask(plugin(f"printenv KUBERNETES_EXEC_INFO > {said}; echo '{GOOD}'", cluster=cluster))
    assert json.loads(said.read_text())["spec"] == {"cluster": cluster, "interactive": False}


def test_arguments_and_variables_are_its_own_beside_those_of_this_process(
    plugin: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "1")
    monkeypatch.setenv("BOTH", "ours")
    script = f"echo '{output(token='@')}' | sed \"s/@/$1-$OURS-$BOTH/\""
    env = (("BOTH", "first"), ("BOTH", "last"))
    assert ask(plugin(script, args=("an arg",), env=env)).token == "an arg-1-last"
    assert "BOTH" in os.environ
    assert os.environ["BOTH"] == "ours"


def test_it_reads_an_empty_input_and_has_a_session_without_a_terminal(plugin: Make) -> None:
    script = f"read -r answer && exit 3; [ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] || exit 4; echo '{GOOD}'"
    kept, (end, answers) = os.dup(0), os.pipe()
    os.write(answers, b"mary\n")
    os.dup2(end, 0)
    try:
        assert ask(plugin(script)).token == "a-token"
    finally:
        os.dup2(kept, 0)
        for each in (kept, end, answers):
            os.close(each)


def test_a_name_is_looked_up_in_the_path_and_not_in_the_folder_that_this_runs_in(
    plugin: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(f"echo '{GOOD}'", "named-plugin")
    made = ExecPlugin(V1, "named-plugin", interactive_mode="Never")
    monkeypatch.chdir(tmp_path)
    for path in ("/usr/bin:/bin", "/usr/bin:/bin:", ".:/usr/bin:/bin"):
        monkeypatch.setenv("PATH", path)
        assert "no such program in $PATH" in str(refusal(made))
    monkeypatch.setenv("PATH", f"/usr/bin:/bin:{tmp_path}")
    assert ask(made).token == "a-token"


# -- what it prints ------------------------------------------------------------------------------------


def test_a_certificate_and_its_key(printing: Make) -> None:
    given = ask(printing(output(clientCertificateData="CERT\n", clientKeyData="KEY\n")))
    assert (given.certificate, given.key, given.token, given.expires) == (b"CERT\n", b"KEY\n", "", None)
    both = ask(printing(output(token="t", clientCertificateData="CERT", clientKeyData="KEY")))
    assert (both.token, both.key) == ("t", b"KEY")


@pytest.mark.parametrize(
    "text",
    [
        f"apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: t\n  expirationTimestamp: 2030-01-31T12:00:00Z\n",
        f"# by hand\n---\napiVersion: {V1}\nstatus: {{token: t, expirationTimestamp: '2030-01-31T12:00:00Z'}}\n",
        "\ufeff" + output(token="t", expirationTimestamp="2030-01-31T12:00:00Z"),
    ],
)
def test_yaml_is_read_as_kubectl_reads_it(printing: Make, text: str) -> None:
    assert ask(printing(text)) == Credential("t", expires=datetime(2030, 1, 31, 12, tzinfo=UTC))


def test_a_token_that_ends_in_a_newline_is_trimmed(printing: Make) -> None:
    assert ask(printing(output(token="a-token\r\n"))).token == "a-token"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-31T12:00:00Z", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ("2030-01-31T12:00:00+02:00", datetime(2030, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))),
        ("2030-01-31T12:00:00.123456789Z", datetime(2030, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),  # the zero time of Go
        ("9999-12-31T23:59:59-12:00", None),
        (None, None),
    ],
)
def test_when_it_expires(printing: Make, text: str | None, moment: datetime | None) -> None:
    assert ask(printing(output(token="t", expirationTimestamp=text))).expires == moment


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("", "printed nothing"),
        (" \n", "printed nothing"),
        (f"Update available!\n{output(token=SECRET)}", "no ExecCredential, or more than that"),
        (f"{output(token=SECRET)}\nbye", "no ExecCredential, or more than that"),
        (output(token=SECRET) * 2, "no ExecCredential, or more than that"),
        (SECRET, "wrong type"),
        (f'"{SECRET}"', "wrong type"),
        ("[]", "wrong type"),
        (f"apiVersion: {V1}\nstatus: {{token: 4711}}", r"\$.status.token"),
        (f"apiVersion: {V1}\nstatus: {{token: {SECRET}, token: {SECRET}}}", r"\$.status.token"),
        (f"a: &a [{SECRET}]\nb: &b [{', '.join(['*a'] * 999)}]\nc: [{', '.join(['*b'] * 9999)}]", "no ExecCredential"),
        (output(token=SECRET)[:-1], "no ExecCredential"),
        (output(token="@").encode().replace(b"@", b"\xff\xfe"), "no ExecCredential"),
        ("[" * 100_000, "no ExecCredential"),
        ('{"metadata": ' + "[" * 100_000, "no ExecCredential"),
        (output(token={"a": SECRET}), r"wrong type in it: .*\$.status.token"),
        (output(token=5), r"wrong type in it: .*\$.status.token"),
        (json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": SECRET}), "wrong type"),
        (json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": None}), "without a `status`"),
        (json.dumps({"apiVersion": V1, "kind": "ExecCredential"}), "without a `status`"),
        (json.dumps({"apiVersion": V1, "kind": SECRET, "status": {"token": SECRET}}), "another kind"),
        (output(BETA, token=SECRET), f"another apiVersion .{BETA}. than .*{V1}"),
        (output(SECRET, token=SECRET), "another apiVersion .another, or none"),
        (json.dumps({"kind": "ExecCredential", "status": {"token": SECRET}}), "another apiVersion .another, or none"),
        (output(), "neither a token nor"),
        (output(token=" \n"), "neither a token nor"),
        (output(token=None, clientKeyData=""), "neither a token nor"),
        (output(Token=SECRET), "neither a token nor"),
        (output(token="t", clientCertificateData=SECRET), "the key is lacking"),
        (output(clientKeyData=SECRET), "the certificate is lacking"),
        (output(token=f"{SECRET}\nX-Other: 1"), "no HTTP header can hold"),
        (output(token=f"{SECRET}\0"), "no HTTP header can hold"),
        (output(token=f"é{SECRET}"), "no HTTP header can hold"),
        (output(token="t", expirationTimestamp=f"soon {SECRET}"), "expirationTimestamp"),
        (output(token="t", expirationTimestamp=""), "expirationTimestamp"),
        (output(token="t", expirationTimestamp="2030-01-31"), "expirationTimestamp"),
        (output(token="t", expirationTimestamp="2030-01-31T12:00:00"), "expirationTimestamp"),
        (output(token="t", expirationTimestamp="2030-02-31T12:00:00Z"), "expirationTimestamp"),
        (output(token="t", expirationTimestamp=1790000000), r"\$.status.expirationTimestamp"),
    ],
)
def test_output_that_is_no_credential_is_said_to_be_so_without_any_of_it(
    printing: Make, printed: str | bytes, said: str
) -> None:
    error = refusal(printing(printed))
    with pytest.raises(NoCredentials, match=said):
        raise error
    assert "exec plugin 'plugin'" in str(error)


def test_more_output_than_a_credential_can_be_is_refused(plugin: Make) -> None:
    assert "more than 1048576 bytes" in str(refusal(plugin("head -c 1100000 /dev/zero; sleep 0.1")))
    assert "more than 1048576 bytes" in str(refusal(plugin("yes")))


def test_any_amount_of_what_it_says_beside_is_no_hindrance(plugin: Make) -> None:
    script = f"head -c 3000000 /dev/zero >&2; echo '{GOOD}'; head -c 200000 /dev/zero >&2"
    assert ask(plugin(script)).token == "a-token"


# -- what it says, and who it is -----------------------------------------------------------------------


def test_what_it_said_is_in_the_message(plugin: Make, capfd: pytest.CaptureFixture[str]) -> None:
    said = "Error loading SSO session:\\n  the one of my-sso does not exist\\n"
    error = refusal(plugin(f"printf '{said}' >&2; exit 255", "aws"))
    assert str(error) == (
        "exec plugin 'aws' failed with exit code 255. It said: Error loading SSO session: | "
        "the one of my-sso does not exist"
    )
    assert error.retryable
    assert capfd.readouterr() == ("", "")


def test_how_it_ended_is_said_where_it_says_nothing(plugin: Make) -> None:
    assert "was killed by signal SIGKILL. It said nothing: run it by hand" in str(refusal(plugin("kill -9 $$")))
    assert "failed with exit code 3. It said nothing" in str(refusal(plugin("exit 3")))


@pytest.mark.parametrize(
    ("script", "entry"),
    [
        (f"echo 'POST https://idp/token client_secret={SECRET} refused' >&2; exit 1", {}),
        ("echo $TOK >&2; exit 1", {"env": (("TOK", SECRET),)}),
        ('printf "%s" "$TOK" | head -n1 >&2; exit 1', {"env": (("TOK", f"{SECRET}\nmore"),)}),
        ("echo no such user: $3 >&2; exit 1", {"args": ("login", "--password", SECRET)}),
        ("echo no such user: ${1#*=} >&2; exit 1", {"args": (f"--client-secret={SECRET}",)}),
        ("echo unknown argument: $2 >&2; exit 1", {"args": ("login", SECRET)}),
        ("echo wrong: ${1#*=} >&2; exit 1", {"args": (f"--pat={SECRET}",)}),
        ("echo at ${1#*:password=} >&2; exit 1", {"args": (f"dsn:password={SECRET}",)}),
        (f"set -x; echo '{output(token=SECRET)}'; exit 1", {}),
        (f"echo '{output(token=SECRET)}'; echo {SECRET} >&2; exit 1", {}),
        (f"echo '{output(clientKeyData=f'BEGIN{chr(10)}{SECRET}{chr(10)}END')}'; echo {SECRET} >&2; exit 1", {}),
        (f"echo {SECRET}; echo 'it is ({SECRET})' >&2; exit 1", {}),
        (f"printf 'token: \\033[31m{SECRET}\\033[0m' >&2; exit 1", {}),
        (f"echo password={SECRET} >&2; sleep 30", {}),
        ("exit 1", {"command": f"/nowhere/password={SECRET}"}),
        ("exit 1", {"command": f"/nowhere/{SECRET}", "env": (("TOK", SECRET),)}),
        ("exit 1", {"command": "nowhere", "install_hint": f"curl -H 'Authorization: Bearer {SECRET}'"}),
        ("exit 1", {"command": f"/nowhere\0{SECRET}/x"}),
        ("exit 1", {"args": (f"{SECRET}\0",)}),
        ("exit 1", {"env": (("A\0", SECRET),)}),
        ("exit 1", {"api_version": SECRET}),
        ("exit 1", {"interactive_mode": SECRET}),
        ("exit 1", {"cluster": {"config": {SECRET: float("nan")}}}),
    ],
)
def test_no_secret_is_in_the_message(plugin: Make, script: str, entry: dict[str, object]) -> None:
    refusal(plugin(script, **entry), 0.4)


def test_the_end_of_much_that_it_said_is_shown_on_one_printable_line(plugin: Make) -> None:
    error = str(refusal(plugin("yes 'a line \x1b[2J' | head -n 50000 >&2; echo the end >&2; exit 1")))
    assert error.isprintable()
    assert error.endswith("| the end")
    begins_in_a_secret = f"printf 'token={SECRET}' >&2; head -c 65526 /dev/zero | tr '\\0' '\\n' >&2; exit 1"
    assert SECRET[-9:] not in str(refusal(plugin(begins_in_a_secret)))
    assert "It said: a warning" in str(refusal(plugin("printf 'a \\033[1;31mwarning\\033[0m' >&2; exit 1")))


def test_a_program_that_is_not_there_comes_with_the_hint_how_to_install_it(plugin: Make) -> None:
    made = plugin("", command="no-such-plugin-xyz", install_hint="Install it with:\n  brew install xyz\x1b[2J")
    error = refusal(made)
    assert not error.retryable
    assert "exec plugin 'no-such-plugin-xyz' is not there" in str(error)
    assert "Its installHint: Install it with: | brew install xyz" in str(error)
    assert len(str(refusal(plugin("", command="no-such", install_hint="x" * 5000)))) < 1300


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text(GOOD), "may not be executed"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: (path.write_text("#!/no/such/interpreter\n"), path.chmod(0o755)), "interpreter"),
        (lambda path: (path.write_bytes(b"\x7fELF"), path.chmod(0o755)), "no program for this machine"),
        (lambda path: None, "is not there: no such program where `command` says"),
        (lambda path: path.symlink_to(path), "is not there"),
    ],
)
def test_a_program_that_can_not_be_run(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    make(tmp_path / "program")
    error = refusal(ExecPlugin(V1, str(tmp_path / "program"), interactive_mode="Never"))
    assert said in str(error)
    assert not error.retryable
    assert str(tmp_path) not in str(error)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"api_version": "client.authentication.k8s.io/v1alpha1"}, "`apiVersion` of its exec plugin must be one of"),
        ({"api_version": ""}, "`apiVersion` of its exec plugin must be one of"),
        ({"interactive_mode": "Always"}, "nobody is here to answer"),
        ({"interactive_mode": "Sometimes"}, "`interactiveMode` of its exec plugin must be one of"),
        ({"interactive_mode": ""}, "`interactiveMode` of its exec plugin must be one of"),
        ({"interactive_mode": "Always", "api_version": BETA}, "nobody is here to answer"),
        ({"command": ""}, "`command` of its exec plugin is lacking"),
        ({"env": (("", "x"),)}, "has no name"),
        ({"args": ("x" * 3_000_000,)}, "too long"),
    ],
)
def test_an_entry_that_can_not_be_used_is_refused_before_anything_runs(
    plugin: Make, tmp_path: Path, entry: dict[str, object], said: str
) -> None:
    error = refusal(plugin(f"touch {tmp_path}/ran", **entry))
    assert said in str(error)
    assert not error.retryable
    assert not (tmp_path / "ran").exists()


def test_v1beta1_needs_no_interactive_mode(plugin: Make) -> None:
    made = plugin(f"echo '{output(BETA, token='t')}'", api_version=BETA, interactive_mode="")
    assert ask(made).token == "t"


# -- how it ends ---------------------------------------------------------------------------------------

HANGING = {
    "sleeps": ("exec sleep 3000", 1),
    "ignores SIGTERM": ("trap '' TERM; while :; do sleep 1; done", 1),
    "has a child that ignores SIGTERM": ("(trap '' TERM; exec sleep 3000) & echo $! >> PIDS; wait", 2),
    "has a child in another session": ("setsid sh -c 'echo $$ >> PIDS; exec sleep 3000' & wait", 2),
    "has left a child in another session": ("(setsid sh -c 'echo $$ >> PIDS; exec sleep 3000' &); exec sleep 3000", 2),
    "has a child with another environment": ("env -i sleep 3000 & echo $! >> PIDS; wait", 2),
    "has closed its output": ("exec >&- 2>&-; exec sleep 3000", 1),
    "has printed a credential": (f"echo '{GOOD}'; exec sleep 3000", 1),
    "says something for ever": ("while :; do echo more >&2; sleep 0.01; done", 1),
}


@pytest.mark.parametrize("script", HANGING)
def test_a_plugin_that_does_not_end_is_ended_with_all_that_it_started(
    plugin: Make, tmp_path: Path, script: str
) -> None:
    text, count = HANGING[script]
    pids = tmp_path / "pids"
    made = plugin(f"echo $$ >> {pids}\n{text.replace('PIDS', str(pids))}")
    with leaving_nothing(pids, 20, count):
        error = refusal(made, 0.6)
    assert "did not end in 0.6 s, and was ended (K8S_CREDENTIAL_TIMEOUT)" in str(error)
    assert error.retryable


def test_a_plugin_is_ended_once_nobody_waits_for_it(plugin: Make, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    stopped = threading.Event()
    threading.Timer(0.6, stopped.set).start()
    with leaving_nothing(pids, 20, 1):
        with pytest.raises(NoCredentials, match="nobody waits for it any more"):
            ask(plugin(f"echo $$ >> {pids}; exec sleep 3000"), 60, stopped)


def test_a_plugin_is_ended_where_its_thread_is(plugin: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an exception that comes from outside, as those of signals do."""
    pids = tmp_path / "pids"

    class Interrupt(BaseException):
        pass

    class Stopped(threading.Event):
        def is_set(self) -> bool:
            if pids.exists() and pids.read_text():
                raise Interrupt
            return False

    with leaving_nothing(pids, 20, 1):
        with pytest.raises(Interrupt):
            ask(plugin(f"echo $$ >> {pids}; exec sleep 3000"), 60, Stopped())


def _begin_sync(stub: Any, spec: bytes) -> object:
    stub.Init(plugin_pb2.Init.Request(spec=spec), timeout=20, wait_for_ready=True)
    messages = stub.Sync(plugin_pb2.Sync.Request(tables=["k8s_pods"]))
    assert next(messages).migrate_table.table
    return messages


def _begin_test(stub: Any, spec: bytes) -> object:
    return stub.TestConnection.future(plugin_pb2.TestConnection.Request(spec=spec), timeout=60, wait_for_ready=True)


@pytest.mark.parametrize("begin", [_begin_sync, _begin_test])
def test_a_plugin_is_ended_with_the_program_of_cloudquery(
    plugin: Make, tmp_path: Path, begin: Callable[[Any, bytes], object]
) -> None:
    """Which ends without waiting for its threads."""
    pids, address, path = tmp_path / "pids", tmp_path / "socket", tmp_path / "config"
    made = plugin(f"trap '' TERM; echo $$ > {pids}; while :; do sleep 1; done")
    entry = {"apiVersion": V1, "command": made.command, "interactiveMode": "Never"}
    config = {
        "clusters": [{"name": "test", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "test", "user": {"exec": entry}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(yaml.safe_dump(config))
    command = [
        sys.executable,
        "-m",
        "k8s_inventory.cloudquery.serve",
        "serve",
        "--network=unix",
        f"--address={address}",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment) as program, grpc.insecure_channel(f"unix:{address}") as channel:
        stub = plugin_pb2_grpc.PluginStub(channel)
        spec = json.dumps({"kubeconfig": str(path)}).encode()
        call = begin(stub, spec)
        wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"), "the plugin runs")
        with leaving_nothing(pids, 20, 1):
            program.terminate()
            assert program.wait(10) == 0
        del call


@pytest.mark.parametrize("in_session", ["", "setsid "])
def test_a_child_that_holds_the_output_keeps_nobody_waiting_and_is_ended(
    plugin: Make, tmp_path: Path, in_session: str
) -> None:
    pids = tmp_path / "pids"
    script = f"echo '{GOOD}'; {in_session}sh -c 'echo $$ >> {pids}; exec sleep 3000' & sleep 0.2"
    with leaving_nothing(pids, 20, 1):
        assert ask(plugin(script)).token == "a-token"


def test_a_child_that_has_ended_keeps_nobody_waiting(plugin: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where the first process of a container asks nobody how it ended."""
    monkeypatch.setattr("k8s_inventory.kube.kubeconfig.exec_plugin._GRACE", 20)
    begin = time.monotonic()
    ask(plugin(f"(sleep 0.2; exit 0) > /dev/null 2>&1 & echo '{GOOD}'"))
    ask(plugin(f"true & echo '{GOOD}'"))
    assert time.monotonic() - begin < 15


def test_what_a_child_prints_shortly_after_is_its_credential(plugin: Make) -> None:
    assert ask(plugin(f"(sleep 0.3; echo '{GOOD}') &")).token == "a-token"


def test_a_daemon_that_a_plugin_leaves_to_itself_stays(plugin: Make, tmp_path: Path) -> None:
    """It has a session and an output of its own: an agent that keeps what the next run needs."""
    pids = tmp_path / "pids"
    script = f"setsid sh -c 'echo $$ > {pids}; exec sleep 30' < /dev/null > /dev/null 2>&1 & sleep 0.2; echo '{GOOD}'"
    ask(plugin(script))
    wait_until(pids.exists, "the daemon says who it is")
    daemon = int(pids.read_text())
    assert is_running(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_nothing_of_a_run_stays_open(plugin: Make) -> None:
    ask(plugin(f"echo '{GOOD}'"))
    process = psutil.Process()
    files, children = process.num_fds(), process.children()
    for _ in range(5):
        ask(plugin(f"echo '{GOOD}'"))
        refusal(plugin("exit 1"))
        refusal(plugin("exit 1", command="/nowhere"))
    assert process.num_fds() <= files
    assert process.children() == children


# -- before a real API server, as kubectl does it --------------------------------------------------------

MARY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mary")])


@pytest.fixture(scope="module")
def identity() -> tuple[str, str]:
    """A client certificate that is its own CA, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(MARY)
        .issuer_name(MARY)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return (
        made.public_bytes(pem).decode(),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode(),
    )


@pytest.fixture(scope="module")
def knowing(
    start_cluster: Callable[..., Cluster], identity: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Cluster:
    """A cluster that knows the certificate."""
    path = tmp_path_factory.mktemp("ca") / "ca.crt"
    path.write_text(identity[0])
    return start_cluster(arguments=[f"--client-ca-file={path}"])


FAILS, WORKS, WORKS_HERE = (False, False), (True, True), (True, False)
"""Whether it works here, and with kubectl."""

CASES: dict[str, tuple[str, dict[str, Any], tuple[bool, bool]]] = {
    # what it is: a script, more of its entry, and who is served. TOKEN, CERT and KEY stand for those.
    "v1": (f"echo '{output(token='TOKEN')}'", {}, WORKS),
    "v1beta1": (f"echo '{output(BETA, token='TOKEN')}'", {"apiVersion": BETA}, WORKS),
    "v1beta1 without mode": (
        f"echo '{output(BETA, token='TOKEN')}'",
        {"apiVersion": BETA, "interactiveMode": None},
        WORKS,
    ),
    "v1 without mode": (f"echo '{output(token='TOKEN')}'", {"interactiveMode": None}, FAILS),
    "v1alpha1": (f"echo '{output(token='TOKEN')}'", {"apiVersion": "client.authentication.k8s.io/v1alpha1"}, FAILS),
    "certificate": ("cat CERTIFICATE", {}, WORKS),
    "relative": (f"echo '{output(token='TOKEN')}'", {"command": "./plugin"}, WORKS),
    "env and args": (
        f"echo '{output(token='@')}' | sed s/@/$1$TOK/",
        {"args": ["TOK"], "env": [{"name": "TOK", "value": "EN"}]},
        WORKS,
    ),
    "env null": (f"echo '{output(token='TOKEN')}'", {"args": None, "env": None}, WORKS),
    "not installed": ("", {"command": "no-such-plugin-xyz", "installHint": "brew install it"}, FAILS),
    "says it has an update": (f"echo Update available!; echo '{output(token='TOKEN')}'", {}, FAILS),
    "says bye": (f"echo '{output(token='TOKEN')}'; echo bye", {}, FAILS),
    "fails": ("echo broken >&2; exit 255", {}, FAILS),
    "empty": ("true", {}, FAILS),
    "another version": (f"echo '{output(BETA, token='TOKEN')}'", {}, FAILS),
    "another kind": (f"echo '{output(token='TOKEN')}' | sed s/ExecCredential/Pod/", {}, FAILS),
    "no kind": (f"echo '{output(token='TOKEN')}' | sed s/ExecCredential//", {}, WORKS),
    "asks": (f"printf Username: >&2; read -r u; echo '{output(token='TOKEN')}'", {}, WORKS),
    "asks people": (f"echo '{output(token='TOKEN')}'", {"interactiveMode": "Always"}, FAILS),
    "asks if it can": (f"echo '{output(token='TOKEN')}'", {"interactiveMode": "IfAvailable"}, WORKS),
    "status null": (f"echo '{output(token='TOKEN')}' | sed 's/{{.*}}/{{}}/'", {}, FAILS),
    "token with a newline": (f"printf '%s' '{output(token='TOKEN@')}' | sed 's/@/\\\\n/'", {}, WORKS_HERE),
    "bad expiry": (f"echo '{output(token='TOKEN', expirationTimestamp='soon')}'", {}, FAILS),
    "expired": (f"echo '{output(token='TOKEN', expirationTimestamp='2020-01-01T00:00:00Z')}'", {}, WORKS),
    "nanoseconds": (
        f"echo '{output(token='TOKEN', expirationTimestamp='2099-01-01T00:00:00.123456789+01:00')}'",
        {},
        WORKS,
    ),
    "is told of the cluster": (
        f"case $KUBERNETES_EXEC_INFO in *certificate-authority-data*audience*x*) echo '{output(token='TOKEN')}';; esac",
        {"provideClusterInfo": True},
        WORKS,
    ),
    "is not told": (
        f"case $KUBERNETES_EXEC_INFO in *audience*) ;; *) echo '{output(token='TOKEN')}';; esac",
        {},
        WORKS,
    ),
    "not executable": ("", {"command": "./config"}, FAILS),
    "beside an empty token": (f"echo '{output(token='TOKEN')}'", {"token": ""}, WORKS),
    "YAML": (f"printf 'apiVersion: {V1}\\nkind: ExecCredential\\nstatus:\\n  token: TOKEN\\n'", {}, WORKS),
    "certificate alone": (f"echo '{output(token='TOKEN', clientCertificateData='x')}'", {}, FAILS),
    "a key that is none": (f"echo '{output(clientKeyData='x', clientCertificateData='x')}'", {}, FAILS),
}


@pytest.mark.parametrize("what", CASES)
def test_as_kubectl(knowing: Cluster, identity: tuple[str, str], plugin: Make, tmp_path: Path, what: str) -> None:
    script, entry, expected = CASES[what]
    (tmp_path / "certificate").write_text(output(clientCertificateData=identity[0], clientKeyData=identity[1]))
    script = script.replace("CERTIFICATE", str(tmp_path / "certificate")).replace("TOKEN", ADMIN.token)
    if what == "env and args":
        entry = {"args": [ADMIN.token[:5]], "env": [{"name": "TOK", "value": ADMIN.token[5:]}]}
    made = plugin(script)
    config = yaml.safe_load(kubeconfig({"test": knowing}))
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    config["clusters"][0]["cluster"]["extensions"] = [extension]
    program = {"apiVersion": V1, "command": made.command, "interactiveMode": "Never", **entry}
    beside = {"token": program.pop("token")} if "token" in program else {}
    config["users"][0]["user"] = {"exec": {name: value for name, value in program.items() if value != ""}, **beside}
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    with Session(kubeconfig_contexts(str(path))["test"], IMPATIENT) as session:
        if expected[0]:
            session.get(ApiPath("api"))
        else:
            with pytest.raises(KubeError, match="context test: ") as raised:
                session.get(ApiPath("api"))
            assert ADMIN.token not in str(raised.value)
    if KUBECTL:
        ask = [KUBECTL, f"--kubeconfig={path}", "get", "--raw", "/api"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        ran = subprocess.run(ask, stdin=subprocess.DEVNULL, capture_output=True, env=environment)
        assert (ran.returncode == 0) == expected[1], ran.stderr


def test_a_plugin_runs_once_for_many_requests_however_soon_its_token_expires(
    knowing: Cluster, plugin: Make, tmp_path: Path
) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = output(token=ADMIN.token, expirationTimestamp=soon)
    made = plugin(f"echo $$ >> {tmp_path}/pids; echo '{text}'")
    config = yaml.safe_load(kubeconfig({"test": knowing}))
    config["users"][0]["user"] = {"exec": {"apiVersion": V1, "command": made.command, "interactiveMode": "Never"}}
    with Session(Context("test", config, "test"), IMPATIENT) as session:
        for _ in range(20):
            session.get(ApiPath("api"))
    assert len((tmp_path / "pids").read_text().split()) == 1


def test_what_a_plugin_said_is_in_the_row_and_nothing_else_of_it(
    knowing: Cluster, plugin: Make, store: Store, sync: Callable[..., Result], tmp_path: Path
) -> None:
    config = yaml.safe_load(kubeconfig({"test": knowing}))

    def errors(script: str) -> str:
        made = plugin(script)
        env = [{"name": "TOK", "value": SECRET}]
        program = {"apiVersion": V1, "command": made.command, "interactiveMode": "Never", "env": env}
        config["users"][0]["user"] = {"exec": program}
        assert sync(Context("test", config, "test"), "pods", credential_timeout=0.6).attempt.outcome == "unauthorized"
        row = store.connection.execute("SELECT error FROM k8s_sync_status").fetchone()
        assert row
        assert SECRET not in row[0]
        return str(row[0])

    assert "exec plugin 'plugin' failed with exit code 1. It said: no session <redacted>" in errors(
        'echo "no session $TOK" >&2; exit 1'
    )
    pids = tmp_path / "pids"
    with leaving_nothing(pids, 20, 1):
        assert "did not end in 0.6 s" in errors(f"echo $$ > {pids}; exec sleep 3000")
