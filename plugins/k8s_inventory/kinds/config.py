"""Configuration and policy: what workloads are given, and what they may take."""

from __future__ import annotations

import hmac
from base64 import b64decode
from typing import Any, NamedTuple

import msgspec

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.quantities import as_json, quantities
from k8s_inventory.kinds.values import array_or_empty, object_or_empty, objects, texts


class ConfigMapKeys(NamedTuple):
    number: int
    names: list[str]
    sizes: bytes


def config_map_keys(config_map: Any) -> ConfigMapKeys:
    sizes = {name: len(value.encode()) for name, value in (texts.decode(config_map.data) or {}).items()}
    for name, value in (texts.decode(config_map.binary_data) or {}).items():
        sizes[name] = len(value) * 3 // 4 - value.count("=")
    names = sorted(sizes)
    return ConfigMapKeys(len(names), names, msgspec.json.encode({name: sizes[name] for name in names}))


def config_map_digests(key: bytes | None, config_map: Any) -> bytes:
    """HMAC-SHA256 of each key's value, hexadecimal; an empty object without a key to make them with."""
    if key is None:
        return b"{}"
    values = {name: value.encode() for name, value in (texts.decode(config_map.data) or {}).items()}
    values |= {name: b64decode(value) for name, value in (texts.decode(config_map.binary_data) or {}).items()}
    return msgspec.json.encode(
        {name: hmac.digest(key, value, "sha256").hex() for name, value in sorted(values.items())}
    )


CONFIGMAPS = Kind(
    name="configmaps",
    kind="ConfigMap",
    plural="configmaps",
    table="k8s_configmaps",
    short_names=("cm",),
    description="ConfigMaps: configuration, by key. Values are redacted unless `config_map_values` is set.",
    noise=(".metadata.annotations['control-plane.alpha.kubernetes.io/leader']",),
    rest=("data",),
    redacted_values=("data", "binaryData"),
    typed_columns=(
        Column(
            name="key_count",
            type="integer",
            needs=("data:jsonb", "binaryData:jsonb"),
            compute=config_map_keys,
            part="number",
            description="Number of keys: kubectl's DATA.",
        ),
        Column(
            name="keys",
            type="text[]",
            needs=("data:jsonb", "binaryData:jsonb"),
            compute=config_map_keys,
            part="names",
            required=True,
            description="Keys, sorted.",
        ),
        Column(
            name="value_bytes",
            type="jsonb",
            needs=("data:jsonb", "binaryData:jsonb"),
            compute=config_map_keys,
            part="sizes",
            required=True,
            description="Bytes of each key's value.",
        ),
        Column(
            name="immutable",
            type="boolean",
            path="immutable",
            default=False,
            description="True if it can not be changed.",
        ),
        Column(
            name="value_digests",
            type="jsonb",
            needs=("data:jsonb", "binaryData:jsonb"),
            compute=config_map_digests,
            keyed=True,
            required=True,
            description="HMAC-SHA256 of each key's value under the setting `digest_key`; empty without one.",
        ),
    ),
)

SECRETS = Kind(
    name="secrets",
    kind="Secret",
    plural="secrets",
    table="k8s_secrets",
    description="Secrets: their metadata, type and number of keys. Keys and values are never asked for.",
    rest=(),
    table_cells=(("Type", "type"), ("Data", "keyCount")),
    typed_columns=(
        Column(name="type", path="type", description="Type, such as Opaque or kubernetes.io/tls."),
        Column(name="key_count", type="integer", path="keyCount", description="Number of keys: kubectl's DATA."),
    ),
)

RESOURCEQUOTAS = Kind(
    name="resourcequotas",
    kind="ResourceQuota",
    plural="resourcequotas",
    table="k8s_resourcequotas",
    short_names=("quota",),
    description="ResourceQuotas: what a namespace may take in all, and what it has taken.",
    typed_columns=(
        Column(
            name="hard",
            type="jsonb",
            path="status.hard",
            compute=object_or_empty,
            required=True,
            description="Bound of each resource, as text: the second part of kubectl's REQUEST and LIMIT.",
        ),
        Column(
            name="hard_numbers",
            type="jsonb",
            path="status.hard",
            compute=lambda raw: as_json(quantities(bytes(raw))),
            required=True,
            description="Bound of each resource, as a number in its base unit.",
        ),
        Column(
            name="used",
            type="jsonb",
            path="status.used",
            compute=object_or_empty,
            required=True,
            description="What is taken of each resource, as text: the first part of kubectl's REQUEST and LIMIT.",
        ),
        Column(
            name="used_numbers",
            type="jsonb",
            path="status.used",
            compute=lambda raw: as_json(quantities(bytes(raw))),
            required=True,
            description="What is taken of each resource, as a number in its base unit.",
        ),
        Column(
            name="scopes", type="text[]", path="spec.scopes", required=True, description="Which pods it counts, if few."
        ),
    ),
)

LIMITRANGES = Kind(
    name="limitranges",
    kind="LimitRange",
    plural="limitranges",
    table="k8s_limitranges",
    short_names=("limits",),
    description="LimitRanges: defaults and bounds for single pods, containers and claims of a namespace.",
    rest=("spec",),
    typed_columns=(
        Column(
            name="limits",
            type="jsonb",
            path="spec.limits",
            compute=array_or_empty,
            required=True,
            description="Bounds: type, min, max, default, defaultRequest, maxLimitRequestRatio.",
        ),
        Column(
            name="limit_types",
            type="text[]",
            needs=("spec.limits:jsonb",),
            compute=lambda limit_range: [each["type"] for each in objects.decode(limit_range.spec.limits) or ()],
            required=True,
            description="What is bound: Container, Pod, PersistentVolumeClaim.",
        ),
    ),
)

PRIORITYCLASSES = Kind(
    name="priorityclasses",
    kind="PriorityClass",
    plural="priorityclasses",
    group="scheduling.k8s.io",
    table="k8s_priorityclasses",
    namespaced=False,
    short_names=("pc",),
    description="PriorityClasses: which pods come first.",
    rest=("data",),
    typed_columns=(
        Column(name="value", type="integer", path="value", description="Priority of its pods."),
        Column(
            name="global_default",
            type="boolean",
            path="globalDefault",
            default=False,
            description="True if pods without a class get it.",
        ),
        Column(
            name="preemption_policy", path="preemptionPolicy", description="PreemptLowerPriority or Never, for others."
        ),
        Column(name="class_description", path="description", description="What it is for (its field `description`)."),
    ),
)

LEASES = Kind(
    name="leases",
    kind="Lease",
    plural="leases",
    group="coordination.k8s.io",
    table="k8s_leases",
    description="Leases: heartbeats of nodes, and which replica of a controller leads.",
    noise=(".spec.renewTime",),
    rest=("spec",),
    typed_columns=(
        Column(name="holder_identity", path="spec.holderIdentity", description="Who holds it: kubectl's HOLDER."),
        Column(
            name="lease_duration_seconds",
            type="integer",
            path="spec.leaseDurationSeconds",
            description="Seconds after renew_time when others may take it.",
        ),
        Column(name="acquire_time", type="timestamptz", path="spec.acquireTime", description="When it was taken."),
        Column(name="renew_time", type="timestamptz", path="spec.renewTime", description="When it was last renewed."),
        Column(
            name="lease_transitions",
            type="integer",
            path="spec.leaseTransitions",
            description="Times that it went to another holder.",
        ),
    ),
)

KINDS = (CONFIGMAPS, SECRETS, RESOURCEQUOTAS, LIMITRANGES, PRIORITYCLASSES, LEASES)
