"""What questions across kinds cost where there are many pods, against the least that the indexes allow.

    python -m bench.relations --pods 200000

The rows are made in PostgreSQL itself: 100 pods a ReplicaSet, two ReplicaSets a Deployment, a Service each, a role and
a binding for every namespace.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from k8s_inventory.store import Store
from k8s_inventory.store.statements import FOLDER
from quickstart import embedded

BOUND_MS = 50

ROWS = """
CREATE FUNCTION pg_temp.uid(kind text, number bigint) RETURNS text LANGUAGE sql IMMUTABLE
RETURN md5(concat(kind, number))::uuid::text;
CREATE FUNCTION pg_temp.owner(api_version text, kind text, number bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_array(jsonb_build_object(
    'apiVersion', api_version, 'kind', kind, 'name', lower(kind) || number, 'uid', pg_temp.uid(kind, number),
    'controller', true, 'blockOwnerDeletion', true));

INSERT INTO k8s_pods (context_name, uid, name, namespace, resource_version, api_version, labels, annotations,
    owner_references, finalizers, pod_ips, container_names, images, init_images, requests, limits, node_name,
    service_account_name, spec)
SELECT 'bench', pg_temp.uid('Pod', n), 'pod' || n, 'ns' || n / 2000, n::text, 'v1',
    jsonb_build_object('app', 'app' || n / 200, 'pod-template-hash', n / 100, 'tier', n %% 3), '{}',
    pg_temp.owner('apps/v1', 'ReplicaSet', n / 100), '{}', '{}', '{web}', '{registry.example/web:1}', '{}', '{}', '{}',
    'node' || n %% 100, 'default', jsonb_build_object('volumes', jsonb_build_array(jsonb_build_object('name', 'config',
    'configMap', jsonb_build_object('name', 'config' || n / 200))), 'containers', repeat(md5(n::text), 60))
FROM generate_series(0, %(pods)s::bigint - 1) AS n;
INSERT INTO k8s_replicasets (context_name, uid, name, namespace, resource_version, api_version, labels, annotations,
    owner_references, finalizers, container_names, images)
SELECT 'bench', pg_temp.uid('ReplicaSet', n), 'replicaset' || n, 'ns' || n / 20, n::text, 'apps/v1', '{}', '{}',
    pg_temp.owner('apps/v1', 'Deployment', n / 2), '{}', '{}', '{}'
FROM generate_series(0, %(pods)s::bigint / 100 - 1) AS n;
INSERT INTO k8s_deployments (context_name, uid, name, namespace, resource_version, api_version, labels, annotations,
    owner_references, finalizers, container_names, images)
SELECT 'bench', pg_temp.uid('Deployment', n), 'deployment' || n, 'ns' || n / 10, n::text, 'apps/v1', '{}', '{}', '[]',
    '{}', '{}', '{}'
FROM generate_series(0, %(pods)s::bigint / 200 - 1) AS n;
INSERT INTO k8s_services (context_name, uid, name, namespace, resource_version, api_version, labels, annotations,
    owner_references, finalizers, cluster_ips, external_addresses, ports, selector, ip_families)
SELECT 'bench', pg_temp.uid('Service', n), 'service' || n, 'ns' || n / 10, n::text, 'v1', '{}', '{}', '[]', '{}', '{}',
    '{}', '[]', jsonb_build_object('app', 'app' || n), '{}'
FROM generate_series(0, %(pods)s::bigint / 200 - 1) AS n;
INSERT INTO k8s_roles (context_name, uid, name, namespace, resource_version, api_version, labels, annotations,
    owner_references, finalizers, rules)
SELECT 'bench', pg_temp.uid('Role', n), 'role', 'ns' || n, n::text, 'v1', '{}', '{}', '[]', '{}', jsonb_build_array(
    jsonb_build_object('apiGroups', '[""]'::jsonb, 'verbs', '["get"]'::jsonb, 'resources',
    CASE WHEN n %% 10 = 0 THEN '["secrets"]'::jsonb ELSE '["pods"]'::jsonb END))
FROM generate_series(0, %(pods)s::bigint / 2000 - 1) AS n;
INSERT INTO k8s_rolebindings (context_name, uid, name, namespace, resource_version, api_version, labels, annotations,
    owner_references, finalizers, role_kind, role_name, subjects, users, groups, service_accounts)
SELECT 'bench', pg_temp.uid('RoleBinding', n), 'binding' || n, 'ns' || n / 10, n::text, 'v1', '{}', '{}', '[]', '{}',
    'Role', 'role', jsonb_build_array(jsonb_build_object('kind', 'User', 'name', 'user' || n)), '{}', '{}', '{}'
FROM generate_series(0, %(pods)s::bigint / 200 - 1) AS n
"""

QUESTIONS: dict[str, tuple[str, str]] = {
    "all that a deployment owns": (
        """SELECT owned.* FROM k8s_deployments AS d CROSS JOIN LATERAL k8s_owned_by(d.context_name, d.uid) AS owned
           WHERE d.context_name = 'bench' AND d.namespace = 'ns0' AND d.name = 'deployment3'""",
        """SELECT p.uid FROM k8s_deployments AS d
           JOIN k8s_replicasets AS r ON r.context_name = d.context_name
             AND k8s_owner(r.owner_references) ->> 'uid' = d.uid AND r.owner_references <> '[]'
           JOIN k8s_pods AS p ON p.context_name = r.context_name
             AND k8s_owner(p.owner_references) ->> 'uid' = r.uid AND p.owner_references <> '[]'
           WHERE d.context_name = 'bench' AND d.namespace = 'ns0' AND d.name = 'deployment3'""",
    ),
    "owners of all pods of a deployment": (
        """SELECT chain.* FROM k8s_pods AS p JOIN k8s_owner_chain AS chain USING (context_name, uid)
           WHERE p.context_name = 'bench' AND p.namespace = 'ns0' AND k8s_matches(p.labels, 'app=app3')
             AND chain.kind = 'Pod'""",
        """SELECT p.uid, r.uid, k8s_owner(r.owner_references) ->> 'uid' FROM k8s_pods AS p
           JOIN k8s_replicasets AS r ON r.context_name = p.context_name
             AND r.uid = k8s_owner(p.owner_references) ->> 'uid'
           WHERE p.context_name = 'bench' AND p.namespace = 'ns0' AND p.labels @> '{"app": "app3"}'""",
    ),
    "all pods of a service": (
        """SELECT target_name FROM k8s_edges WHERE context_name = 'bench' AND relation = 'selects'
           AND source_kind = 'Service' AND source_namespace = 'ns0' AND source_name = 'service3'""",
        """SELECT name FROM k8s_pods WHERE context_name = 'bench' AND namespace = 'ns0'
           AND labels @> '{"app": "app3"}'""",
    ),
    "all pods with a config map": (
        """SELECT source_name FROM k8s_edges WHERE context_name = 'bench' AND relation = 'mounts'
           AND source_namespace = 'ns0' AND target_kind = 'ConfigMap' AND target_name = 'config3'""",
        """SELECT name FROM k8s_pods WHERE context_name = 'bench' AND namespace = 'ns0'
           AND spec @> '{"volumes": [{"configMap": {"name": "config3"}}]}'""",
    ),
    "who can read secrets": (
        (FOLDER / "queries" / "rbac" / "who_can_read_secrets.sql").read_text(),
        """SELECT b.uid FROM k8s_rolebindings AS b JOIN k8s_roles AS r USING (context_name, namespace)
           WHERE r.name = b.role_name AND r.rules @> '[{"resources": ["secrets"]}]'""",
    ),
}


def milliseconds(connection: psycopg.Connection[Any], query: str) -> tuple[float, int]:
    """The median of five runs with a warm cache, and the rows."""
    taken, rows = [], 0
    for _ in range(6):
        start = time.perf_counter()
        rows = len(connection.execute(query).fetchall())
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken[1:]), rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="k8s-inventory-bench-") as name:
        server = embedded.start(Path(name) / "postgres")
        try:
            with Store.connect(server.url()) as store:
                store.migrate()
                psycopg.ClientCursor(store.connection).execute(ROWS, {"pods": options.pods})
                store.connection.execute("VACUUM ANALYZE")
                print(f"{options.pods:,} pods; milliseconds with a warm cache (bound {BOUND_MS})")
                for question, (asked, least) in QUESTIONS.items():
                    taken, rows = milliseconds(store.connection, asked)
                    minimum, _ = milliseconds(store.connection, least)
                    print(f"{question}: {taken:.1f} for {rows} rows; the least: {minimum:.1f}")
        finally:
            embedded.stop(server.data)


if __name__ == "__main__":
    main()
