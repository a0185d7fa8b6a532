"""Metrics of a run and of what is known after it, through Airflow's own stats: docs/metrics.md.

Where they go (StatsD, DogStatsD or OpenTelemetry), their prefix and which are let through is Airflow's `[metrics]`:
https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/logging-monitoring/metrics.html
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats

from k8s_inventory.kinds import CUSTOM_OBJECTS, KINDS
from k8s_inventory.outcome import Outcome
from k8s_inventory.tracebacks import without_texts

if TYPE_CHECKING:
    from k8s_inventory.store import Store

log = logging.getLogger(__name__)

PREFIX = "k8s_inventory"

_MOST_SECONDS = 10.0
"""That each of the two statements may take which ask what is known."""

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
    "targets": Metric(
        "gauge", ("context", "outcome"), "Kinds of which the last attempt ended so. Every outcome is sent."
    ),
    "objects": Metric("gauge", ("context", "kind"), "Rows that the inventory has of the kind."),
    "age": Metric("gauge", ("context", "kind"), "Seconds since the rows of the kind were exact (`exact_as_of`)."),
    "changed": Metric("counter", ("context", "kind"), "Objects that were created or updated, all attempts of the run."),
    "deleted": Metric("counter", ("context", "kind"), "Rows that were deleted, since their objects are gone."),
    "bytes": Metric(
        "counter", ("context", "kind"), "Bytes that were read from the API server, all attempts of the run."
    ),
    "duration": Metric("timing", ("context", "kind"), "Time that the last attempt of the run took, in milliseconds."),
}

Figure = tuple[str, float, tuple[str, str]]
"""The name of a metric, its value (seconds, of a timing) and those of its tags."""


def send(store: Store, rows: Sequence[Mapping[str, Any]]) -> None:
    """Sends the metrics of a run whose report these rows are, if Airflow has anywhere to send them to.

    Nothing that goes wrong with that fails a run, and no answer is waited for: what is sent may be lost.
    """
    try:
        form = _form()
        if form is None or not rows:
            return
        tagged, unsafe = form
        for metric, value, by in figures(rows, *store.known_now(_contexts(rows), most=_MOST_SECONDS)):
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
        log.warning("metrics of this run were not all sent (%s)", type(error).__name__)
        log.debug("metrics", exc_info=without_texts(error))


def figures(
    rows: Sequence[Mapping[str, Any]], status: Sequence[Mapping[str, Any]], counted: Sequence[Mapping[str, Any]]
) -> Iterator[Figure]:
    """Every figure, of the report of a run and of what `Store.known_now` returns.

    Whoever may make CRDs in a cluster chooses their names: kinds without a declaration are one, `custom`.
    """
    outcomes: dict[tuple[str, str], Outcome] = {}
    ages: dict[tuple[str, str], float] = {}
    for each in status:
        context, kind = each["context_name"], each["kind"]
        outcomes[context, kind] = Outcome(each["outcome"] or Outcome.NOT_RUN)
        if each["age"] is not None and outcomes[context, kind] not in (Outcome.ABSENT, Outcome.UNSUPPORTED):
            ages[context, _known(kind)] = max(each["age"], ages.get((context, _known(kind)), 0.0))  # clocks step back
    outcomes |= {(row["context_name"], row["kind"]): Outcome(row["outcome"]) for row in rows}
    ended = Counter((context, outcome) for (context, _), outcome in outcomes.items())
    for context in _contexts(rows):
        for outcome in Outcome:
            yield "targets", ended[context, outcome], (context, outcome.value.replace(" ", "_"))
    objects = {(context, _known(kind)): 0 for context, kind in outcomes}
    objects |= {(each["context_name"], each["kind"]): each["objects"] for each in counted}
    for by, count in objects.items():
        yield "objects", count, by
    for by, age in ages.items():
        yield "age", age, by
    sums: Counter[tuple[str, tuple[str, str]]] = Counter()
    for row in rows:
        by = row["context_name"], _known(row["kind"])
        for metric in ("changed", "deleted", "bytes"):
            sums[metric, by] += row[metric]
        if row["seconds"] is not None:
            yield "duration", row["seconds"], by
    yield from ((metric, value, by) for (metric, by), value in sums.items() if value)


def _contexts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["context_name"] for row in rows))


def _known(kind: str) -> str:
    return kind if kind in KINDS else CUSTOM_OBJECTS.name


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
