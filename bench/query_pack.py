"""What each ready-made query costs where there are many pods.

    python -m bench.query_pack --pods 200000

The rows are made in PostgreSQL itself: running pods with specs of 4.7 kB and statuses, 20 to a ReplicaSet, two
ReplicaSets to a Deployment, and what they use and are reached by, one of each for a Deployment. One in a hundred is
privileged, half are not restricted, and one ConfigMap or Secret in ten is used by nobody.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg

from k8s_inventory.kinds import KINDS
from k8s_inventory.queries import query_pack
from k8s_inventory.store import Store
from quickstart import embedded

BOUND = 1.0
"""Seconds, at 200,000 pods."""

WHY_SLOW = {
    **dict.fromkeys(
        (
            "capacity/containers_without_memory_limit",
            "security/added_capabilities",
            "security/automounted_tokens",
            "security/capabilities_kept",
            "security/debug_containers",
            "security/host_namespaces",
            "security/host_paths",
            "security/host_ports",
            "security/may_run_as_root",
            "security/no_seccomp",
            "security/privilege_escalation",
            "security/privileged",
            "security/secrets_in_environment",
            "security/writable_root_filesystem",
        ),
        "unpacks the spec of every pod",
    ),
    "images/one_tag_many_images": "unpacks the status of every pod",
    "security/pss_baseline": "unpacks the spec of every pod, and looks for thirty things in it",
    "security/pss_restricted": "unpacks the spec of every pod, and looks for fifty things in it",
    **dict.fromkeys(
        ("network/services_without_pods", "network/policies_without_pods"),
        "asks the index on labels once for each of 5,000",
    ),
    "orphans/missing_references": "looks at nine places of every pod template",
    "orphans/config_maps": "looks at four places of every pod template",
    "orphans/secrets": "looks at eight places of every pod template",
    "orphans/claims": "unpacks the spec of every pod: each pod of a set has claims of its own",
}
"""Queries that may take longer, up to `SLOWEST`."""
SLOWEST = 5.0

_FUNCTIONS = """
CREATE FUNCTION pg_temp.uid(kind text, number bigint) RETURNS text LANGUAGE sql IMMUTABLE
RETURN md5(concat(kind, number))::uuid::text;
CREATE FUNCTION pg_temp.owner(kind text, number bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_array(jsonb_build_object(
    'apiVersion', 'apps/v1', 'kind', kind, 'name', lower(kind) || 's' || number, 'uid', pg_temp.uid(kind, number),
    'controller', true, 'blockOwnerDeletion', true));
CREATE FUNCTION pg_temp.container(name text, n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(
    'name', name, 'image', concat('registry.example/team-', n % 13, '/', name, ':1.', n % 40, '.', n % 7),
    'args', jsonb_build_array('--listen', ':8080', '--log-format=json', '--shard=' || n % 16),
    'env', jsonb_build_array(
        '{"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}'::jsonb,
        jsonb_build_object('name', 'REGION', 'value', '<redacted>'),
        jsonb_build_object('name', 'API_KEY', 'valueFrom', jsonb_build_object('secretKeyRef',
            jsonb_build_object('name', 'secrets' || n, 'key', 'api-key')))),
    'ports', '[{"name": "http", "containerPort": 8080, "protocol": "TCP"}]'::jsonb,
    'resources', '{"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}'::jsonb,
    'readinessProbe', '{"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10,
        "failureThreshold": 3, "timeoutSeconds": 1, "successThreshold": 1}'::jsonb,
    'volumeMounts', '[{"name": "config", "mountPath": "/etc/app"}, {"name": "cache", "mountPath": "/cache"},
        {"name": "token", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]'::jsonb,
    'securityContext', CASE WHEN n % 100 = 7 THEN '{"privileged": true}'::jsonb
        WHEN n % 2 = 0 THEN '{"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true, "readOnlyRootFilesystem": true, "seccompProfile": {"type": "RuntimeDefault"}}'::jsonb
        ELSE '{}'::jsonb END,
    'terminationMessagePath', '/dev/termination-log', 'terminationMessagePolicy', 'File',
    'imagePullPolicy', 'IfNotPresent');
CREATE FUNCTION pg_temp.spec(n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(
    'containers', jsonb_build_array(pg_temp.container('web', n), pg_temp.container('proxy', n)),
    'initContainers', jsonb_build_array(pg_temp.container('migrate', n)),
    'volumes', jsonb_build_array(
        jsonb_build_object('name', 'config', 'configMap', jsonb_build_object('name', 'configmaps' || n)),
        '{"name": "cache", "emptyDir": {}}'::jsonb,
        jsonb_build_object('name', 'data', 'persistentVolumeClaim',
            jsonb_build_object('claimName', 'persistentvolumeclaims' || n)),
        '{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 3607,
            "path": "token"}}, {"configMap": {"name": "kube-root-ca.crt",
            "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1",
            "fieldPath": "metadata.namespace"}}]}}], "defaultMode": 420}}'::jsonb),
    'serviceAccountName', 'serviceaccounts' || n, 'restartPolicy', 'Always', 'dnsPolicy', 'ClusterFirst',
    'securityContext', '{}'::jsonb, 'schedulerName', 'default-scheduler', 'terminationGracePeriodSeconds', 30,
    'priority', 0, 'preemptionPolicy', 'PreemptLowerPriority', 'enableServiceLinks', true,
    'tolerations', '[{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "operator": "Exists",
        "tolerationSeconds": 300}, {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute",
        "operator": "Exists", "tolerationSeconds": 300}]'::jsonb);
CREATE FUNCTION pg_temp.template(n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('template', jsonb_build_object('spec', pg_temp.spec(n),
    'metadata', jsonb_build_object('labels', jsonb_build_object('app', 'app' || n))));
CREATE FUNCTION pg_temp.status(n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('phase', 'Running', 'podIP', '10.0.0.1', 'conditions', (
        SELECT jsonb_agg(jsonb_build_object('type', type, 'status', 'True',
            'lastTransitionTime', '2026-01-01T00:00:00Z'))
        FROM unnest('{PodReadyToStartContainers,Initialized,Ready,ContainersReady,PodScheduled}'::text[]) AS type),
    'containerStatuses', (
        SELECT jsonb_agg(jsonb_build_object('name', name, 'ready', true, 'restartCount', n % 3, 'image',
            concat('registry.example/', name, ':1'), 'imageID', concat('registry.example/', name, '@sha256:', md5(name),
            md5(name)), 'containerID', 'containerd://' || md5(n::text), 'state',
            '{"running": {"startedAt": "2026-01-01T00:00:00Z"}}'::jsonb))
        FROM unnest('{web,proxy}'::text[]) AS name));
"""

_SELECTOR = "jsonb_build_object('matchLabels', jsonb_build_object('app', 'app' || n))"
_RULES = """jsonb_build_array(jsonb_build_object('apiGroups', '[""]'::jsonb, 'verbs', '["get", "list"]'::jsonb,
    'resources', CASE WHEN n % 10 = 0 THEN '["secrets"]'::jsonb ELSE '["pods"]'::jsonb END))"""
_SUBJECTS = """jsonb_build_array(jsonb_build_object('kind', 'ServiceAccount', 'name', 'serviceaccounts' || n,
    'namespace', 'ns' || n / 50))"""

_OF_DEPLOYMENT: dict[str, dict[str, str]] = {
    "deployments": {"spec": "pg_temp.template(n)", "replicas": "20", "images": "'{a:1,b:1}'", "selector": _SELECTOR},
    "services": {"selector": "jsonb_build_object('app', 'app' || n)", "type": "'ClusterIP'", "spec": "'{}'"},
    "configmaps": {},
    "secrets": {"type": "'Opaque'"},
    "serviceaccounts": {},
    "persistentvolumeclaims": {"phase": "'Bound'", "capacity_bytes": "1e9"},
    "ingresses": {
        "spec": "jsonb_build_object('defaultBackend', jsonb_build_object('service', jsonb_build_object('name', "
        "'services' || n, 'port', '{\"number\": 80}'::jsonb)))"
    },
    "poddisruptionbudgets": {"selector": _SELECTOR, "expected_pods": "40", "disruptions_allowed": "n % 50"},
    "networkpolicies": {"pod_selector": _SELECTOR, "policy_types": "'{Ingress}'"},
    "horizontalpodautoscalers": {"target_kind": "'Deployment'", "target_name": "'deployments' || n"},
    "jobs": {"spec": "pg_temp.template(n)"},
    "cronjobs": {"spec": "jsonb_build_object('jobTemplate', jsonb_build_object('spec', pg_temp.template(n)))"},
    "roles": {"rules": _RULES},
    "rolebindings": {"role_kind": "'Role'", "role_name": "'roles' || n", "subjects": _SUBJECTS},
}
"""Columns of what there is one of for each Deployment."""


def fill(connection: psycopg.Connection[Any], pods: int) -> None:
    """Makes the rows, and attempts that say that all kinds are complete."""
    connection.execute(_FUNCTIONS)
    pod = {
        "spec": "pg_temp.spec(n / 40)",
        "status": "pg_temp.status(n)",
        "owner_references": "pg_temp.owner('ReplicaSet', n / 20)",
        "labels": "jsonb_build_object('app', 'app' || n / 40, 'pod-template-hash', n / 20, 'team', n / 40 % 13)",
        "phase": "'Running'",
        "display_status": "'Running'",
        "images": "ARRAY['registry.example/team-' || n / 40 % 13 || '/web:1', 'registry.example/proxy:2']",
        "init_images": "'{registry.example/migrate:1}'",
        "cpu_request": "0.2",
        "memory_request": "268435456",
        "memory_limit": "536870912",
        "node_name": "'nodes' || n % 1000",
        "service_account_name": "'serviceaccounts' || n / 40",
        "host_network": "false",
        "ready_containers": "2",
        "total_containers": "2",
        "restarts": "n % 3",
    }
    _insert(connection, "pods", pods, 2000, pod)
    _insert(
        connection,
        "replicasets",
        pods // 20,
        100,
        {"spec": "pg_temp.template(n / 2)", "owner_references": "pg_temp.owner('Deployment', n / 2)", "replicas": "20"},
    )
    for kind, columns in _OF_DEPLOYMENT.items():
        many = pods // 40 * 11 // 10 if kind in ("configmaps", "secrets", "persistentvolumeclaims") else pods // 40
        _insert(connection, kind, many, 50, columns)
    amounts = {"cpu_allocatable": "64", "memory_allocatable": "2.7e11", "pods_allocatable": "250"}
    _insert(connection, "nodes", 1000, 1, {**amounts, "status": "'{}'"})
    _insert(connection, "namespaces", max(1, pods // 2000), 1, {"name": "'ns' || n"})
    _insert(connection, "clusterroles", 100, 1, {"rules": _RULES})
    attempts = {"kinds": [*KINDS, "custom"]}
    connection.execute("INSERT INTO k8s_sync_contexts (context_name, server) VALUES ('bench', 'https://bench')")
    connection.execute(
        """INSERT INTO k8s_sync_targets (context_name, kind, last_complete_at, exact_as_of)
        SELECT 'bench', kind, now(), now() FROM unnest(%(kinds)s::text[]) AS kind""",
        attempts,
    )
    connection.execute(
        """INSERT INTO k8s_sync_runs (run_id, attempt, context_name, kind, outcome)
        SELECT 'run', 1, 'bench', kind, 'complete' FROM unnest(%(kinds)s::text[]) AS kind""",
        attempts,
    )
    connection.execute("VACUUM ANALYZE")


def _insert(
    connection: psycopg.Connection[Any], name: str, count: int, of_namespace: int, columns: dict[str, str]
) -> None:
    kind = KINDS[name]
    empty = {"text": "''", "jsonb": "'{}'", "text[]": "'{}'", "integer": "0", "boolean": "false"}
    values = {column.name: empty[column.type] for column in kind.columns if column.required}
    values |= {"context_name": "'bench'", "uid": f"pg_temp.uid('{kind.kind}', n)", "name": f"'{name}' || n"}
    values |= {"namespace": f"'ns' || n / {of_namespace}"} if kind.namespaced else {}
    values |= {"owner_references": "'[]'", "created_at": "now() - interval '5 days'", **columns}
    names = ", ".join(f'"{each}"' for each in values)
    rows = f"SELECT {', '.join(values.values())} FROM generate_series(0, {count}::bigint - 1) AS n"
    connection.execute(f"INSERT INTO {kind.table} ({names}) {rows}".encode())


def seconds(connection: psycopg.Connection[Any], path: str, runs: int = 3) -> tuple[float, int]:
    """The least that a query takes with a warm cache, and how many rows it has."""
    taken, rows = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        rows = len(connection.execute(query_pack()[path].sql.encode()).fetchall())
        taken.append(time.perf_counter() - start)
    return min(taken), rows


def core_seconds(connection: psycopg.Connection[Any], path: str) -> float:
    """What it takes of one core without parallel workers, whatever else the machine does."""
    backend = psutil.Process(connection.info.backend_pid)
    connection.execute("SET max_parallel_workers_per_gather = 0")
    before = backend.cpu_times()
    connection.execute(query_pack()[path].sql.encode()).fetchall()
    after = backend.cpu_times()
    connection.execute("RESET max_parallel_workers_per_gather")
    return (after.user - before.user) + (after.system - before.system)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="k8s-inventory-bench-") as name:
        server = embedded.start(Path(name) / "postgres")
        try:
            with Store.connect(server.url()) as store:
                store.migrate()
                fill(store.connection, options.pods)
                print(f"{options.pods:,} pods; milliseconds with a warm cache (bound {BOUND * 1000:.0f})")
                for path in query_pack():
                    taken, rows = seconds(store.connection, path, options.runs)
                    of_core = core_seconds(store.connection, path)
                    why = f"  over: {WHY_SLOW.get(path, 'and should not')}" if taken > BOUND else ""
                    print(f"{path}: {taken * 1000:.0f}, of one core {of_core * 1000:.0f}; {rows} rows{why}", flush=True)
        finally:
            embedded.stop(server.data)


if __name__ == "__main__":
    main()
