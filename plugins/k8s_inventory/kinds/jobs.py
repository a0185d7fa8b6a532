"""Workloads that run to their end, once or by a schedule."""

from __future__ import annotations

from typing import Any

from k8s_inventory.kinds.declaration import Column, Kind
from k8s_inventory.kinds.pod_templates import (
    SELECTOR,
    TEMPLATE_CONTAINERS,
    TEMPLATE_ENV,
    TEMPLATE_SERVICE_ACCOUNT,
    template_containers,
    template_env,
    template_service_account,
)

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


JOBS = Kind(
    name="jobs",
    kind="Job",
    plural="jobs",
    group="batch",
    table="k8s_jobs",
    description="Jobs: workloads that run to their end.",
    redacted_env=TEMPLATE_ENV,
    typed_columns=(
        Column(
            name="display_status",
            needs=("status.conditions[].type", "status.conditions[].status", "metadata.deletionTimestamp:timestamptz"),
            compute=job_display_status,
            required=True,
            description="Status as kubectl shows it: Complete, Failed, Terminating, Suspended, Running ...",
        ),
        Column(name="completions", type="integer", path="spec.completions", description="Pods that must succeed."),
        Column(
            name="parallelism",
            type="integer",
            path="spec.parallelism",
            default=1,
            description="Pods that may run at a time.",
        ),
        Column(
            name="succeeded",
            type="integer",
            path="status.succeeded",
            default=0,
            description="Pods that have succeeded: with completions, kubectl's COMPLETIONS.",
        ),
        Column(name="failed", type="integer", path="status.failed", default=0, description="Pods that have failed."),
        Column(name="active", type="integer", path="status.active", default=0, description="Pods that are under way."),
        Column(
            name="suspend",
            type="boolean",
            path="spec.suspend",
            default=False,
            description="True while it makes no pods.",
        ),
        Column(name="start_time", type="timestamptz", path="status.startTime", description="When it began."),
        Column(
            name="completion_time",
            type="timestamptz",
            path="status.completionTime",
            description="When it was complete; with start_time, kubectl's DURATION.",
        ),
        Column(
            name="completion_mode", path="spec.completionMode", description="NonIndexed, or Indexed: a number a pod."
        ),
        Column(
            name="backoff_limit",
            type="integer",
            path="spec.backoffLimit",
            description="Pods that may fail before the job does.",
        ),
        Column(
            name="active_deadline_seconds",
            type="bigint",
            path="spec.activeDeadlineSeconds",
            description="Seconds after which it fails.",
        ),
        Column(
            name="ttl_seconds_after_finished",
            type="integer",
            path="spec.ttlSecondsAfterFinished",
            description="Seconds after its end when it is deleted.",
        ),
        *TEMPLATE_CONTAINERS,
        SELECTOR,
        TEMPLATE_SERVICE_ACCOUNT,
    ),
)


_CRON_JOB_TEMPLATE = "spec.jobTemplate.spec.template"


CRONJOBS = Kind(
    name="cronjobs",
    kind="CronJob",
    plural="cronjobs",
    group="batch",
    table="k8s_cronjobs",
    short_names=("cj",),
    description="CronJobs: jobs by a schedule.",
    redacted_env=template_env(_CRON_JOB_TEMPLATE),
    typed_columns=(
        Column(name="schedule", path="spec.schedule", description="Schedule in Cron format."),
        Column(
            name="time_zone",
            path="spec.timeZone",
            description="Time zone of the schedule; null is that of kube-controller-manager.",
        ),
        Column(
            name="suspend",
            type="boolean",
            path="spec.suspend",
            default=False,
            description="True while it makes no jobs.",
        ),
        Column(
            name="active_jobs",
            type="integer",
            needs=("status.active[].name",),
            compute=lambda cron_job: len(cron_job.status.active or ()),
            required=True,
            description="Jobs that are under way: kubectl's ACTIVE.",
        ),
        Column(
            name="last_schedule_time",
            type="timestamptz",
            path="status.lastScheduleTime",
            description="When a job was last due and made.",
        ),
        Column(
            name="last_successful_time",
            type="timestamptz",
            path="status.lastSuccessfulTime",
            description="When a job last succeeded.",
        ),
        Column(name="concurrency_policy", path="spec.concurrencyPolicy", description="Allow, Forbid or Replace."),
        Column(
            name="starting_deadline_seconds",
            type="bigint",
            path="spec.startingDeadlineSeconds",
            description="Seconds by which a job may be late.",
        ),
        *template_containers(_CRON_JOB_TEMPLATE, at="spec.job_template.spec.template"),
        Column(
            name="selector",
            type="jsonb",
            path="spec.jobTemplate.spec.selector",
            description="Label selector of its jobs; mostly null: each job gets its own.",
        ),
        template_service_account(_CRON_JOB_TEMPLATE),
    ),
)
