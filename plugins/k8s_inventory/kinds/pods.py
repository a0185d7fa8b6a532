"""Pods, and the STATUS that kubectl shows of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from k8s_inventory.kinds.declaration import Column, Kind, SqlType
from k8s_inventory.kinds.pod_resources import POD_RESOURCES, pod_resources
from k8s_inventory.kinds.values import holds, images, names


class PodSummary(NamedTuple):
    """What kubectl says of a pod in READY, STATUS, RESTARTS and READINESS GATES."""

    display_status: str | None
    ready_containers: int
    total_containers: int
    restarts: int
    last_restart_at: datetime | None
    readiness_gates_ready: int | None
    readiness_gates_total: int | None


def pod_summary(pod: Any) -> PodSummary:
    """The rule of `printPod` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    spec, status = pod.spec, pod.status
    init_containers = spec.init_containers or ()
    sidecars = {each.name for each in init_containers if each.restart_policy == "Always"}
    reason = status.reason or status.phase
    if "SchedulingGated" in [each.reason for each in status.conditions or () if each.type == "PodScheduled"]:
        reason = "SchedulingGated"

    init = _init_phase(status.init_container_statuses or (), sidecars, len(init_containers))
    restarts, last_restart, ready = init.restarts, init.last_restart, init.ready
    if init.reason is not None:
        reason = init.reason
    if init.reason is None or holds(pod, "Initialized"):
        restarts, last_restart = init.sidecar_restarts, init.sidecar_last_restart
        has_running, error_reason = False, ""
        for container in reversed(status.container_statuses or ()):
            restarts += container.restart_count or 0
            last_restart = _later(last_restart, container)
            state = container.state
            if state.waiting is not None and state.waiting.reason:
                reason = state.waiting.reason
            elif state.terminated is not None:
                reason = _ended(state.terminated)
                if state.terminated.exit_code:
                    error_reason = reason
            elif container.ready and state.running is not None:
                has_running = True
                ready += 1
        if reason == "Completed":
            if has_running and holds(pod, "Ready"):
                reason = "Running"
            elif error_reason:
                reason = error_reason
            elif has_running:
                reason = "NotReady"
    if pod.metadata.deletion_timestamp is not None:
        if status.reason == "NodeLost":
            reason = "Unknown"
        elif status.phase not in ("Succeeded", "Failed"):
            reason = "Terminating"

    gates = spec.readiness_gates or ()
    first = {each.type: each.status for each in reversed(status.conditions or ())} if gates else {}
    of_gates = (sum(first.get(gate.condition_type) == "True" for gate in gates), len(gates)) if gates else (None, None)
    total = len(spec.containers or ()) + len(sidecars)
    return PodSummary(reason, ready, total, restarts, last_restart, *of_gates)


class _InitPhase(NamedTuple):
    reason: str | None
    restarts: int
    last_restart: datetime | None
    sidecar_restarts: int
    sidecar_last_restart: datetime | None
    ready: int


def _init_phase(statuses: Any, sidecars: set[str], total: int) -> _InitPhase:
    """The init containers up to the first that is not done; `reason` is None when all are."""
    restarts, sidecar_restarts, ready = 0, 0, 0
    last_restart: datetime | None = None
    sidecar_last_restart: datetime | None = None
    reason: str | None = None
    for index, container in enumerate(statuses):
        restarts += container.restart_count or 0
        last_restart = _later(last_restart, container)
        is_sidecar = container.name in sidecars
        if is_sidecar:
            sidecar_restarts += container.restart_count or 0
            sidecar_last_restart = _later(sidecar_last_restart, container)
        state = container.state
        if state.terminated is not None and not state.terminated.exit_code:
            continue
        if is_sidecar and container.started:
            ready += bool(container.ready)
            continue
        if state.terminated is not None:
            reason = f"Init:{_ended(state.terminated)}"
        elif state.waiting is not None and state.waiting.reason not in (None, "", "PodInitializing"):
            reason = f"Init:{state.waiting.reason}"
        else:
            reason = f"Init:{index}/{total}"
        break
    return _InitPhase(reason, restarts, last_restart, sidecar_restarts, sidecar_last_restart, ready)


def _ended(terminated: Any) -> str:
    if terminated.reason:
        return str(terminated.reason)
    return f"Signal:{terminated.signal}" if terminated.signal else f"ExitCode:{terminated.exit_code or 0}"


def _later(moment: datetime | None, container: Any) -> datetime | None:
    terminated = container.last_state.terminated
    finished: datetime | None = terminated.finished_at if terminated is not None else None
    if moment is None or finished is None:
        return moment or finished
    return max(moment, finished)


_CONTAINER_STATE = (
    "name",
    "ready:boolean",
    "started:boolean",
    "restartCount:integer",
    "state.waiting?.reason",
    "state.running?.startedAt",
    "state.terminated?.exitCode:integer",
    "state.terminated?.signal:integer",
    "state.terminated?.reason",
    "lastState.terminated?.finishedAt:timestamptz",
)


_POD_STATUS = (
    "metadata.deletionTimestamp:timestamptz",
    "spec.containers[].name",
    "spec.initContainers[].name",
    "spec.initContainers[].restartPolicy",
    "spec.readinessGates[].conditionType",
    "status.phase",
    "status.reason",
    "status.conditions[].type",
    "status.conditions[].status",
    "status.conditions[].reason",
    *(f"status.initContainerStatuses[].{each}" for each in _CONTAINER_STATE),
    *(f"status.containerStatuses[].{each}" for each in _CONTAINER_STATE),
)


def _pod_resource(name: str, description: str, sql_type: SqlType = "numeric") -> Column:
    return Column(
        name=name,
        type=sql_type,
        needs=POD_RESOURCES,
        compute=pod_resources,
        part=name,
        version=3,
        required=sql_type == "jsonb",
        description=description,
    )


PODS = Kind(
    name="pods",
    kind="Pod",
    plural="pods",
    table="k8s_pods",
    short_names=("po",),
    description="Pods: the running (or waiting, or finished) copies of workloads.",
    redacted_env=("spec.containers", "spec.initContainers", "spec.ephemeralContainers"),
    typed_columns=(
        Column(name="phase", path="status.phase", description="Pending, Running, Succeeded, Failed or Unknown."),
        Column(
            name="display_status",
            needs=_POD_STATUS,
            compute=pod_summary,
            part="display_status",
            description="STATUS as kubectl computes it: Running, CrashLoopBackOff, Init:0/1, Terminating ...",
        ),
        Column(
            name="ready_containers",
            type="integer",
            needs=_POD_STATUS,
            compute=pod_summary,
            part="ready_containers",
            description="Containers that are ready: the first part of kubectl's READY.",
        ),
        Column(
            name="total_containers",
            type="integer",
            needs=_POD_STATUS,
            compute=pod_summary,
            part="total_containers",
            description="Containers and sidecars: the second part of kubectl's READY.",
        ),
        Column(
            name="restarts",
            type="integer",
            needs=_POD_STATUS,
            compute=pod_summary,
            part="restarts",
            description="Restarts as kubectl counts them.",
        ),
        Column(
            name="last_restart_at",
            type="timestamptz",
            needs=_POD_STATUS,
            compute=pod_summary,
            part="last_restart_at",
            description="When a container last ended before it was started again.",
        ),
        Column(name="pod_ip", path="status.podIP", description="First IP address of the pod."),
        Column(
            name="pod_ips",
            type="text[]",
            needs=("status.podIPs[].ip",),
            compute=lambda pod: [each.ip for each in pod.status.pod_ips or () if each.ip],
            required=True,
            description="All IP addresses of the pod.",
        ),
        Column(name="host_ip", path="status.hostIP", description="IP address of the pod's node."),
        Column(name="node_name", path="spec.nodeName", description="Node that the pod is bound to."),
        Column(
            name="nominated_node_name",
            path="status.nominatedNodeName",
            description="Node that the pod will get once others are evicted from it.",
        ),
        Column(
            name="readiness_gates_ready",
            type="integer",
            needs=_POD_STATUS,
            compute=pod_summary,
            part="readiness_gates_ready",
            description="Readiness gates whose condition is true; null where there are no gates.",
        ),
        Column(
            name="readiness_gates_total",
            type="integer",
            needs=_POD_STATUS,
            compute=pod_summary,
            part="readiness_gates_total",
            description="Readiness gates of the pod; null where there are none.",
        ),
        Column(
            name="start_time",
            type="timestamptz",
            path="status.startTime",
            description="When the kubelet accepted the pod.",
        ),
        Column(name="service_account_name", path="spec.serviceAccountName", description="Service account it runs as."),
        Column(name="qos_class", path="status.qosClass", description="Guaranteed, Burstable or BestEffort."),
        Column(name="priority_class_name", path="spec.priorityClassName", description="Priority class."),
        Column(name="priority", type="integer", path="spec.priority", default=0, description="Priority, as a number."),
        Column(name="restart_policy", path="spec.restartPolicy", description="Always, OnFailure or Never."),
        Column(name="scheduler_name", path="spec.schedulerName", description="Scheduler in charge of the pod."),
        Column(name="runtime_class_name", path="spec.runtimeClassName", description="RuntimeClass, where one is set."),
        Column(
            name="host_network",
            type="boolean",
            path="spec.hostNetwork",
            default=False,
            description="True in the node's network.",
        ),
        Column(
            name="container_count",
            type="integer",
            needs=("spec.containers[].name",),
            compute=lambda pod: len(pod.spec.containers or ()),
            description="Containers, without init and ephemeral ones.",
        ),
        Column(
            name="container_names",
            type="text[]",
            needs=("spec.containers[].name",),
            compute=lambda pod: names(pod.spec.containers),
            required=True,
            description="Names of the containers, in order.",
        ),
        Column(
            name="images",
            type="text[]",
            needs=("spec.containers[].image",),
            compute=lambda pod: images(pod.spec.containers),
            required=True,
            description="Images of the containers, in order.",
        ),
        Column(
            name="init_images",
            type="text[]",
            needs=("spec.initContainers[].image",),
            compute=lambda pod: images(pod.spec.init_containers),
            required=True,
            description="Images of the init containers and sidecars, in order.",
        ),
        _pod_resource("cpu_request", "Cores that the scheduler sets aside for the pod; null where none are asked for."),
        _pod_resource("memory_request", "Bytes that the scheduler sets aside; null where none are asked for."),
        _pod_resource("cpu_limit", "Cores that the pod may use, of the containers that have a limit; null without."),
        _pod_resource("memory_limit", "Bytes that the pod may use, of the containers that have a limit; null without."),
        _pod_resource("requests", "All that the scheduler sets aside for the pod, numbers by resource.", "jsonb"),
        _pod_resource("limits", "All that the pod may use, numbers by resource, of the limits there are.", "jsonb"),
    ),
)
