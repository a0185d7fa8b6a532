"""Metrics of what a task has synced, through Airflow's own stats: docs/metrics.md.

Where they go (StatsD, DogStatsD or OpenTelemetry), their prefix and which are let through is Airflow's `[metrics]`:
https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/logging-monitoring/metrics.html
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats

from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS
from k8s_inventory.tracebacks import without_texts

if TYPE_CHECKING:
    from k8s_inventory.store import Store
    from k8s_inventory.sync import Result, Run

log = logging.getLogger(__name__)

PREFIX = "k8s_inventory"

_MOST_SECONDS = 5.0
"""That each of the statements may take which ask for the figures."""

_MOST_LETTERS = 100
"""Of the value of a tag: a name of StatsD has 250 in all."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_./-]")
_NOT_IN_OTEL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""What StatsD and Airflow refuse or give a meaning to, and what is no text."""


class Metric(NamedTuple):
    """`type` is StatsD's: a gauge is so now, a counter is added to, a timing is one of many. `by`: its tags."""

    type: str
    by: tuple[str, str]
    about: str


METRICS = {
    "targets": Metric("counter", ("context", "outcome"), "Attempts on kinds of the context that ended so."),
    "objects": Metric("gauge", ("context", "kind"), "Rows that the inventory has of the kind."),
    "age": Metric("gauge", ("context", "kind"), "Seconds since the rows of the kind were exact (`exact_as_of`)."),
    "changed": Metric("counter", ("context", "kind"), "Objects that were seen created or updated."),
    "deleted": Metric("counter", ("context", "kind"), "Rows that were deleted, since their objects are gone."),
    "bytes": Metric("counter", ("context", "kind"), "Bytes that were read from the API server."),
    "duration": Metric("timing", ("context", "kind"), "Time that an attempt took, in milliseconds."),
}

Figure = tuple[str, float, tuple[str, str]]
"""The name of a metric, its value (of a timing in seconds) and those of its tags."""

Rows = Sequence[Mapping[str, Any]]


def send(results: Sequence[Result], *, run: Run, open_store: Callable[[], Store]) -> None:
    """Sends the metrics of what a task of the run has synced, if Airflow has anywhere to send them to.

    Nothing that goes wrong with that fails a task, and no answer is waited for: what is sent may be lost.
    """
    try:
        form = _form()
        if form is None or not results:
            return
        tagged, unsafe = form
        with open_store() as store:
            found = store.figures(
                [(each.context_name, each.kind) for each in results], run=run.task, most=_MOST_SECONDS
            )
        for metric, value, by in figures(*found):
            values = [safe(each, unsafe) for each in by]
            name = ".".join([PREFIX, metric, *([] if tagged else values)])
            tags = dict(zip(METRICS[metric].by, values, strict=True)) if tagged else None
            if METRICS[metric].type == "gauge":
                stats.gauge(name, value, tags=tags)
            elif METRICS[metric].type == "timing":
                stats.timing(name, timedelta(seconds=value), tags=tags)
            else:
                stats.incr(name, int(value), tags=tags)
    except Exception as error:
        log.warning("metrics of this task were not all sent (%s)", type(error).__name__)
        log.debug("metrics", exc_info=without_texts(error))


def figures(attempts: Rows, ages: Rows, counted: Rows) -> Iterator[Figure]:
    """Every figure, of what `Store.figures` returns.

    Whoever may make CRDs in a cluster chooses their names: kinds without a declaration are one, `custom`.
    """
    added: Counter[tuple[str, tuple[str, str]]] = Counter()
    synced = {_target(row) for row in attempts}
    for row in attempts:
        added["targets", (row["context_name"], row["outcome"])] += 1
        for metric in ("changed", "deleted", "bytes"):
            added[metric, _target(row)] += row[metric]
        if row["seconds"] is not None:
            yield "duration", row["seconds"], _target(row)
    yield from ((metric, value, by) for (metric, by), value in added.items() if value)
    objects = {_target(row): row["objects"] for row in counted}
    yield from (("objects", objects.get(by, 0), by) for by in synced)
    oldest: dict[tuple[str, str], float] = {}
    for row in ages:
        oldest[_target(row)] = max(row["age"], oldest.get(_target(row), 0.0))
    yield from (("age", age, by) for by, age in oldest.items() if by in synced)


def _target(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["context_name"], row["kind"] if row["kind"] in KINDS else CUSTOM_OBJECTS.name


def _form() -> tuple[bool, re.Pattern[str]] | None:
    """Whether what Airflow sends to has tags, and what can not be in their values; None where it sends nowhere.

    Airflow looks in this order. Without tags their values are parts of the name, as in Airflow's own.
    """
    if conf.getboolean("metrics", "statsd_datadog_enabled", fallback=False):
        tagged = conf.getboolean("metrics", "statsd_datadog_metrics_tags", fallback=True)
    elif conf.getboolean("metrics", "statsd_on", fallback=False):
        tagged = conf.getboolean("metrics", "statsd_influxdb_enabled", fallback=False)
    elif conf.getboolean("metrics", "otel_on", fallback=False):
        return True, _NOT_IN_OTEL
    else:
        return None
    return tagged, _NOT_IN_TAGS if tagged else _NOT_IN_NAMES


def safe(text: str, unsafe: re.Pattern[str]) -> str:
    """The text with `_` for each character that is `unsafe`, and no longer than a name may be.

    Two contexts stay two: what was changed ends in a digest of what it was.
    """
    changed = unsafe.sub("_", text)[:_MOST_LETTERS]
    if text and changed == text:
        return text
    return f"{changed}_{sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}"
