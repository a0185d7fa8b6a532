"""What the inventory page costs: 1,000,000 objects in 100 clusters, against the bare indexed query of each question.

    python -m bench.page --clusters 100 --objects 10000

The rows are made in PostgreSQL itself. The page is asked as Airflow's api-server asks it, without the network and the
login.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psycopg

from k8s_inventory.kinds import KINDS
from k8s_inventory.store import Store
from quickstart import embedded

BOUND_MS = 100

_META = (
    "context_name, uid, name, namespace, created_at, resource_version, api_version, labels, annotations, "
    "owner_references, finalizers"
)
_UID = "md5(concat(%(kind)s::text, c, '/', n))::uuid::text"
_CLUSTERS = """
INSERT INTO k8s_sync_contexts (context_name, cluster_uid, server, version, provider)
SELECT 'cluster-' || lpad(c::text, 3, '0'), md5(c::text), 'https://' || c || '.example', 'v1.34.1', 'kind'
FROM generate_series(0, %(clusters)s::int - 1) AS c
"""
_ROWS = {  # share of the objects, and what the kind's columns hold beside the metadata
    "pods": (
        0.60,
        "phase, display_status, ready_containers, total_containers, restarts, pod_ip, pod_ips, node_name, "
        "service_account_name, container_names, images, init_images, requests, limits, spec, status",
        """CASE WHEN n %% 50 = 7 THEN 'Pending' ELSE 'Running' END,
        CASE WHEN n %% 97 = 3 THEN 'CrashLoopBackOff' WHEN n %% 50 = 7 THEN 'Pending' ELSE 'Running' END, 1, 1, n %% 5,
        '10.0.0.1', '{10.0.0.1}', 'node-' || n %% 60, 'default', '{web}',
        ARRAY['registry.example/team' || n / 20 %% 40 || '/app' || n / 10 %% 500 || ':1.' || c %% 7], '{}', '{}', '{}',
        jsonb_build_object('containers', repeat(md5(n::text || c), 40)),
        jsonb_build_object('phase', 'Running', 'conditions', repeat(md5(n::text), 20))""",
    ),
    "replicasets": (
        0.10,
        "replicas, ready_replicas, container_names, images, spec",
        "1, 1, '{web}', ARRAY['registry.example/team' || n %% 40 || '/app' || n %% 500 || ':1.' || c %% 7], "
        "jsonb_build_object('x', repeat(md5(n::text), 30))",
    ),
    "deployments": (
        0.05,
        "replicas, ready_replicas, updated_replicas, available_replicas, container_names, images, spec",
        "1, 1, 1, 1, '{web}', ARRAY['registry.example/team' || n %% 40 || '/app' || n %% 500 || ':1.' || c %% 7], "
        "jsonb_build_object('x', repeat(md5(n::text), 30))",
    ),
    "services": (
        0.05,
        "type, cluster_ip, cluster_ips, external_addresses, ports, selector, ip_families",
        """'ClusterIP', '10.1.1.1', '{}', '{}', '[]', jsonb_build_object('app', 'app' || n %% 500), '{}'""",
    ),
    "configmaps": (0.10, "key_count, keys", "2, '{a,b}'"),
    "secrets": (0.06, "type, key_count", "'Opaque', 2"),
    "serviceaccounts": (0.02, "image_pull_secrets, secrets", "'{}', '{}'"),
    "events": (
        0.015,
        "type, reason, message, involved_kind, involved_name",
        "'Warning', 'BackOff', 'Back-off', 'Pod', 'x'",
    ),
    "namespaces": (0.004, "phase", "'Active'"),
    "nodes": (
        0.001,
        "roles, kubelet_version, taints, pod_cidrs, capacity, allocatable",
        "'{}', 'v1.34.1', '[]', '{}', '{}', '{}'",
    ),
}
_STATUS = """
INSERT INTO k8s_sync_targets (context_name, kind, last_complete_at, exact_as_of, history_since)
SELECT context_name, kind, now() - interval '5 minutes', now() - interval '5 minutes', now() - interval '30 days'
FROM k8s_sync_contexts CROSS JOIN unnest(%(kinds)s::text[]) AS kind
"""
_RUNS = """
INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, outcome, objects, started_at, snapshot_at, finished_at)
SELECT 'run-' || run, 1, context_name, kind,
    CASE WHEN context_name LIKE '%%7' AND kind = 'secrets' THEN 'forbidden' ELSE 'complete' END,
    CASE WHEN context_name LIKE '%%7' AND kind = 'secrets' THEN 0
        ELSE coalesce((%(rows)s::jsonb ->> kind)::int - run, 0) END,
    now() - run * interval '1 day', now() - run * interval '1 day', now() - run * interval '1 day'
FROM generate_series(14, 0, -1) AS run CROSS JOIN k8s_sync_contexts CROSS JOIN unnest(%(kinds)s::text[]) AS kind
"""


def fill(connection: psycopg.Connection[object], clusters: int, objects: int) -> None:
    """`objects` rows in each of so many contexts, as syncs of the last two weeks would have left them."""
    cursor = psycopg.ClientCursor(connection)
    cursor.execute(_CLUSTERS, {"clusters": clusters})
    for name, (share, columns, values) in _ROWS.items():
        kind = KINDS[name]
        namespace = "'ns-' || n %% 40" if kind.namespaced else "NULL"
        label = name if name in ("pods", "replicasets", "deployments", "services") else ""
        labels = "jsonb_build_object('app', 'app' || n / 10 %% 500, 'tier', 't' || n %% 3)" if label else "'{}'"
        owner = (
            "jsonb_build_array(jsonb_build_object('apiVersion', 'apps/v1', 'kind', 'ReplicaSet', 'controller', true, "
            "'name', 'replicasets-' || n / 6, 'uid', md5(concat('replicasets', c, '/', n / 6))::uuid::text))"
            if name == "pods"
            else "'[]'"
        )
        for column in kind.typed_columns:
            if column.required and column.name not in columns.split(", "):
                columns, values = f"{columns}, {column.name}", f"{values}, '{{}}'"
        cursor.execute(
            f"INSERT INTO {kind.table} ({_META}, {columns}) SELECT 'cluster-' || lpad(c::text, 3, '0'), {_UID}, "
            f"%(kind)s || '-' || n, {namespace}, now() - n * interval '1 minute', n::text, 'v1', {labels}, "
            f"'{{}}', {owner}, '{{}}', {values} "
            f"FROM generate_series(0, %(clusters)s::int - 1) AS c, generate_series(0, %(rows)s::int - 1) AS n",
            {"kind": name, "clusters": clusters, "rows": int(objects * share)},
        )
    cursor.execute(_STATUS, {"kinds": list(KINDS)})
    rows = json.dumps({name: int(objects * share) for name, (share, _, _) in _ROWS.items()})
    cursor.execute(_RUNS, {"kinds": list(KINDS), "rows": rows})
    connection.execute("VACUUM ANALYZE")


_CLUSTER, _NAMESPACE = "cluster-003", "ns-7"
_PLACE = f"context_name = '{_CLUSTER}' AND namespace = '{_NAMESPACE}'"
_COVERAGE = "SELECT context_name, kind, outcome, objects, exact_as_of FROM k8s_sync_status"
QUESTIONS: dict[str, tuple[str, str]] = {
    "coverage of all clusters": ("/", _COVERAGE),
    "a family of a cluster": (
        f"/coverage/kinds?context={_CLUSTER}&family=workloads",
        f"{_COVERAGE} WHERE context_name = '{_CLUSTER}'",
    ),
    "its counts over time, of all families": (
        f"/coverage/counts?context={_CLUSTER}",
        f"""
        SELECT kind, day, (
            SELECT objects FROM k8s_sync_runs AS run
            WHERE (run.context_name, run.kind) = (target.context_name, target.kind) AND finished_at <= day
            AND outcome IN ('complete', 'absent') AND scope = 'all' ORDER BY finished_at DESC LIMIT 1
        )
        FROM k8s_sync_targets AS target
        CROSS JOIN generate_series(now() - interval '14 days', now(), interval '14 days' / 29) AS day
        WHERE context_name = '{_CLUSTER}'
        """,
    ),
    "search, nothing asked for": (
        "/search",
        "SELECT * FROM k8s_pods ORDER BY context_name, namespace, name LIMIT 51",
    ),
    "facets, nothing asked for": ("/search/facets", _COVERAGE),
    "search by a whole name": (
        "/search?q=%3Dpods-4177",
        "SELECT uid FROM k8s_pods WHERE name = 'pods-4177' ORDER BY context_name, namespace, name LIMIT 51",
    ),
    "facets of a whole name": (
        "/search/facets?q=%3Dpods-4177",
        "SELECT context_name, namespace, count(*) FROM k8s_objects WHERE name = 'pods-4177' GROUP BY 1, 2",
    ),
    "search by a part of names": (
        "/search?q=ods-417",
        "SELECT uid FROM k8s_pods WHERE name LIKE '%ods-417%' ORDER BY context_name, namespace, name LIMIT 51",
    ),
    "facets of a part of names": (
        "/search/facets?q=ods-417",
        "SELECT context_name, namespace, count(*) FROM k8s_objects WHERE name LIKE '%ods-417%' GROUP BY 1, 2",
    ),
    "pods by label": (
        "/search?kind=pods&labels=app%3Dapp7",
        """SELECT * FROM k8s_pods WHERE labels @> '{"app": "app7"}' ORDER BY context_name, namespace, name LIMIT 51""",
    ),
    "facets of a label": (
        "/search/facets?kind=pods&labels=app%3Dapp7",
        """SELECT context_name, namespace, count(*) FROM k8s_pods WHERE labels @> '{"app": "app7"}' GROUP BY 1, 2""",
    ),
    "a namespace of a cluster": (
        f"/search?context={_CLUSTER}&namespace={_NAMESPACE}",
        f"SELECT * FROM k8s_pods WHERE {_PLACE} ORDER BY name LIMIT 51",
    ),
    "facets of a namespace": (
        f"/search/facets?context={_CLUSTER}&namespace={_NAMESPACE}",
        f"SELECT kind, count(*) FROM k8s_objects WHERE {_PLACE} GROUP BY 1",
    ),
    "an image in a cluster": (
        f"/search?kind=pods&context={_CLUSTER}&image=app77:1.3",
        f"SELECT * FROM k8s_pods WHERE context_name = '{_CLUSTER}' AND array_to_string(images, ' ') LIKE '%app77:1.3%'",
    ),
    "an image in all clusters": (
        "/search?kind=pods&image=app77:1.3",
        "SELECT * FROM k8s_pods WHERE array_to_string(images, ' ') LIKE '%app77:1.3%'",
    ),
    "an object": (
        f"/object?context={_CLUSTER}&kind=pods&uid=%(uid)s",
        f"SELECT * FROM k8s_pods WHERE context_name = '{_CLUSTER}' AND uid = '%(uid)s'",
    ),
    "relations of an object": (
        f"/object/relations?context={_CLUSTER}&kind=pods&uid=%(uid)s",
        f"SELECT * FROM k8s_edges WHERE context_name = '{_CLUSTER}' AND source_uid = '%(uid)s'",
    ),
    "spec of an object": (
        f"/object/yaml?context={_CLUSTER}&kind=pods&uid=%(uid)s&part=spec",
        f"SELECT spec FROM k8s_pods WHERE context_name = '{_CLUSTER}' AND uid = '%(uid)s'",
    ),
}
"""What is asked: an address of the page, and the least that the indexes allow."""


def _p95(asks: Sequence[Callable[[], object]], times: int) -> list[float]:
    """Milliseconds of each, with a warm cache; by turns, so that a busy machine is so for all of them."""
    taken: list[list[float]] = [[] for _ in asks]
    for _ in range(times + 2):
        for ask, mine in zip(asks, taken, strict=True):
            start = time.perf_counter()
            ask()
            mine.append((time.perf_counter() - start) * 1000)
    return [statistics.quantiles(mine[2:], n=20)[-1] for mine in taken]


def measure(database_url: str, times: int) -> None:
    os.environ["DATABASE_URL"] = database_url
    from fastapi.testclient import TestClient

    from k8s_inventory.web.access import may_read, may_trigger
    from k8s_inventory.web.app import app

    app.dependency_overrides |= {may_read: lambda: None, may_trigger: lambda: True}
    client = TestClient(app)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET jit = off")
        (uid,) = connection.execute(
            "SELECT uid FROM k8s_pods WHERE context_name = %s AND name = 'pods-17'", [_CLUSTER]
        ).fetchone() or ("",)
        print(f"milliseconds, 95th percentile of {times}, warm (bound {BOUND_MS}, or twice the bare query)")
        for question, (address, least) in QUESTIONS.items():
            path, query = (text.replace("%(uid)s", uid) for text in (address, least))
            answer = client.get(path)
            assert answer.status_code == 200, (path, answer.text[:500])
            gc.collect()
            gc.freeze()  # what the bare queries allocate here would have the page collect all of Airflow's modules
            bare_query = partial(connection.execute, query.encode())
            page, bare = _p95([partial(client.get, path), lambda ask=bare_query: ask().fetchall()], times)  # type: ignore[misc]
            verdict = "" if page <= max(BOUND_MS, 2 * bare) else "  TOO SLOW"
            print(f"{question}: {page:.0f}; the bare query: {bare:.0f}{verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clusters", type=int, default=100)
    parser.add_argument("--objects", type=int, default=10_000, help="in each cluster")
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--database", help="one that an earlier run has filled")
    options = parser.parse_args()
    if options.database:
        measure(options.database, options.times)
        return
    with tempfile.TemporaryDirectory(prefix="k8s-inventory-bench-") as name:
        server = embedded.start(Path(name) / "postgres")
        try:
            with Store.connect(server.url()) as store:
                store.migrate()
                fill(store.connection, options.clusters, options.objects)
            measure(server.url(), options.times)
        finally:
            embedded.stop(server.data)


if __name__ == "__main__":
    main()
