"""Nodes: the machines that pods run on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.quantities import quantities
from k8s_inventory.kinds.values import array_or_empty, condition, object_or_empty, texts


def node_display_status(node: Any) -> str:
    """The rule of `printNode` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    ready = condition(node, "Ready")
    state = "Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if node.spec.unschedulable else state


def node_roles(node: Any) -> list[str]:
    """The rule of `findNodeRoles` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    prefix = "node-role.kubernetes.io/"
    labels = texts.decode(node.metadata.labels) or {}
    roles = {name.removeprefix(prefix) for name in labels if name.startswith(prefix)}
    return sorted((roles | {labels.get("kubernetes.io/role", "")}) - {""})


def _node_address(node: Any, of_type: str) -> str | None:
    return next((each.address for each in node.status.addresses or () if each.type == of_type), None)


class NodeAmounts(NamedTuple):
    cpu: Decimal | None
    memory: Decimal | None
    ephemeral_storage: Decimal | None
    pods: Decimal | None


def _node_amounts(raw: msgspec.Raw) -> NodeAmounts:
    numbers = quantities(bytes(raw))
    return NodeAmounts(*map(numbers.get, ("cpu", "memory", "ephemeral-storage", "pods")))


def node_capacity(node: Any) -> NodeAmounts:
    return _node_amounts(node.status.capacity)


def node_allocatable(node: Any) -> NodeAmounts:
    return _node_amounts(node.status.allocatable)


_NODE_ADDRESS = ("status.addresses[].type", "status.addresses[].address")


def _amount(part: str, resource: str, what: str) -> Column:
    """One resource of a node, as a number. `part` is `capacity` or `allocatable`."""
    name = f"{resource.replace('-', '_')}_{part}"
    return Column(
        name=name,
        type="numeric",
        needs=(f"status.{part}:jsonb",),
        compute=node_capacity if part == "capacity" else node_allocatable,
        part=resource.replace("-", "_"),
        description=what,
    )


NODES = Kind(
    name="nodes",
    kind="Node",
    plural="nodes",
    table="k8s_nodes",
    namespaced=False,
    short_names=("no",),
    description="Nodes: the machines that pods run on.",
    noise=(".status.conditions[*].lastHeartbeatTime",),
    typed_columns=(
        Column(
            name="display_status",
            needs=("status.conditions[].type", "status.conditions[].status", "spec.unschedulable:boolean"),
            compute=node_display_status,
            required=True,
            description="STATUS as kubectl computes it: Ready, NotReady, Unknown, with SchedulingDisabled.",
        ),
        Column(
            name="roles",
            type="text[]",
            needs=("metadata.labels:jsonb",),
            compute=node_roles,
            required=True,
            description="Roles, by the labels node-role.kubernetes.io/... and kubernetes.io/role.",
        ),
        Column(name="kubelet_version", path="status.nodeInfo.kubeletVersion", description="kubectl's VERSION."),
        Column(
            name="internal_ip",
            needs=_NODE_ADDRESS,
            compute=lambda node: _node_address(node, "InternalIP"),
            description="First address of type InternalIP.",
        ),
        Column(
            name="external_ip",
            needs=_NODE_ADDRESS,
            compute=lambda node: _node_address(node, "ExternalIP"),
            description="First address of type ExternalIP.",
        ),
        Column(name="os_image", path="status.nodeInfo.osImage", description="Operating system."),
        Column(name="kernel_version", path="status.nodeInfo.kernelVersion", description="Kernel."),
        Column(
            name="container_runtime_version",
            path="status.nodeInfo.containerRuntimeVersion",
            description="Container runtime: kubectl's CONTAINER-RUNTIME.",
        ),
        Column(name="architecture", path="status.nodeInfo.architecture", description="Such as amd64."),
        Column(name="operating_system", path="status.nodeInfo.operatingSystem", description="linux or windows."),
        Column(
            name="unschedulable",
            type="boolean",
            path="spec.unschedulable",
            default=False,
            description="True if cordoned.",
        ),
        Column(
            name="taints",
            type="jsonb",
            path="spec.taints",
            compute=array_or_empty,
            required=True,
            description="Taints: key, value, effect.",
        ),
        Column(name="provider_id", path="spec.providerID", description="The cloud's name of the machine."),
        Column(
            name="pod_cidrs",
            type="text[]",
            path="spec.podCIDRs",
            required=True,
            description="Address ranges of its pods.",
        ),
        _amount("capacity", "cpu", "Cores."),
        _amount("capacity", "memory", "Memory in bytes."),
        _amount("capacity", "ephemeral-storage", "Local storage in bytes."),
        _amount("capacity", "pods", "Pods at most."),
        _amount("allocatable", "cpu", "Cores for pods."),
        _amount("allocatable", "memory", "Memory for pods in bytes."),
        _amount("allocatable", "ephemeral-storage", "Local storage for pods in bytes."),
        _amount("allocatable", "pods", "Pods at most, for the scheduler."),
        Column(
            name="capacity",
            type="jsonb",
            path="status.capacity",
            compute=object_or_empty,
            required=True,
            description="All that the node has, as text.",
        ),
        Column(
            name="allocatable",
            type="jsonb",
            path="status.allocatable",
            compute=object_or_empty,
            required=True,
            description="All that the node has for pods, as text.",
        ),
    ),
)
