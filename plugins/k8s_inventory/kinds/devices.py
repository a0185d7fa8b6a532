"""Devices: what pods claim beside CPU and memory, such as GPUs."""

from __future__ import annotations

from typing import Any

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.values import array_or_empty, names, objects


def resource_claim_state(claim: Any) -> str:
    """The rule of `resourceClaimState` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    states = {
        "deleted": claim.metadata.deletion_timestamp is not None,
        "allocated": claim.status.allocation is not None,
        "reserved": bool(objects.decode(claim.status.reserved_for)),
    }
    return ",".join(state for state, holds in states.items() if holds) or "pending"


_GROUP = "resource.k8s.io"
_VERSIONS = ("v1", "v1beta2", "v1beta1")

RESOURCECLAIMS = Kind(
    name="resourceclaims",
    kind="ResourceClaim",
    plural="resourceclaims",
    group=_GROUP,
    versions=_VERSIONS,
    table="k8s_resourceclaims",
    raw_json=True,
    description="ResourceClaims: devices that pods ask for.",
    typed_columns=(
        Column(
            name="display_state",
            needs=(
                "metadata.deletionTimestamp:timestamptz",
                "status.allocation?.nodeSelector:jsonb",
                "status.reservedFor:jsonb",
            ),
            compute=resource_claim_state,
            required=True,
            description="STATE as kubectl computes it: pending, or of deleted, allocated and reserved those that hold.",
        ),
        Column(
            name="request_names",
            type="text[]",
            needs=("spec.devices.requests[].name",),
            compute=lambda claim: names(claim.spec.devices.requests),
            required=True,
            description="Names of its requests.",
        ),
        Column(
            name="reserved_for",
            type="jsonb",
            path="status.reservedFor",
            compute=array_or_empty,
            required=True,
            description="Who uses it: apiGroup, resource, name, uid.",
        ),
    ),
)

RESOURCECLAIMTEMPLATES = Kind(
    name="resourceclaimtemplates",
    kind="ResourceClaimTemplate",
    plural="resourceclaimtemplates",
    group=_GROUP,
    versions=_VERSIONS,
    table="k8s_resourceclaimtemplates",
    raw_json=True,
    description="ResourceClaimTemplates: claims that are made for each pod.",
    rest=("spec",),
    typed_columns=(
        Column(
            name="devices",
            type="jsonb",
            path="spec.spec.devices",
            description="Devices that its claims ask for: requests, constraints, config.",
        ),
    ),
)

RESOURCESLICES = Kind(
    name="resourceslices",
    kind="ResourceSlice",
    plural="resourceslices",
    group=_GROUP,
    versions=_VERSIONS,
    table="k8s_resourceslices",
    raw_json=True,
    namespaced=False,
    description="ResourceSlices: devices that there are.",
    rest=("spec",),
    typed_columns=(
        Column(name="node_name", path="spec.nodeName", description="Node that has them, where it is one."),
        Column(name="driver", path="spec.driver", description="Driver in charge."),
        Column(name="pool_name", path="spec.pool.name", description="Pool that they belong to: kubectl's POOL."),
        Column(
            name="pool_generation",
            type="bigint",
            path="spec.pool.generation",
            description="Generation of the pool; slices of older ones do not count.",
        ),
        Column(
            name="device_names",
            type="text[]",
            needs=("spec.devices[].name",),
            compute=lambda device_slice: names(device_slice.spec.devices),
            required=True,
            description="Names of the devices.",
        ),
    ),
)

DEVICECLASSES = Kind(
    name="deviceclasses",
    kind="DeviceClass",
    plural="deviceclasses",
    group=_GROUP,
    versions=_VERSIONS,
    table="k8s_deviceclasses",
    raw_json=True,
    namespaced=False,
    description="DeviceClasses: devices that can be claimed by one name.",
    rest=("spec",),
    typed_columns=(
        Column(
            name="extended_resource_name",
            path="spec.extendedResourceName",
            description="Resource name under which pods may ask for them, too.",
        ),
        Column(
            name="selectors",
            type="jsonb",
            path="spec.selectors",
            compute=array_or_empty,
            required=True,
            description="Expressions that its devices fulfil.",
        ),
    ),
)

KINDS = (RESOURCECLAIMS, RESOURCECLAIMTEMPLATES, RESOURCESLICES, DEVICECLASSES)
