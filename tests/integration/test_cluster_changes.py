"""What changes in a cluster starts something: the trigger, and the watches below it, on a real API server."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube import changes as changes_module
from k8s_inventory.kube import watching
from k8s_inventory.kube.changes import LIMITS, Changes
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import Expired, Unreachable
from k8s_inventory.kube.session import Limits, Session
from k8s_inventory.triggers.changes import ChangeTrigger
from tests.cluster import Cluster, kubeconfig
from tests.cluster.cluster import ADMIN, NOBODY
from tests.cluster.objects import pod

PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
def seen_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watches count as standing, and are asked for again, within moments."""
    monkeypatch.setattr(changes_module, "_STANDS", 0.2)
    monkeypatch.setattr(changes_module, "_LONGEST_PAUSE", 0.2)


@pytest.fixture
def follow(seen_soon: None) -> Iterator[Callable[..., Changes]]:
    """Follows kinds of a context, until the test ends."""
    stopped, made = threading.Event(), []

    def follow(context: Context, *kinds: str) -> Changes:
        limits = Limits(**LIMITS)  # type: ignore[arg-type]
        made.append(
            Changes(context.name, lambda: Session(context, limits, stopped=stopped), [KINDS[k] for k in kinds], stopped)
        )
        made[-1].look()
        return made[-1]

    yield follow
    stopped.set()
    for each in made:
        each.close()


def _until_seen(changes: Changes, seconds: float = 30) -> set[str]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if seen := changes.look():
            return seen
        time.sleep(0.05)
    return set()


def _all_seen(changes: Changes) -> set[str]:
    """Until nothing more comes for a while: that a pod is gone may be told twice."""
    found = _until_seen(changes)
    while more := _until_seen(changes, 0.5):
        found |= more
    return found


def _quiet(changes: Changes) -> bool:
    """Whether nothing more comes for a while."""
    return _until_seen(changes, 0.5) == set()


def _until_quiet(changes: Changes) -> None:
    """A cluster that is young makes changes of its own."""
    end = time.monotonic() + 60
    while not _quiet(changes):
        assert time.monotonic() < end


def test_changes_of_the_chosen_kinds_are_seen(
    cluster: Cluster, context_of: Callable[..., Context], follow: Callable[..., Changes]
) -> None:
    changes = follow(context_of(cluster), "pods", "secrets")
    _until_quiet(changes)
    cluster.create(PODS, pod("changing"))
    assert _all_seen(changes) == {"pods"}
    cluster.delete(f"{PODS}/changing")
    assert _all_seen(changes) == {"pods"}
    secret = {"metadata": {"name": "changing"}, "stringData": {"password": "pl4nted-s3cret"}}
    cluster.create("/api/v1/namespaces/shop/secrets", secret)
    assert _all_seen(changes) == {"secrets"}
    cluster.delete("/api/v1/namespaces/shop/secrets/changing")
    assert _all_seen(changes) == {"secrets"}


@pytest.mark.parametrize("name", list(KINDS))
def test_no_more_than_metadata_is_asked_for(name: str) -> None:
    from k8s_inventory.kube.multiplexed import Connections
    from k8s_inventory.kube.watching import Watch

    asked: dict[str, str] = {}

    class Noted:
        limits = Limits()
        context = Context("test")

        def stream(self, path: str, query: dict[str, Any], *, accept: str, seconds: float, over: Connections) -> None:
            asked.update(query, accept=accept)

    kind = KINDS[name]
    watch = Watch(Noted(), kind, version=kind.version, revision=1, seconds=9, metadata_alone=True)  # type: ignore[arg-type]
    watch.open(Connections())
    assert asked["accept"] == "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    assert "includeObject" not in asked


def test_what_changed_while_an_api_server_was_away_is_seen(
    start_cluster: Callable[..., Cluster],
    context_of: Callable[..., Context],
    follow: Callable[..., Changes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    mine = start_cluster()
    changes = follow(context_of(mine), "configmaps", "services")
    _until_quiet(changes)
    server = mine._alive("kube-apiserver")
    assert server
    server.kill()  # to end in order it would wait for its watches
    server.wait(10)

    def said() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]

    for seconds, enough in ((60, 1), (2, 2)):  # it says so, and then nothing more
        end = time.monotonic() + seconds
        while len(said()) < enough and time.monotonic() < end:
            assert changes.look() == set()
            time.sleep(0.02)
    assert len(said()) == 1, said()
    assert "context test" in said()[0]
    mine.upgrade()
    body = {"metadata": {"name": "new"}}
    mine.create("/api/v1/namespaces/default/configmaps", body)
    seen: set[str] = set()
    while "configmaps" not in seen:
        found = _until_seen(changes)
        assert found, "nothing was seen"
        seen |= found
    end = time.monotonic() + 60
    while "watched again" not in caplog.text and time.monotonic() < end:
        changes.look()
        time.sleep(0.05)
    assert "watched again" in caplog.text


def test_what_the_api_server_has_forgotten_counts_as_changed(
    cluster: Cluster,
    context_of: Callable[..., Context],
    follow: Callable[..., Changes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = follow(context_of(cluster), "pods")
    _until_quiet(changes)
    followed = changes._followed["pods"]
    assert changes._watches is not None
    monkeypatch.setattr(changes, "_read", lambda: None)
    changes._watches.drop("pods")
    changes._ended(followed, Expired("410"))
    monkeypatch.undo()
    assert _until_seen(changes) == {"pods"}
    assert _quiet(changes)


def test_what_was_missed_is_told_though_the_context_fails_meanwhile(
    cluster: Cluster,
    context_of: Callable[..., Context],
    follow: Callable[..., Changes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = follow(context_of(cluster), "pods", "services")
    _until_quiet(changes)
    asked = changes_module.Listing.current

    def current(self: Any) -> Any:
        if self.kind.name == "services":
            raise Unreachable("context test: gone for a moment")
        return asked(self)

    monkeypatch.setattr(changes_module.Listing, "current", current)
    for name, followed in changes._followed.items():
        assert changes._watches is not None
        changes._watches.drop(name)
        followed.revision, followed.was_heard, followed.is_lost, followed.due = None, False, True, 0.0
    assert changes.look() == {"pods"}
    monkeypatch.undo()
    assert _until_seen(changes) == {"services"}


def test_a_context_that_leads_to_another_cluster_is_followed_there(
    cluster: Cluster,
    start_cluster: Callable[..., Cluster],
    context_of: Callable[..., Context],
    follow: Callable[..., Changes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the one before is there still, and nothing says that it is not meant any more but the kubeconfig."""
    monkeypatch.setattr(changes_module, "_SESSION_LASTS", 0.5)
    changes = follow(context_of(cluster), "configmaps")
    _until_quiet(changes)
    other = start_cluster()
    context_of(other)  # writes the same kubeconfig
    assert _until_seen(changes) == {"configmaps"}, "all of it may be other"
    _until_quiet(changes)
    cluster.create("/api/v1/namespaces/shop/configmaps", {"metadata": {"name": "no-more"}})
    assert _quiet(changes)
    other.create("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "there"}})
    assert _until_seen(changes) == {"configmaps"}
    cluster.delete("/api/v1/namespaces/shop/configmaps/no-more")


@pytest.mark.parametrize("was_heard", [False, True])
def test_a_revision_of_the_future_is_given_up(
    cluster: Cluster,
    context_of: Callable[..., Context],
    follow: Callable[..., Changes],
    monkeypatch: pytest.MonkeyPatch,
    was_heard: bool,
) -> None:
    """That of a cluster that was restored from a backup in the meantime: a watch from there is silent until its end."""
    monkeypatch.setattr(changes_module, "_SECONDS", 1)
    monkeypatch.setattr(watching, "_GRACE", 0.5)
    changes = follow(context_of(cluster), "pods")
    followed = changes._followed["pods"]
    assert changes._watches is not None
    changes._watches.drop("pods")
    followed.revision, followed.due, followed.was_heard = 10**12, 0.0, was_heard
    assert _until_seen(changes) == {"pods"}


def test_a_kind_that_is_forbidden_leaves_the_others(
    cluster: Cluster,
    context_of: Callable[..., Context],
    follow: Callable[..., Changes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    changes = follow(context_of(cluster, user=NOBODY), "pods", "services")
    assert _quiet(changes)
    warned = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(warned) == 2
    assert all("forbidden" in each for each in warned)


def test_pauses_grow_to_minutes_and_differ() -> None:
    def pauses(failures: int) -> list[float]:
        followed = changes_module._Followed(KINDS["pods"], failures=failures - 1)
        found = []
        for _ in range(20):
            followed.failures = failures - 1
            followed.pause(0.0, failed=True)
            found.append(followed.due)
        return found

    assert 1 <= min(pauses(1)) < max(pauses(1)) <= 3
    assert 150 <= min(pauses(50)) < max(pauses(50)) <= 450
    assert len(set(pauses(5))) == 20


# -- the trigger -----------------------------------------------------------------------------------


async def _events(trigger: ChangeTrigger, act: Callable[[], None], count: int) -> list[dict[str, Any]]:
    """The payloads of so many events, after `act` was called once its contexts are watched."""
    generator = trigger.run()
    first = asyncio.ensure_future(anext(generator))
    try:
        await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.to_thread(act), 60)
        found = [(await asyncio.wait_for(first, 60)).payload]
        while len(found) < count:
            found.append((await asyncio.wait_for(anext(generator), 60)).payload)
        return found
    finally:
        first.cancel()
        await generator.aclose()


def test_the_trigger_fires_once_for_many_changes(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen_soon: None
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster, "other": cluster}))
    monkeypatch.setenv("KUBECONFIG", str(config))
    trigger = ChangeTrigger(kinds=["po", "configmaps"], contexts=["test"], apart=2.0)
    watched = threading.Event()
    looked = Changes.look

    def look(self: Changes) -> set[str]:
        found = looked(self)
        watched.set()
        return found

    monkeypatch.setattr(Changes, "look", look)

    def act() -> None:
        assert watched.wait(30)
        for number in range(5):
            cluster.create(PODS, pod(f"burst-{number}"))

    began = time.monotonic()
    try:
        assert asyncio.run(_events(trigger, act, 1)) == [{"changed": {"test": ["pods"]}}]
    finally:
        for number in range(5):
            cluster.delete(f"{PODS}/burst-{number}")
    assert time.monotonic() - began >= 2.0
    until = time.monotonic() + 60
    while any(each.name.startswith("k8s-changes") for each in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [each for each in threading.enumerate() if each.name.startswith("k8s-changes")]


def test_its_arguments_are_names_alone_and_make_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:pl4nted-s3cret@h/d")
    path, arguments = ChangeTrigger(kinds=["pods"], contexts=["prod"], apart=5).serialize()
    assert path == f"{ChangeTrigger.__module__}.{ChangeTrigger.__qualname__}"
    assert json.loads(json.dumps(arguments)) == {"kinds": ["pods"], "contexts": ["prod"], "apart": 5.0}
    assert ChangeTrigger(**arguments).serialize() == (path, arguments)


@pytest.mark.parametrize("kinds", [["podz"], ["custom"], ["workloads", "networking", "config", "access"]])
def test_what_it_can_not_watch_it_says_once_and_goes_on(
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kinds: list[str],
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setattr("k8s_inventory.triggers.changes._CONFIGURATION_READ", 0.05)
    trigger = ChangeTrigger(kinds=kinds)

    async def run() -> None:
        generator = trigger.run()
        waiting = asyncio.ensure_future(anext(generator))
        end = time.monotonic() + 60
        while not caplog.records and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await generator.aclose()

    asyncio.run(run())
    said = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(said) == 1, said
    assert "changes start nothing" in said[0]


def test_the_event_loop_never_waits_for_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor for many at once which take a connection and say nothing."""
    import socket

    import yaml

    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = yaml.safe_load(kubeconfig({f"silent-{n}": cluster for n in range(12)}))
        for each in config["clusters"]:
            each["cluster"]["server"] = f"https://127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        trigger = ChangeTrigger(kinds=["pods"])
        most_threads, longest = 0, 0.0

        async def run() -> None:
            nonlocal most_threads, longest
            generator = trigger.run()
            waiting = asyncio.ensure_future(anext(generator))
            before, end = time.monotonic(), time.monotonic() + 2
            while (now := time.monotonic()) < end:
                longest, before = max(longest, now - before), now
                most_threads = max(most_threads, sum(t.name.startswith("k8s-changes") for t in threading.enumerate()))
                await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await generator.aclose()

        asyncio.run(run())
    assert 1 <= most_threads <= 4
    assert longest < 5


def test_no_credential_is_in_what_it_says(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = tmp_path / "config"
    config.write_text(kubeconfig({"test": cluster}))
    monkeypatch.setenv("KUBECONFIG", str(config))
    trigger = ChangeTrigger(kinds=["pods"], apart=1.0)

    async def run() -> None:
        generator = trigger.run()
        waiting = asyncio.ensure_future(anext(generator))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await generator.aclose()

    asyncio.run(run())
    assert ADMIN.token not in caplog.text + repr(trigger) + str(trigger.serialize())
