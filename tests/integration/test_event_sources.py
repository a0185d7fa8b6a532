"""Where an event comes from: component and host each from where they are first set, in both of the API's forms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.equality import TABLE, query_rows

EVENTS = "/api/v1/namespaces/sources/events"


def test_sources_are_those_of_the_api_server(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context]
) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "sources"}})
    about = {"kind": "Pod", "name": "p", "namespace": "sources"}
    given = product([None, "kubelet"], [None, "node-1"], [None, "example.com/ctrl"], [None, "ctrl-0"])
    for number, (component, host, controller, instance) in enumerate(given):
        event: dict[str, Any] = {"metadata": {"name": f"e{number}"}, "involvedObject": about}
        event["source"] = {"component": component, "host": host}
        event |= {"reportingComponent": controller, "reportingInstance": instance}
        cluster.create(EVENTS, event)
    regarding = {"regarding": about, "type": "Warning", "action": "Pull", "reason": "Pulled", "note": "n"}
    newer = {"eventTime": "2026-01-01T00:00:00.000001Z", "reportingController": "a.b/c", "reportingInstance": "c-0"}
    cluster.create(
        "/apis/events.k8s.io/v1/namespaces/sources/events", {"metadata": {"name": "newer"}, **regarding, **newer}
    )
    sync(context_of(cluster), "events")
    table = cluster.request("GET", EVENTS, accept=TABLE)
    titles = [column["name"] for column in table["columnDefinitions"]]
    stored = {row["name"]: row for row in query_rows(store, "SELECT * FROM k8s_events WHERE namespace = 'sources'")}
    assert len(stored) == len(table["rows"]) == 17
    for served in table["rows"]:
        cells = dict(zip(titles, served["cells"], strict=True))
        row = stored[cells["Name"]]
        host = f", {row['source_host']}" if row["source_host"] else ""
        assert (row["source_component"] or "") + host == cells["Source"], cells["Name"]
        assert row["count"] == cells["Count"]
