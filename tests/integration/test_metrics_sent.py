"""Metrics as each of Airflow's clients sends them: whatever contexts are called, and whatever is in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

from k8s_inventory.operators import metrics
from k8s_inventory.operators.metrics import METRICS, figures, send
from k8s_inventory.outcome import Outcome
from k8s_inventory.store import Store
from k8s_inventory.sync import Result, Run
from k8s_inventory.sync.summary import report
from tests.cluster import Cluster
from tests.conftest import context_to
from tests.metric_listeners import StatsD, statsd

HOSTILE = 'prod:1|c\nairflow.other:5|g,kind=é;"#%\t\x01' + "x" * 300
FORMS = {
    "names": {"statsd_on": "True"},
    "influxdb": {"statsd_on": "True", "statsd_influxdb_enabled": "True"},
    "datadog": {"statsd_datadog_enabled": "True"},
    "datadog without tags": {"statsd_datadog_enabled": "True", "statsd_datadog_metrics_tags": "False"},
}
OUTCOMES = {each.value.replace(" ", "_"): 0.0 for each in Outcome}


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


def _row(context: str, kind: str, outcome: str = "complete", **more: Any) -> dict[str, Any]:
    counts = {"changed": 0, "deleted": 0, "bytes": 0, "seconds": None}
    return {"context_name": context, "kind": kind, "outcome": outcome, **counts, **more}


@pytest.mark.parametrize("form", FORMS)
def test_hostile_contexts_stay_apart_and_in_their_place(
    form: str, listening: Callable[..., StatsD], store: Store
) -> None:
    """Each line is one of ours, whole, and no two contexts share one."""
    contexts = [HOSTILE, HOSTILE + "y", "a.b", "a_b", "a/b", "a b", "arn:aws:eks:eu:1:cluster/prod", "ü", "", "prod"]
    server = listening(**FORMS[form])
    send(store, [_row(context, "pods", changed=3, deleted=2, bytes=7, seconds=1.5) for context in contexts])
    values = server.values()
    by_context = len(OUTCOMES) + len(METRICS) - 1 - len(["age"])
    assert len(values) == len(contexts) * by_context
    assert all(len(found) == 1 for found in values.values())
    assert all(len(name.partition("#")[0]) < 250 for name in values)
    changed, not_run = {
        "influxdb": ("changed,context=prod,kind=pods", "targets,context=prod,outcome=not_run"),
        "datadog": ("changed#context:prod,kind:pods", "targets#context:prod,outcome:not_run"),
    }.get(form, ("changed.prod.pods", "targets.prod.not_run"))
    assert values[f"airflow.k8s_inventory.{changed}"] == [(3, "c")]
    assert values[f"airflow.k8s_inventory.{not_run}"] == [(0, "g")]


def test_what_was_synced(
    cluster: Cluster, store: Store, sync: Callable[..., Result], tmp_path: Any, listening: Callable[..., StatsD]
) -> None:
    """Rows that a run left are there, though it could not read them; the outcome is that of this run."""
    context = context_to(cluster, folder=tmp_path)
    sync(context, "pods", run=Run("one", invocation="x/"))
    sync(context, "services", run=Run("zero"))
    task = {"context": "test", "kinds": ["pods", "nodes"], "custom": {"include": (), "exclude": ()}, "named": []}
    server = listening(statsd_on="True")
    send(store, report(store, "one", [{**task, "invocation": "x/"}]))
    found = {name.removeprefix("airflow.k8s_inventory."): value for name, (value,) in server.values().items()}
    pods = len(cluster.list("/api/v1/pods"))
    assert found["objects.test.pods"] == (pods, "g")
    assert found["changed.test.pods"] == (pods, "c")
    assert found["objects.test.services"] == (len(cluster.list("/api/v1/services")), "g")
    assert "changed.test.services" not in found, "another run did that"
    assert found["age.test.services"][0] > 0
    assert found["targets.test.complete"] == (2, "g")
    assert found["targets.test.not_run"] == (1, "g")
    assert "age.test.nodes" not in found


def test_kinds_without_a_declaration_are_one() -> None:
    """Who may make CRDs chooses their names; the metrics of others are not multiplied by them."""
    custom = [f"{name}.example.org" for name in ("widgets", "gadgets")]
    rows = [_row("a", "custom"), *(_row("a", name, changed=2, bytes=5, seconds=1.0) for name in custom)]
    status = [{**_row("a", name), "age": age} for name, age in zip(custom, (10.0, 20.0), strict=True)]
    status += [
        {**_row("a", "gone.example.org", "absent"), "age": 9000.0},
        {**_row("a", "metrics.example.org", "unsupported"), "age": 9000.0},
        {**_row("a", "killed.example.org"), "outcome": None, "age": None},
    ]
    counted = [{"context_name": "a", "kind": "custom", "objects": 8}]
    found = list(figures(rows, status, counted))
    assert {by[1] for metric, _, by in found if metric != "targets"} == {"custom"}
    assert {(metric, value) for metric, value, _ in found if metric not in ("targets", "duration")} == {
        ("objects", 8),
        ("age", 20.0),
        ("changed", 4),
        ("bytes", 10),
    }
    ended = {by[1]: value for metric, value, by in found if metric == "targets"}
    assert ended == {**OUTCOMES, "complete": 3, "absent": 1, "unsupported": 1, "not_run": 1}
    assert {metric for metric, _, _ in found} <= METRICS.keys()


def test_nothing_is_asked_where_nobody_listens() -> None:
    send(None, [_row("a", "pods")])  # type: ignore[arg-type]


@pytest.mark.parametrize("conf", [{"statsd_on": "perhaps"}, {"statsd_on": "True", "statsd_port": "none"}])
def test_settings_that_mean_nothing_fail_no_run(
    conf: dict[str, str], listening: Callable[..., StatsD], store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    listening(statsd_on="True")
    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
        for name, value in conf.items():
            patch.setenv(f"AIRFLOW__METRICS__{name.upper()}", value)
        send(store, [_row("a", "pods")])
    assert "metrics of this run were not all sent" in caplog.text


def test_a_database_that_is_gone_or_locked_fails_no_run_and_holds_none_up(
    listening: Callable[..., StatsD],
    store: Store,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    listening(statsd_on="True")
    monkeypatch.setattr(metrics, "_MOST_SECONDS", 0.2)
    with Store.connect(database_url) as other, other.connection.transaction():
        other.connection.execute("LOCK TABLE k8s_pods")
        sending = threading.Thread(target=send, args=(store, [_row("a", "pods")]))
        sending.start()
        sending.join(30)
        assert not sending.is_alive()
    assert caplog.text.count("were not all sent (StoreError)") == 1
    assert store.connection.execute("SHOW statement_timeout").fetchone() == ("0",)
    store.connection.close()
    send(store, [_row("a", "pods")])
    assert caplog.text.count("were not all sent (StoreError)") == 2
