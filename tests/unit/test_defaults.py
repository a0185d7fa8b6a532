"""What a row holds where the object says nothing: what Kubernetes means by that, and null where it means nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_inventory.collector import Decoder
from k8s_inventory.kinds import KINDS

MEANT: dict[str, dict[str, Any]] = {
    "pods": {"host_network": False, "priority": 0},
    "deployments": {
        "replicas": 1,
        "ready_replicas": 0,
        "updated_replicas": 0,
        "available_replicas": 0,
        "unavailable_replicas": 0,
        "observed_generation": 0,
        "paused": False,
        "min_ready_seconds": 0,
        "revision_history_limit": 10,
        "progress_deadline_seconds": 600,
    },
    "statefulsets": {"replicas": 1, "revision_history_limit": 10, "current_replicas": 0},
    "daemonsets": {"number_ready": 0, "number_misscheduled": 0, "revision_history_limit": 10},
    "jobs": {"suspend": False, "parallelism": 1, "completions": None, "active": 0, "ttl_seconds_after_finished": None},
    "cronjobs": {"suspend": False, "starting_deadline_seconds": None},
    "horizontalpodautoscalers": {"min_replicas": 1, "current_replicas": 0},
    "configmaps": {"immutable": False},
    "priorityclasses": {"global_default": False},
    "leases": {"lease_transitions": None, "lease_duration_seconds": None},
    "services": {"publish_not_ready_addresses": False},
    "storageclasses": {"allow_volume_expansion": False},
    "volumeattachments": {"attached": False},
    "csidrivers": {
        "attach_required": True,
        "pod_info_on_mount": False,
        "storage_capacity": False,
        "requires_republish": False,
    },
    "serviceaccounts": {"automount_service_account_token": None},
    "nodes": {"unschedulable": False},
    "flowschemas": {"matching_precedence": 1000},
    "prioritylevelconfigurations": {"queues": None},
}


def row(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    item = {"metadata": {"uid": "u", "name": "n"}, **body}
    made = Decoder(KINDS[kind]).columns(
        json.dumps({"items": [item]}).encode(), api_version="v1", wanted=[0], total=1, at_once=1
    )
    (columns,) = made
    return {column.name: values[0] for column, values in zip(KINDS[kind].columns, columns, strict=True)}


@pytest.mark.parametrize("body", [{}, {"spec": {}, "status": {}}, {"spec": None, "status": None}])
@pytest.mark.parametrize("kind", MEANT)
def test_what_is_not_said_means_what_kubernetes_says(kind: str, body: dict[str, Any]) -> None:
    made = row(kind, body)
    assert {name: made[name] for name in MEANT[kind]} == MEANT[kind]


def test_each_yes_or_no_of_an_object_has_a_meaning() -> None:
    """But for what somebody else decides then."""
    without = {
        (kind.name, column.name)
        for kind in KINDS.values()
        for column in kind.typed_columns
        if column.type == "boolean" and column.path is not None and column.default is None
    }
    assert without == {("serviceaccounts", "automount_service_account_token")}


def test_what_is_said_and_can_not_be_held_is_not_known() -> None:
    made = row("pods", {"spec": {"hostNetwork": "yes", "priority": 2**40}})
    assert (made["host_network"], made["priority"]) == (None, None)
    assert row("deployments", {"status": {"readyReplicas": []}})["ready_replicas"] is None
    assert row("configmaps", {"immutable": 1})["immutable"] is None
