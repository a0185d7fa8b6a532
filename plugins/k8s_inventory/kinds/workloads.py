"""Workloads: pods and what makes them."""

from k8s_inventory.kinds.deployments import DEPLOYMENTS, REPLICASETS, REPLICATIONCONTROLLERS
from k8s_inventory.kinds.jobs import CRONJOBS, JOBS
from k8s_inventory.kinds.pod_templates import PODTEMPLATES
from k8s_inventory.kinds.pods import PODS
from k8s_inventory.kinds.scaling import HORIZONTALPODAUTOSCALERS, PODDISRUPTIONBUDGETS
from k8s_inventory.kinds.statefulsets import CONTROLLERREVISIONS, DAEMONSETS, STATEFULSETS

KINDS = (
    PODS,
    DEPLOYMENTS,
    REPLICASETS,
    STATEFULSETS,
    DAEMONSETS,
    REPLICATIONCONTROLLERS,
    JOBS,
    CRONJOBS,
    CONTROLLERREVISIONS,
    PODTEMPLATES,
    HORIZONTALPODAUTOSCALERS,
    PODDISRUPTIONBUDGETS,
)
