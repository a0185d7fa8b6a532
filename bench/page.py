"""What the inventory page costs: 1,000,000 objects in 100 clusters, against the bare indexed query of each question.

    python -m bench.page --clusters 100 --objects 10000

The rows are made in PostgreSQL itself. The page is asked as Airflow's api-server asks it, without the network and the
login.
"""

from __future__ import annotations

import json

import psycopg

from k8s_inventory.kinds import KINDS

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
