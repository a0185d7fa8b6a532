"""How the CloudQuery plugin's program begins and ends: as its CLI starts it, and leaves it behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from cloudquery.discovery_v1 import discovery_pb2, discovery_pb2_grpc
from cloudquery.plugin_v3 import plugin_pb2, plugin_pb2_grpc

from tests.cluster import wait_until
from tests.proxy import Answer, Proxy

PROGRAM = [sys.executable, "-m", "k8s_inventory.cloudquery.serve"]


def environment(*before: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, before), *sys.path]), **more}


def serve(path: Path) -> list[str]:
    """The arguments that the CLI gives."""
    given = ["serve", "--log-level", "info", "--log-format", "json", "--network", "unix", "--address", str(path)]
    return [*PROGRAM, *given, "--no-sentry"]


def test_it_listens_before_it_imports_what_answers(tmp_path: Path) -> None:
    """The CLI waits five seconds for that, and the imports take a multiple of the time of all before them."""
    command = serve(tmp_path / "plugin.sock")
    command[1:1] = ["-X", "importtime"]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        before = []
        for line in process.stdout:
            if "serving on" in line:
                break
            before.append(line.rpartition("|")[2].strip())
        for line in process.stdout:
            if line.endswith(" k8s_inventory.cloudquery.servicer\n"):
                break
        process.terminate()
        process.communicate()
    foreign = {name.partition(".")[0] for name in before} - set(sys.stdlib_module_names) - {"k8s_inventory"}
    assert "grpc" in foreign
    assert not foreign & {
        "pyarrow",
        "numpy",
        "google",
        "cloudquery",
        "pydantic",
        "psycopg",
        "msgspec",
        "jinja2",
        "yaml",
    }
    assert {name for name in before if name.startswith("k8s_inventory.")} == {
        f"k8s_inventory.{name}" for name in ("cloudquery", "credentials", "known_secrets", "printable", "tracebacks")
    }
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("raise ImportError('libarrow.so: no such file')", "ImportError: libarrow.so: no such file"),
        ("raise ValueError('numpy.dtype size changed')", "ValueError: numpy.dtype size changed"),
        ("import pyarrow.of_another_version", "ModuleNotFoundError: No module named 'pyarrow.of_another_version'"),
        ("import sys; sys.exit('no such processor')", "SystemExit: no such processor"),
    ],
)
def test_what_can_not_be_imported_is_the_error_of_every_call(tmp_path: Path, broken: str, said: str) -> None:
    (tmp_path / "pyarrow").mkdir()
    (tmp_path / "pyarrow" / "__init__.py").write_text(broken)
    path = tmp_path / "plugin.sock"
    with subprocess.Popen(
        serve(path), env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        with grpc.insecure_channel(f"unix:{path}") as channel:
            discovery, plugin = discovery_pb2_grpc.DiscoveryStub(channel), plugin_pb2_grpc.PluginStub(channel)
            calls: list[Callable[[], object]] = [
                lambda: discovery.GetVersions(discovery_pb2.GetVersions.Request(), timeout=60, wait_for_ready=True),
                lambda: plugin.Init(plugin_pb2.Init.Request(), timeout=60),
                lambda: list(plugin.Sync(plugin_pb2.Sync.Request(), timeout=60)),
            ]
            for call in calls:
                with pytest.raises(grpc.RpcError) as refused:
                    call()
                assert refused.value.code() is grpc.StatusCode.INTERNAL
                assert f"the plugin's installation is broken ({said})" in refused.value.details()
        process.terminate()
        logged, _ = process.communicate()
    assert process.returncode == 0
    assert [json.loads(line)["level"] for line in logged.splitlines()] == ["info", "error", "info"]


# -- whoever started it is gone --------------------------------------------------------------------


@pytest.fixture
def stalled(proxy: Proxy, tmp_path: Path) -> Iterator[bytes]:
    """A spec whose cluster stops answering after the first page of pods."""
    released = threading.Event()

    def spoil(path: str, real: Answer) -> Answer | None:
        if "continue=" in path:
            released.wait(60)
        return None

    proxy.spoil = spoil
    path = tmp_path / "stalled"
    path.write_text(json.dumps(proxy.context.kubeconfig))
    yield json.dumps({"kubeconfig": str(path), "page_size": 2}).encode()
    released.set()


STARTER = """
import subprocess, sys
with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE) as process:
    print(process.pid, flush=True)
    for line in process.stdout:
        pass
"""
"""Starts a program and reads its log, as the CLI does."""


@pytest.mark.parametrize("between", [[], ["sh", "-c", '"$@"; exit $?', "sh"]], ids=["directly", "by a script"])
@pytest.mark.parametrize("when", ["before it listens", "before any call", "in the middle of a sync"])
def test_it_ends_and_leaves_nothing_once_its_starter_was_killed(
    tmp_path: Path, proxy: Proxy, stalled: bytes, when: str, between: list[str]
) -> None:
    path = tmp_path / "cq-abc.sock"
    command = [sys.executable, "-c", STARTER, *between, *serve(path)]
    with (
        subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as starter,
        grpc.insecure_channel(f"unix:{path}") as channel,
    ):
        assert starter.stdout is not None
        first = psutil.Process(int(starter.stdout.readline()))
        if between:
            wait_until(first.children, "the script has started it")
        if when != "before it listens":
            wait_until(path.exists, "it listens")
        started = [first, *first.children(recursive=True)]
        messages: Any = None
        if when == "in the middle of a sync":
            stub = plugin_pb2_grpc.PluginStub(channel)
            stub.Init(plugin_pb2.Init.Request(spec=stalled), timeout=60, wait_for_ready=True)
            messages = stub.Sync(plugin_pb2.Sync.Request(tables=["k8s_pods"]))
            wait_until(lambda: any("continue=" in each for each in proxy.requests), "the second page is asked for")
        starter.send_signal(signal.SIGKILL)
        _, left = psutil.wait_procs(started, timeout=60)
        assert not left
        said = starter.communicate()[1]
        del messages
    assert not path.exists()
    assert said == ""


@pytest.mark.parametrize("to", ["a file", "nowhere"])
def test_it_stays_where_its_log_is_no_pipe(tmp_path: Path, to: str) -> None:
    """It was started by hand, and its shell may have ended."""
    path, log = tmp_path / "plugin.sock", tmp_path / "log"
    redirected = f">{log} 2>&1" if to == "a file" else ">&- 2>&-"
    script = f'"$@" {redirected} & echo $!'
    with subprocess.Popen(
        ["sh", "-c", script, "sh", *serve(path)], env=environment(), stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout is not None
        program = psutil.Process(int(shell.stdout.readline()))
    try:
        with grpc.insecure_channel(f"unix:{path}") as channel:
            stub = plugin_pb2_grpc.PluginStub(channel)
            assert stub.GetName(plugin_pb2.GetName.Request(), timeout=60, wait_for_ready=True).name == "k8s-inventory"
            with pytest.raises(psutil.TimeoutExpired):
                program.wait(1.5)  # it looks every second
    finally:
        program.terminate()
        program.wait(20)
    assert not path.exists()
