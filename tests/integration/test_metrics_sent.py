"""Metrics as each of Airflow's clients sends them: whatever contexts are called, and whatever is in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

from k8s_inventory.operators import metrics
from k8s_inventory.operators.metrics import METRICS, figures, send
from k8s_inventory.store import Attempt, Store
from k8s_inventory.sync import Result, Run
from tests.cluster import Cluster
from tests.cluster.cluster import User
from tests.conftest import again, context_to
from tests.metric_listeners import StatsD, statsd

HOSTILE = 'prod:1|c\nairflow.other:5|g,kind=é;"#%\t\x01' + "x" * 300
FORMS = {
    "names": {"statsd_on": "True"},
    "influxdb": {"statsd_on": "True", "statsd_influxdb_enabled": "True"},
    "datadog": {"statsd_datadog_enabled": "True"},
    "datadog without tags": {"statsd_datadog_enabled": "True", "statsd_datadog_metrics_tags": "False"},
}
RUN = Run("one", attempt=2, invocation="x/")


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., StatsD]]:
    """Has Airflow's stats, as a task has them, send by these settings to a listener."""
    with statsd() as server:

        def listen(**conf: str) -> StatsD:
            for name, value in {"statsd_host": "127.0.0.1", "statsd_port": str(server.port), **conf}.items():
                monkeypatch.setenv(f"AIRFLOW__METRICS__{name.upper()}", value)
            stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
            return server

        yield listen
    stats.initialize(factory=NoStatsLogger, export_legacy_names=True)


def _attempt(context: str, kind: str, outcome: str = "complete", **more: Any) -> dict[str, Any]:
    counts = {"changed": 0, "deleted": 0, "bytes": 0, "seconds": None}
    return {"context_name": context, "kind": kind, "outcome": outcome, **counts, **more}


def _stored(store: Store, attempts: list[dict[str, Any]]) -> list[Result]:
    """Attempts of `RUN`, as a sync leaves them, and its results."""
    for each in attempts:
        store.connection.execute(
            "INSERT INTO k8s_sync_runs (run_id, attempt, invocation, context_name, kind, outcome, changed, deleted, "
            "bytes, seconds) VALUES (%(run_id)s, %(attempt)s, %(invocation)s, %(context_name)s, %(kind)s, "
            "%(outcome)s, %(changed)s, %(deleted)s, %(bytes)s, %(seconds)s)",
            {**RUN.task, **each},
        )
    return [Result(each["context_name"], each["kind"], Attempt()) for each in attempts]


def _found(server: StatsD) -> dict[str, tuple[float, str]]:
    return {name.removeprefix("airflow.k8s_inventory."): value for name, (value,) in server.values().items()}


@pytest.mark.parametrize("form", FORMS)
def test_hostile_contexts_stay_apart_and_in_their_place(
    form: str, listening: Callable[..., StatsD], store: Store
) -> None:
    """Each line is one of ours, whole, and no two contexts share one."""
    contexts = [HOSTILE, HOSTILE + "y", "a.b", "a_b", "a/b", "a b", "arn:aws:eks:eu:1:cluster/prod", "ü", "", "prod"]
    server = listening(**FORMS[form])
    attempts = [_attempt(context, "pods", changed=3, deleted=2, bytes=7, seconds=1.5) for context in contexts]
    send(_stored(store, attempts), run=RUN, open_store=again(store))
    values = server.values()
    assert len(values) == len(contexts) * len(METRICS.keys() - {"age"})
    assert all(len(found) == 1 for found in values.values())
    assert all(len(name.partition("#")[0]) < 250 for name in values)
    changed, targets = {
        "influxdb": ("changed,context=prod,kind=pods", "targets,context=prod,outcome=complete"),
        "datadog": ("changed#context:prod,kind:pods", "targets#context:prod,outcome:complete"),
    }.get(form, ("changed.prod.pods", "targets.prod.complete"))
    assert values[f"airflow.k8s_inventory.{changed}"] == [(3, "c")]
    assert values[f"airflow.k8s_inventory.{targets}"] == [(1, "c")]


def test_what_was_synced(
    cluster: Cluster, store: Store, sync: Callable[..., Result], tmp_path: Path, listening: Callable[..., StatsD]
) -> None:
    """Of the attempts of this task, and of no other; rows that it could not read are there all the same."""
    one = context_to(cluster, folder=tmp_path)
    earlier, other = replace(RUN, attempt=1), replace(RUN, invocation="y/")
    results = [sync(one, "services", run=earlier), sync(one, "pods", run=other), sync(one, "nodes", run=RUN)]
    results.append(sync(context_to(cluster, folder=tmp_path, user=User("reader")), "services", run=RUN))
    server = listening(statsd_on="True")
    send(results[2:], run=RUN, open_store=again(store))
    found = _found(server)
    services = len(cluster.list("/api/v1/services"))
    assert services > 0
    assert found.pop("objects.test.services") == (services, "g")
    assert found.pop("age.test.services")[0] > 0
    assert found.pop("age.test.nodes")[0] > 0
    assert found.pop("objects.test.nodes") == (len(cluster.list("/api/v1/nodes")), "g")
    assert (found.pop("targets.test.complete"), found.pop("targets.test.forbidden")) == ((1, "c"), (1, "c"))
    assert found.pop("bytes.test.nodes")[1] == found.pop("changed.test.nodes", (0, "c"))[1] == "c"
    assert found.pop("duration.test.services")[1] == found.pop("duration.test.nodes")[1] == "ms"
    assert found == {}


def test_a_watch_that_was_held_open_is_all_its_attempts(listening: Callable[..., StatsD], store: Store) -> None:
    server = listening(statsd_on="True")
    attempts = [_attempt("a", "pods", changed=each, seconds=300.0) for each in (1, 2, 4)]
    results = _stored(store, [*attempts, _attempt("a", "pods", "partial", deleted=3)])
    send(results[-1:], run=RUN, open_store=again(store))
    values = server.values()
    assert values["airflow.k8s_inventory.changed.a.pods"] == [(7, "c")]
    assert values["airflow.k8s_inventory.deleted.a.pods"] == [(3, "c")]
    assert values["airflow.k8s_inventory.targets.a.complete"] == [(3, "c")]
    assert values["airflow.k8s_inventory.targets.a.partial"] == [(1, "c")]
    assert values["airflow.k8s_inventory.duration.a.pods"] == [(300_000, "ms")] * 3


def test_kinds_without_a_declaration_are_one() -> None:
    """Who may make CRDs chooses their names; the metrics of others are not multiplied by them."""
    custom = [f"{name}.example.org" for name in ("widgets", "gadgets")]
    attempts = [_attempt("a", "custom"), *(_attempt("a", name, changed=2, bytes=5, seconds=1.0) for name in custom)]
    ages = [{"context_name": "a", "kind": name, "age": age} for name, age in zip(custom, (10.0, 20.0), strict=True)]
    ages.append({"context_name": "a", "kind": "pods", "age": 30.0})
    found = list(figures(attempts, ages, [{"context_name": "a", "kind": "custom", "objects": 8}]))
    assert {by[1] for metric, _, by in found if metric != "targets"} == {"custom"}
    assert sorted((metric, value) for metric, value, _ in found) == [
        ("age", 20.0),
        ("bytes", 10),
        ("changed", 4),
        ("duration", 1.0),
        ("duration", 1.0),
        ("objects", 8),
        ("targets", 3),
    ]


def test_what_a_cluster_does_not_serve_has_no_age(store: Store) -> None:
    """It would be older with every run."""
    for kind, outcome in (("pods", "complete"), ("gone.example.org", "absent"), ("metrics.x", "unsupported")):
        _stored(store, [_attempt("a", kind, outcome)])
        store.connection.execute(
            "INSERT INTO k8s_sync_targets (context_name, kind, exact_as_of) VALUES ('a', %s, now())", [kind]
        )
    _, ages, _ = store.figures([("a", "pods")], run=RUN.task, most=5)
    assert [row["kind"] for row in ages] == ["pods"]


def test_nothing_is_asked_where_nobody_listens() -> None:
    send([Result("a", "pods", Attempt())], run=RUN, open_store=lambda: pytest.fail("a session was opened"))


@pytest.mark.parametrize("conf", [{"statsd_on": "perhaps"}, {"statsd_on": "True", "statsd_port": "none"}])
def test_settings_that_mean_nothing_fail_no_task(
    conf: dict[str, str], listening: Callable[..., StatsD], store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    listening(statsd_on="True")
    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
        for name, value in conf.items():
            patch.setenv(f"AIRFLOW__METRICS__{name.upper()}", value)
        send(_stored(store, [_attempt("a", "pods")]), run=RUN, open_store=again(store))
    assert "metrics of this task were not all sent" in caplog.text


def test_a_database_that_is_gone_or_locked_fails_no_task_and_holds_none_up(
    listening: Callable[..., StatsD],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    listening(statsd_on="True")
    monkeypatch.setattr(metrics, "_MOST_SECONDS", 0.2)
    results = _stored(store, [_attempt("a", "pods")])
    with store.connection.transaction():
        store.connection.execute("LOCK TABLE k8s_pods")
        sending = threading.Thread(target=send, args=[results], kwargs={"run": RUN, "open_store": again(store)})
        sending.start()
        sending.join(30)
        assert not sending.is_alive()
    assert caplog.text.count("were not all sent (StoreError)") == 1
    send(results, run=RUN, open_store=lambda: Store.connect("postgresql://127.0.0.1:1/gone"))
    assert caplog.text.count("were not all sent (StoreError)") == 2
