"""How many pods a workload has, and how many of them may go."""

from __future__ import annotations

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.pod_templates import SELECTOR
from k8s_inventory.kinds.values import array_or_empty, int_or_string

_SCALED = "spec.scaleTargetRef"


HORIZONTALPODAUTOSCALERS = Kind(
    name="horizontalpodautoscalers",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    group="autoscaling",
    versions=("v2",),
    table="k8s_horizontalpodautoscalers",
    short_names=("hpa",),
    description="HorizontalPodAutoscalers: workloads that grow and shrink with their load.",
    typed_columns=(
        Column(
            name="target_kind",
            path=f"{_SCALED}.kind",
            description="Kind that it scales: the first part of kubectl's REFERENCE.",
        ),
        Column(
            name="target_name",
            path=f"{_SCALED}.name",
            description="What it scales: the second part of kubectl's REFERENCE.",
        ),
        Column(name="target_api_version", path=f"{_SCALED}.apiVersion", description="Its group and version."),
        Column(
            name="metrics",
            type="jsonb",
            path="spec.metrics",
            compute=array_or_empty,
            required=True,
            description="Metrics and what they should be: the second parts of kubectl's TARGETS.",
        ),
        Column(
            name="current_metrics",
            type="jsonb",
            path="status.currentMetrics",
            compute=array_or_empty,
            required=True,
            description="Metrics and what they are: the first parts of kubectl's TARGETS.",
        ),
        Column(
            name="min_replicas",
            type="integer",
            path="spec.minReplicas",
            default=1,
            description="Fewest: kubectl's MINPODS.",
        ),
        Column(name="max_replicas", type="integer", path="spec.maxReplicas", description="Most: kubectl's MAXPODS."),
        Column(
            name="current_replicas",
            type="integer",
            path="status.currentReplicas",
            default=0,
            description="Pods that there are: kubectl's REPLICAS.",
        ),
        Column(
            name="desired_replicas",
            type="integer",
            path="status.desiredReplicas",
            default=0,
            description="Pods that it wants.",
        ),
        Column(
            name="last_scale_time", type="timestamptz", path="status.lastScaleTime", description="When it last scaled."
        ),
    ),
)


PODDISRUPTIONBUDGETS = Kind(
    name="poddisruptionbudgets",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    group="policy",
    table="k8s_poddisruptionbudgets",
    short_names=("pdb",),
    description="PodDisruptionBudgets: how many pods of a workload may be evicted at a time.",
    typed_columns=(
        Column(
            name="min_available",
            needs=("spec.minAvailable:jsonb",),
            compute=int_or_string("spec.min_available"),
            description="Pods that must stay, a number or a percentage.",
        ),
        Column(
            name="max_unavailable",
            needs=("spec.maxUnavailable:jsonb",),
            compute=int_or_string("spec.max_unavailable"),
            description="Pods that may be missing, a number or a percentage.",
        ),
        Column(
            name="disruptions_allowed",
            type="integer",
            path="status.disruptionsAllowed",
            default=0,
            description="Pods that may be evicted now: kubectl's ALLOWED DISRUPTIONS.",
        ),
        Column(
            name="current_healthy",
            type="integer",
            path="status.currentHealthy",
            default=0,
            description="Pods that are healthy.",
        ),
        Column(
            name="desired_healthy",
            type="integer",
            path="status.desiredHealthy",
            default=0,
            description="Pods that must be healthy.",
        ),
        Column(
            name="expected_pods",
            type="integer",
            path="status.expectedPods",
            default=0,
            description="Pods that it counts.",
        ),
        SELECTOR,
    ),
)
