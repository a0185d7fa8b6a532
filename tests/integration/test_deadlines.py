"""What a bad context costs in time: its bound, once a run, and no other context's time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from k8s_inventory.kinds import KINDS, ApiPath
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import Stopped
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.settings import Settings
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, Run
from tests.cluster import Cluster, kubeconfig
from tests.conftest import IMPATIENT, again
from tests.equality import query_rows
from tests.proxy import Answer, Proxy, dripping, streamed
from tests.syncing import sync_kinds

NAMES = ("pods", "services", "deployments", "configmaps", "namespaces")
PATIENT = replace(IMPATIENT, read_timeout=60, attempts=4, longest_wait=30, context_timeout=1)


def _sync(context: Context, store: Store, limits: Limits = PATIENT, names: tuple[str, ...] = NAMES) -> list[Result]:
    settings = Settings.load({"requests_per_second": 1000})
    with Session(context, limits) as session:
        kinds = [KINDS[name] for name in names]
        return list(sync_kinds(session, again(store), kinds, run=Run("r"), settings=settings))


def _storm(path: str, real: Answer) -> Answer:
    return Answer(503, b"no healthy upstream", {"Content-Type": "text/plain", "Retry-After": "30"})


def _drip(path: str, real: Answer) -> Answer:
    return streamed(dripping(real.body[:1000]))


@contextmanager
def _silent() -> Iterator[int]:
    """Accepts connections and never says a word."""
    held = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in held:
            each.close()


def _context(url: str) -> Context:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "bad", "context": {"cluster": "c", "user": "u"}}],
    }
    return Context(name="bad", kubeconfig=content, context="bad")


def _assert_dead(results: list[Result], store: Store, why: str) -> None:
    assert {each.outcome for each in results} == {"unreachable"}
    errors = [str(each.error) for each in results]
    assert sum("not tried again" not in error for error in errors) == 1
    assert all(why in error for error in errors), errors
    assert query_rows(store, "SELECT count(*) FROM k8s_sync_runs WHERE NOT whole_context OR NOT retryable") == [
        {"count": 0}
    ]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(_storm, ": answered 503"), (_drip, ": nothing came")],
    ids=["503 with Retry-After", "a byte now and then"],
)
def test_a_context_that_costs_only_waiting_is_dead_after_its_bound(
    cluster: Cluster, store: Store, spoil: Callable[[str, Answer], Answer], why: str
) -> None:
    with Proxy(cluster) as proxy:
        proxy.spoil = spoil
        start = time.monotonic()
        results = _sync(proxy.context, store)
        assert time.monotonic() - start < 20
        _assert_dead(results, store, "K8S_CONTEXT_TIMEOUT")
        assert all(why in str(each.error) for each in results)


def test_a_connection_that_is_accepted_and_silent_is_dead_after_its_bound(store: Store) -> None:
    limits = replace(PATIENT, read_timeout=1)
    with _silent() as port:
        start = time.monotonic()
        results = _sync(_context(f"http://127.0.0.1:{port}"), store, limits)
        assert time.monotonic() - start < 20
        _assert_dead(results, store, "127.0.0.1")


def test_who_is_stopped_while_a_sign_of_life_is_awaited_is_told_so() -> None:
    stopped = threading.Event()
    limits = replace(PATIENT, context_timeout=4)
    with _silent() as port, Session(_context(f"http://127.0.0.1:{port}"), limits, stopped=stopped) as session:
        timer = threading.Timer(3, stopped.set)
        timer.start()
        with pytest.raises(Stopped):
            session.get(ApiPath("version"))
        timer.join()
        assert session.dead is None


def _hanging_plugin(port: int) -> dict[str, object]:
    version = "client.authentication.k8s.io/v1"
    exec_plugin = {"apiVersion": version, "interactiveMode": "Never", "command": "/bin/sleep", "args": ["3000"]}
    return {"cluster": {"server": f"https://127.0.0.1:{port}"}, "user": {"exec": exec_plugin}}


def _silent_proxy(port: int) -> dict[str, object]:
    return {"cluster": {"server": "https://127.0.0.1:1", "proxy-url": f"http://127.0.0.1:{port}"}}


@pytest.mark.parametrize("entries", [_hanging_plugin, _silent_proxy])
def test_who_is_stopped_leaves_no_context_behind_that_is_taken_for_dead(
    store: Store, entries: Callable[[int], dict[str, object]]
) -> None:
    """Other tasks of the run would not try it."""
    stopped = threading.Event()
    settings = Settings.load({"requests_per_second": 1000})
    with _silent() as port:
        given = {"user": {}, **entries(port)}
        content = {f"{each}s": [{"name": "x", each: value}] for each, value in given.items()}
        content["contexts"] = [{"name": "x", "context": {"cluster": "x", "user": "x"}}]
        context = Context(name="x", kubeconfig=content, context="x")
        with Session(context, replace(PATIENT, connect_timeout=30, context_timeout=60), stopped=stopped) as session:
            timer = threading.Timer(0.5, stopped.set)
            timer.start()
            (result,) = sync_kinds(session, again(store), [KINDS["pods"]], run=Run("r"), settings=settings)
            timer.join()
    assert result.outcome == "failed"
    assert "the task that reads it was ended" in str(result.error)
    assert query_rows(store, "SELECT count(*) FROM k8s_sync_runs WHERE whole_context") == [{"count": 0}]


def test_another_task_of_the_run_does_not_try_it_again(cluster: Cluster, store: Store) -> None:
    with Proxy(cluster) as proxy:
        proxy.spoil = _storm
        _sync(proxy.context, store, names=("pods",))
        asked = len(proxy.requests)
        (other,) = _sync(proxy.context, store, names=("services",))
        assert len(proxy.requests) == asked
        assert "not tried again" in str(other.error)
        assert other.retryable


def test_a_plugin_that_never_ends_is_run_once_in_a_run(cluster: Cluster, store: Store, tmp_path: Path) -> None:
    plugin = tmp_path / "hang"
    plugin.write_text(f"#!/bin/sh\necho started >> {tmp_path}/started\nexec sleep 3000\n")
    plugin.chmod(0o755)
    content = yaml.safe_load(kubeconfig({"bad": cluster}))
    version = "client.authentication.k8s.io/v1"
    content["users"][0]["user"] = {"exec": {"apiVersion": version, "command": str(plugin), "interactiveMode": "Never"}}
    context = Context(name="bad", kubeconfig=content, context="bad")
    start = time.monotonic()
    for names in (NAMES, ("pods",)):
        results = _sync(context, store, replace(PATIENT, credential_timeout=0.5), names)
        assert {each.outcome for each in results} == {"unauthorized"}
        assert all(each.retryable for each in results)
    assert time.monotonic() - start < 20
    assert (tmp_path / "started").read_text().count("started") == 1


@pytest.mark.parametrize("names", [NAMES, ("pods",)], ids=["beside others", "alone in its task"])
def test_a_kind_that_is_never_answered_costs_itself_alone(
    cluster: Cluster, store: Store, names: tuple[str, ...]
) -> None:
    """Though in its own session nothing else may be asked: the context is asked for a sign of life first."""
    with Proxy(cluster) as proxy:

        def spoil(path: str, real: Answer) -> Answer | None:
            if "/pods?" in path:
                proxy.closing.wait(10)
            return None

        proxy.spoil = spoil
        limits = replace(PATIENT, read_timeout=2, context_timeout=0.5, attempts=2, longest_wait=0.1)
        results = {each.kind: each for each in _sync(proxy.context, store, limits, names)}
        proxy.closing.set()
    pods = results.pop("pods")
    assert (pods.outcome, pods.retryable) == ("failed", True)
    assert {each.outcome for each in results.values()} <= {"complete"}
    assert query_rows(store, "SELECT count(*) FROM k8s_sync_runs WHERE whole_context") == [{"count": 0}]


def test_waiting_for_the_database_is_not_waiting_for_the_context(cluster: Cluster, store: Store) -> None:
    with Proxy(cluster) as proxy, Session(proxy.context, replace(PATIENT, context_timeout=0.3)) as session:
        settings = Settings.load({"requests_per_second": 1000})
        for _ in range(3):
            ended = list(sync_kinds(session, again(store), [KINDS["pods"]], run=Run("r"), settings=settings))
            assert [each.outcome for each in ended] == ["complete"]
            time.sleep(0.4)
