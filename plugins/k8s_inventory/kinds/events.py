"""Events: what happened to objects lately."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from k8s_inventory.kinds.declaration import Column, Kind


class EventTimes(NamedTuple):
    first_seen: datetime | None
    last_seen: datetime | None
    times: int


def event_times(event: Any) -> EventTimes:
    """The rule of `printEvent` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    first = event.first_timestamp or event.event_time
    if event.series is not None:
        return EventTimes(first, event.series.last_observed_time, event.series.count or 0)
    return EventTimes(first, event.last_timestamp or first, event.count or 1)


_EVENT = (
    "firstTimestamp:timestamptz",
    "lastTimestamp:timestamptz",
    "eventTime:timestamptz",
    "count:integer",
    "series?.count:integer",
    "series?.lastObservedTime:timestamptz",
)


EVENTS = Kind(
    name="events",
    kind="Event",
    plural="events",
    table="k8s_events",
    short_names=("ev",),
    description="Events: what happened to objects lately. The API server itself keeps them for an hour.",
    has_history=False,
    kept_in="k8s_past_events",
    rest=("data",),
    typed_columns=(
        Column(
            name="last_seen_at",
            type="timestamptz",
            needs=_EVENT,
            compute=event_times,
            part="last_seen",
            description="When it was last seen: kubectl's LAST SEEN.",
        ),
        Column(name="type", path="type", description="Normal or Warning."),
        Column(name="reason", path="reason", description="What happened, in a word."),
        Column(name="involved_kind", path="involvedObject.kind", description="Kind of the object it is about."),
        Column(name="involved_namespace", path="involvedObject.namespace", description="Namespace of that object."),
        Column(name="involved_name", path="involvedObject.name", description="Name of that object."),
        Column(name="involved_uid", path="involvedObject.uid", description="UID of that object."),
        Column(
            name="involved_field_path", path="involvedObject.fieldPath", description="Part of it: kubectl's SUBOBJECT."
        ),
        Column(
            name="source_component",
            needs=("source.component", "reportingComponent"),
            compute=lambda event: event.source.component or event.reporting_component or None,
            description="Who saw it: the first part of kubectl's SOURCE.",
        ),
        Column(
            name="source_host",
            needs=("source.host", "reportingInstance"),
            compute=lambda event: event.source.host or event.reporting_instance or None,
            description="Where it was seen: the second part of kubectl's SOURCE.",
        ),
        Column(name="message", path="message", description="What happened, in words."),
        Column(
            name="first_seen_at",
            type="timestamptz",
            needs=_EVENT,
            compute=event_times,
            part="first_seen",
            description="When it was first seen: kubectl's FIRST SEEN.",
        ),
        Column(
            name="count",
            type="integer",
            needs=_EVENT,
            compute=event_times,
            part="times",
            description="Times that it was seen.",
        ),
        Column(name="action", path="action", description="What was done or tried."),
    ),
)
