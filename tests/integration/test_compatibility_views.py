"""The views for queries that were written for CloudQuery's own Kubernetes plugin."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from k8s_inventory.kinds import KINDS
from k8s_inventory.kube.contexts import Context
from k8s_inventory.store import Store
from k8s_inventory.store.statements import FOLDER
from k8s_inventory.sync import Result
from tests.cluster import Cluster
from tests.equality import rows_of

VIEWS = {
    "k8s_core_namespaces": "namespaces",
    "k8s_core_pods": "pods",
    "k8s_core_services": "services",
    "k8s_apps_deployments": "deployments",
    "k8s_batch_jobs": "jobs",
    "k8s_batch_cron_jobs": "cronjobs",
    "k8s_apps_replica_sets": "replicasets",
    "k8s_apps_stateful_sets": "statefulsets",
    "k8s_apps_daemon_sets": "daemonsets",
    "k8s_crds": "crds",
    "k8s_core_replication_controllers": "replicationcontrollers",
    "k8s_autoscaling_hpas": "horizontalpodautoscalers",
    "k8s_policy_pod_disruption_budgets": "poddisruptionbudgets",
    "k8s_core_config_maps": "configmaps",
    "k8s_core_secrets": "secrets",
    "k8s_core_resource_quotas": "resourcequotas",
    "k8s_core_limit_ranges": "limitranges",
    "k8s_scheduling_priority_classes": "priorityclasses",
    "k8s_coordination_leases": "leases",
    "k8s_core_endpoints": "endpoints",
    "k8s_discovery_endpoint_slices": "endpointslices",
    "k8s_networking_ingresses": "ingresses",
    "k8s_networking_ingress_classes": "ingressclasses",
    "k8s_networking_network_policies": "networkpolicies",
    "k8s_core_pvs": "persistentvolumes",
    "k8s_core_pvcs": "persistentvolumeclaims",
    "k8s_storage_storage_classes": "storageclasses",
    "k8s_storage_volume_attachments": "volumeattachments",
    "k8s_storage_csi_drivers": "csidrivers",
    "k8s_storage_csi_nodes": "csinodes",
    "k8s_storage_csi_storage_capacities": "csistoragecapacities",
    "k8s_core_service_accounts": "serviceaccounts",
    "k8s_rbac_roles": "roles",
    "k8s_rbac_role_bindings": "rolebindings",
    "k8s_rbac_cluster_roles": "clusterroles",
    "k8s_rbac_cluster_role_bindings": "clusterrolebindings",
    "k8s_certificates_signing_requests": "certificatesigningrequests",
    "k8s_admissionregistration_validating_webhook_configurations": "validatingwebhookconfigurations",
    "k8s_admissionregistration_mutating_webhook_configurations": "mutatingwebhookconfigurations",
    "k8s_core_nodes": "nodes",
    "k8s_core_events": "events",
    "k8s_nodes_runtime_classes": "runtimeclasses",
}


NOT_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
COMMON = frozenset(
    {"uid", "context", "kind", "api_version", "name", "namespace", "resource_version", "generation", "labels"}
    | {"annotations", "owner_references", "finalizers", "creation_timestamp", "deletion_timestamp"}
)


def snake(field: str) -> str:
    """`podIPs` -> `pod_ips`, `hostPID` -> `host_pid`, `setHostnameAsFQDN` -> `set_hostname_as_fqdn`."""
    field = re.sub(r"(IP|PID|IPC|FQDN)(s?)$", lambda match: match[1].capitalize() + match[2], field)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower()


def is_same(value: Any, field: Any) -> bool:
    """Nothing, empty and false are one: the API server leaves them out."""
    if isinstance(value, datetime):
        return value == datetime.fromisoformat(field)
    return (value or None) == (field or None)


@pytest.mark.parametrize(("view", "kind"), VIEWS.items())
def test_each_column_is_the_field_of_its_name(
    cluster: Cluster,
    store: Store,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    view: str,
    kind: str,
) -> None:
    sync(context_of(cluster), kind, redact_env=False)
    script = (FOLDER / "cloudquery" / "compatibility_views.sql").read_text().encode()
    store.connection.execute(script)
    store.connection.execute(script)  # running it again is harmless
    cursor = store.connection.execute(f"SELECT * FROM {view}")  # type: ignore[arg-type]
    names = [column.name for column in cursor.description or ()]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in cursor}
    declared = KINDS[kind]
    objects = cluster.list(declared.list_path(declared.versions[0]))
    assert rows.keys() == {each["metadata"]["uid"] for each in objects} != set()
    for each in objects:
        row = rows[each["metadata"]["uid"]]
        assert (row["context"], row["kind"], row["name"]) == ("test", declared.kind, each["metadata"]["name"])
        fields = {snake(name): value for name, value in each.items() if name not in NOT_FIELDS}
        for part in ("spec", "status"):
            fields |= {f"{part}_{snake(name)}": value for name, value in each.get(part, {}).items()}
        if kind in ("configmaps", "secrets"):  # their values are what is not stored
            fields = {name: value for name, value in fields.items() if name not in ("data", "binary_data")}
            row = {name: value for name, value in row.items() if name not in ("data", "binary_data")}
        lacking = fields.keys() - row.keys() - {"spec_service_account"}  # deprecated: service_account_name has it
        assert not lacking, f"{view} lacks {lacking}"
        for name in row.keys() - COMMON:
            assert is_same(row[name], fields.get(name)), f"{view}.{name}"


PARTS = ("spec", "status", "data", "rules", "subjects", "webhooks", "subsets", "endpoints", "ports", "source", "series")
LEAVES = [f"{kind}:.{part}..*" for kind in VIEWS.values() for part in PARTS]


def test_whatever_is_redacted_a_view_can_be_read(
    cluster: Cluster, store: Store, sync: Callable[..., Result], context_of: Callable[..., Context]
) -> None:
    """Every scalar of every object that a rule may redact is redacted, numbers, times and booleans too."""
    for kind in VIEWS.values():
        assert sync(context_of(cluster), kind, redact=LEAVES).attempt.outcome == "complete", kind
    store.connection.execute((FOLDER / "cloudquery" / "compatibility_views.sql").read_text().encode())
    for view, kind in VIEWS.items():
        found = store.connection.execute(f"SELECT {view}::text FROM {view}").fetchall()  # type: ignore[arg-type]
        assert len(found) == rows_of(store, kind) > 0, view
    (deployment,) = store.connection.execute("SELECT spec_replicas FROM k8s_apps_deployments LIMIT 1").fetchall()
    assert deployment == (None,)
