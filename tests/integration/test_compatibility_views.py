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
}


def snake(field: str) -> str:
    """`podIPs` -> `pod_ips`, `hostPID` -> `host_pid`, `setHostnameAsFQDN` -> `set_hostname_as_fqdn`."""
    field = re.sub(r"(IP|PID|IPC|FQDN)(s?)$", lambda match: match[1].capitalize() + match[2], field)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower()


def comparable(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


@pytest.mark.parametrize(("view", "kind"), VIEWS.items())
def test_each_column_is_the_field_of_its_name(
    cluster: Cluster,
    store: Store,
    sync: Callable[..., Result],
    context_of: Callable[..., Context],
    view: str,
    kind: str,
) -> None:
    sync(context_of(cluster), kind)
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
        for part in ("spec", "status"):
            fields = {f"{part}_{snake(name)}": value for name, value in each.get(part, {}).items()}
            lacking = fields.keys() - row.keys() - {"spec_service_account"}  # deprecated: service_account_name has it
            assert not lacking, f"{view} lacks {lacking}"
            for name in [name for name in row if name.startswith(f"{part}_")]:
                assert (comparable(row[name]) or None) == (fields.get(name) or None), f"{view}.{name}"
