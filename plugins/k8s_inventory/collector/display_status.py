"""The STATUS that kubectl shows of an object, by kubectl's own rules, and what else it computes with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


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


_JOB_STATES = {
    "Complete": "Complete",
    "Failed": "Failed",
    "": "Terminating",
    "Suspended": "Suspended",
    "FailureTarget": "FailureTarget",
    "SuccessCriteriaMet": "SuccessCriteriaMet",
}
"""Condition and what kubectl makes of it, the first that holds; the empty one is a deletion under way."""


def job_display_status(job: Any) -> str:
    """The rule of `printJob` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    holds = {each.type for each in job.status.conditions or () if each.status == "True"}
    if job.metadata.deletion_timestamp is not None:
        holds.add("")
    return next((state for condition, state in _JOB_STATES.items() if condition in holds), "Running")


def csr_display_condition(request: Any) -> str:
    """The rule of `extractCSRStatus` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    holds = {each.type for each in request.status.conditions or ()}
    words = ["Denied" if "Denied" in holds else "Approved" if "Approved" in holds else "Pending"]
    words += ["Failed"] if "Failed" in holds else []
    words += ["Issued"] if request.status.certificate else []
    return ",".join(words)


def volume_display_status(volume: Any) -> Any:
    return "Terminating" if volume.metadata.deletion_timestamp is not None else volume.status.phase


def node_display_status(node: Any) -> str:
    """The rule of `printNode` in pkg/printers/internalversion/printers.go of Kubernetes 1.36."""
    ready = condition(node, "Ready")
    state = "Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if node.spec.unschedulable else state


def condition(item: Any, of_type: str) -> Any:
    return next((each for each in item.status.conditions or () if each.type == of_type), None)


def holds(item: Any, of_type: str) -> bool:
    found = condition(item, of_type)
    return found is not None and found.status == "True"
