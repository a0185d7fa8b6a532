"""PodTemplates, and the columns that all kinds have that make pods from a template."""

from __future__ import annotations

from operator import attrgetter

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.values import images, names, object_or_empty


def template_env(template: str) -> tuple[str, str]:
    return f"{template}.spec.containers", f"{template}.spec.initContainers"


def template_containers(template: str, *, at: str) -> tuple[Column, Column]:
    """`at` is the path as attributes."""
    containers = attrgetter(f"{at}.spec.containers")
    return (
        Column(
            name="container_names",
            type="text[]",
            needs=(f"{template}.spec.containers[].name",),
            compute=lambda item: names(containers(item)),
            required=True,
            description="Names of the containers of the pod template.",
        ),
        Column(
            name="images",
            type="text[]",
            needs=(f"{template}.spec.containers[].image",),
            compute=lambda item: images(containers(item)),
            required=True,
            description="Images of the containers of the pod template.",
        ),
    )


def template_service_account(template: str) -> Column:
    return Column(
        name="service_account_name",
        path=f"{template}.spec.serviceAccountName",
        description="Service account of the pod template.",
    )


TEMPLATE_ENV = template_env("spec.template")


TEMPLATE_CONTAINERS = template_containers("spec.template", at="spec.template")


TEMPLATE_SERVICE_ACCOUNT = template_service_account("spec.template")


SELECTOR = Column(
    name="selector",
    type="jsonb",
    path="spec.selector",
    description="Label selector: matchLabels, matchExpressions.",
)


READY_REPLICAS = Column(
    name="ready_replicas",
    type="integer",
    path="status.readyReplicas",
    default=0,
    description="Pods that are ready.",
)


AVAILABLE_REPLICAS = Column(
    name="available_replicas",
    type="integer",
    path="status.availableReplicas",
    default=0,
    description="Pods that have been ready for minReadySeconds.",
)


REVISION_HISTORY_LIMIT = Column(
    name="revision_history_limit",
    type="integer",
    path="spec.revisionHistoryLimit",
    default=10,
    description="Old revisions that are kept.",
)


UPDATE_STRATEGY_TYPE = Column(
    name="update_strategy_type", path="spec.updateStrategy.type", description="RollingUpdate or OnDelete."
)


OBSERVED_GENERATION = Column(
    name="observed_generation",
    type="bigint",
    path="status.observedGeneration",
    default=0,
    description="Generation that the controller has acted on.",
)


MIN_READY_SECONDS = Column(
    name="min_ready_seconds",
    type="integer",
    path="spec.minReadySeconds",
    default=0,
    description="Seconds that a pod must be ready to count as available.",
)


PODTEMPLATES = Kind(
    name="podtemplates",
    kind="PodTemplate",
    plural="podtemplates",
    table="k8s_podtemplates",
    description="PodTemplates: templates of pods that stand by themselves.",
    rest=("data",),
    redacted_env=template_env("template"),
    typed_columns=(
        *template_containers("template", at="template"),
        Column(
            name="pod_labels",
            type="jsonb",
            path="template.metadata.labels",
            compute=object_or_empty,
            required=True,
            description="Labels of its pods.",
        ),
        template_service_account("template"),
    ),
)
