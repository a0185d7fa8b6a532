"""Workloads: pods and what makes them."""

from k8s_inventory.kinds.declaration import Column, Kind, SqlType

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
_POD_RESOURCES = (
    *(
        f"spec.{containers}[].{each}"
        for containers in ("containers", "initContainers")
        for each in ("name", "resources:jsonb")
    ),
    "spec.initContainers[].restartPolicy",
    "spec.resources:jsonb",
    "spec.overhead:jsonb",
    *(
        f"status.{statuses}[].{each}"
        for statuses in ("containerStatuses", "initContainerStatuses")
        for each in ("name", "resources:jsonb", "allocatedResources:jsonb")
    ),
    "status.conditions[].type",
    "status.conditions[].reason",
)


def _pod_resource(name: str, description: str, sql_type: SqlType = "numeric") -> Column:
    return Column(
        name=name,
        type=sql_type,
        needs=_POD_RESOURCES,
        convert=f"pod_resources.{name}",
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
            convert="pod_summary.display_status",
            description="STATUS as kubectl computes it: Running, CrashLoopBackOff, Init:0/1, Terminating ...",
        ),
        Column(
            name="ready_containers",
            type="integer",
            needs=_POD_STATUS,
            convert="pod_summary.ready_containers",
            description="Containers that are ready: the first part of kubectl's READY.",
        ),
        Column(
            name="total_containers",
            type="integer",
            needs=_POD_STATUS,
            convert="pod_summary.total_containers",
            description="Containers and sidecars: the second part of kubectl's READY.",
        ),
        Column(
            name="restarts",
            type="integer",
            needs=_POD_STATUS,
            convert="pod_summary.restarts",
            description="Restarts as kubectl counts them.",
        ),
        Column(
            name="last_restart_at",
            type="timestamptz",
            needs=_POD_STATUS,
            convert="pod_summary.last_restart_at",
            description="When a container last ended before it was started again.",
        ),
        Column(name="pod_ip", path="status.podIP", description="First IP address of the pod."),
        Column(
            name="pod_ips",
            type="text[]",
            needs=("status.podIPs[].ip",),
            convert="pod_ips",
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
            convert="pod_summary.readiness_gates_ready",
            description="Readiness gates whose condition is true; null where there are no gates.",
        ),
        Column(
            name="readiness_gates_total",
            type="integer",
            needs=_POD_STATUS,
            convert="pod_summary.readiness_gates_total",
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
        Column(name="priority", type="integer", path="spec.priority", description="Priority, as a number."),
        Column(name="restart_policy", path="spec.restartPolicy", description="Always, OnFailure or Never."),
        Column(name="scheduler_name", path="spec.schedulerName", description="Scheduler in charge of the pod."),
        Column(name="runtime_class_name", path="spec.runtimeClassName", description="RuntimeClass, where one is set."),
        Column(name="host_network", type="boolean", path="spec.hostNetwork", description="True in the node's network."),
        Column(
            name="container_count",
            type="integer",
            needs=("spec.containers[].name",),
            convert="container_count",
            description="Containers, without init and ephemeral ones.",
        ),
        Column(
            name="container_names",
            type="text[]",
            needs=("spec.containers[].name",),
            convert="container_names",
            required=True,
            description="Names of the containers, in order.",
        ),
        Column(
            name="images",
            type="text[]",
            needs=("spec.containers[].image",),
            convert="images",
            required=True,
            description="Images of the containers, in order.",
        ),
        Column(
            name="init_images",
            type="text[]",
            needs=("spec.initContainers[].image",),
            convert="init_images",
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

# -- what all that make pods from a template have ---------------------------------------------------


def _template_env(template: str) -> tuple[str, str]:
    return f"{template}.spec.containers", f"{template}.spec.initContainers"


def _template_containers(template: str, *, of: str) -> tuple[Column, Column]:
    """`of` is what the names of the conversions begin with."""
    return (
        Column(
            name="container_names",
            type="text[]",
            needs=(f"{template}.spec.containers[].name",),
            convert=f"{of}_container_names",
            required=True,
            description="Names of the containers of the pod template.",
        ),
        Column(
            name="images",
            type="text[]",
            needs=(f"{template}.spec.containers[].image",),
            convert=f"{of}_images",
            required=True,
            description="Images of the containers of the pod template.",
        ),
    )


def _template_service_account(template: str) -> Column:
    return Column(
        name="service_account_name",
        path=f"{template}.spec.serviceAccountName",
        description="Service account of the pod template.",
    )


_TEMPLATE_ENV = _template_env("spec.template")
_TEMPLATE_CONTAINERS = _template_containers("spec.template", of="template")
_TEMPLATE_SERVICE_ACCOUNT = _template_service_account("spec.template")
_CRON_JOB_TEMPLATE = "spec.jobTemplate.spec.template"
_SELECTOR = Column(
    name="selector",
    type="jsonb",
    path="spec.selector",
    description="Label selector: matchLabels, matchExpressions.",
)
_READY_REPLICAS = Column(
    name="ready_replicas",
    type="integer",
    path="status.readyReplicas",
    convert="count",
    description="Pods that are ready.",
)
_AVAILABLE_REPLICAS = Column(
    name="available_replicas",
    type="integer",
    path="status.availableReplicas",
    convert="count",
    description="Pods that have been ready for minReadySeconds.",
)
_REVISION_HISTORY_LIMIT = Column(
    name="revision_history_limit",
    type="integer",
    path="spec.revisionHistoryLimit",
    description="Old revisions that are kept.",
)
_UPDATE_STRATEGY_TYPE = Column(
    name="update_strategy_type", path="spec.updateStrategy.type", description="RollingUpdate or OnDelete."
)
_OBSERVED_GENERATION = Column(
    name="observed_generation",
    type="bigint",
    path="status.observedGeneration",
    description="Generation that the controller has acted on.",
)
_MIN_READY_SECONDS = Column(
    name="min_ready_seconds",
    type="integer",
    path="spec.minReadySeconds",
    description="Seconds that a pod must be ready to count as available.",
)


DEPLOYMENTS = Kind(
    name="deployments",
    kind="Deployment",
    plural="deployments",
    group="apps",
    table="k8s_deployments",
    short_names=("deploy",),
    description="Deployments: stateless workloads and how far their rollout is.",
    redacted_env=_TEMPLATE_ENV,
    typed_columns=(
        Column(name="replicas", type="integer", path="spec.replicas", description="Pods that are wanted."),
        _READY_REPLICAS,
        Column(
            name="updated_replicas",
            type="integer",
            path="status.updatedReplicas",
            convert="count",
            description="Pods of the current template: kubectl's UP-TO-DATE.",
        ),
        Column(
            name="available_replicas",
            type="integer",
            path="status.availableReplicas",
            convert="count",
            description="Pods that have been ready for minReadySeconds: kubectl's AVAILABLE.",
        ),
        Column(
            name="unavailable_replicas",
            type="integer",
            path="status.unavailableReplicas",
            convert="count",
            description="Pods that are still missing.",
        ),
        _OBSERVED_GENERATION,
        *_TEMPLATE_CONTAINERS,
        _SELECTOR,
        Column(name="strategy_type", path="spec.strategy.type", description="RollingUpdate or Recreate."),
        Column(name="paused", type="boolean", path="spec.paused", description="True while the rollout is paused."),
        _MIN_READY_SECONDS,
        Column(
            name="revision_history_limit",
            type="integer",
            path="spec.revisionHistoryLimit",
            description="Old ReplicaSets that are kept.",
        ),
        Column(
            name="progress_deadline_seconds",
            type="integer",
            path="spec.progressDeadlineSeconds",
            description="Seconds after which a rollout without progress counts as failed.",
        ),
        _TEMPLATE_SERVICE_ACCOUNT,
    ),
)

REPLICASETS = Kind(
    name="replicasets",
    kind="ReplicaSet",
    plural="replicasets",
    group="apps",
    table="k8s_replicasets",
    short_names=("rs",),
    description="ReplicaSets: the pods of one revision of a Deployment.",
    redacted_env=_TEMPLATE_ENV,
    typed_columns=(
        Column(
            name="replicas",
            type="integer",
            path="spec.replicas",
            description="Pods that are wanted: kubectl's DESIRED.",
        ),
        Column(
            name="current_replicas",
            type="integer",
            path="status.replicas",
            convert="count",
            description="Pods that there are: kubectl's CURRENT.",
        ),
        _READY_REPLICAS,
        _AVAILABLE_REPLICAS,
        Column(
            name="fully_labeled_replicas",
            type="integer",
            path="status.fullyLabeledReplicas",
            convert="count",
            description="Pods that have all labels of the template.",
        ),
        _OBSERVED_GENERATION,
        *_TEMPLATE_CONTAINERS,
        _SELECTOR,
        _MIN_READY_SECONDS,
        _TEMPLATE_SERVICE_ACCOUNT,
    ),
)

STATEFULSETS = Kind(
    name="statefulsets",
    kind="StatefulSet",
    plural="statefulsets",
    group="apps",
    table="k8s_statefulsets",
    short_names=("sts",),
    description="StatefulSets: workloads whose pods have names and volumes of their own.",
    redacted_env=_TEMPLATE_ENV,
    typed_columns=(
        Column(name="replicas", type="integer", path="spec.replicas", description="Pods that are wanted."),
        _READY_REPLICAS,
        Column(
            name="current_replicas",
            type="integer",
            path="status.currentReplicas",
            convert="count",
            description="Pods of the current revision.",
        ),
        Column(
            name="updated_replicas",
            type="integer",
            path="status.updatedReplicas",
            convert="count",
            description="Pods of the update revision.",
        ),
        _AVAILABLE_REPLICAS,
        _OBSERVED_GENERATION,
        Column(name="current_revision", path="status.currentRevision", description="Revision that is being replaced."),
        Column(name="update_revision", path="status.updateRevision", description="Revision that is being rolled out."),
        *_TEMPLATE_CONTAINERS,
        _SELECTOR,
        Column(name="service_name", path="spec.serviceName", description="Headless Service that names its pods."),
        Column(name="pod_management_policy", path="spec.podManagementPolicy", description="OrderedReady or Parallel."),
        _UPDATE_STRATEGY_TYPE,
        _MIN_READY_SECONDS,
        _REVISION_HISTORY_LIMIT,
        _TEMPLATE_SERVICE_ACCOUNT,
    ),
)

DAEMONSETS = Kind(
    name="daemonsets",
    kind="DaemonSet",
    plural="daemonsets",
    group="apps",
    table="k8s_daemonsets",
    short_names=("ds",),
    description="DaemonSets: workloads with a pod on each node.",
    redacted_env=_TEMPLATE_ENV,
    typed_columns=(
        Column(
            name="desired_number_scheduled",
            type="integer",
            path="status.desiredNumberScheduled",
            convert="count",
            description="Nodes that should run a pod: kubectl's DESIRED.",
        ),
        Column(
            name="current_number_scheduled",
            type="integer",
            path="status.currentNumberScheduled",
            convert="count",
            description="Nodes that should and do run one: kubectl's CURRENT.",
        ),
        Column(
            name="number_ready",
            type="integer",
            path="status.numberReady",
            convert="count",
            description="Nodes whose pod is ready.",
        ),
        Column(
            name="updated_number_scheduled",
            type="integer",
            path="status.updatedNumberScheduled",
            convert="count",
            description="Nodes whose pod is of the current template: kubectl's UP-TO-DATE.",
        ),
        Column(
            name="number_available",
            type="integer",
            path="status.numberAvailable",
            convert="count",
            description="Nodes whose pod has been ready for minReadySeconds.",
        ),
        Column(
            name="number_misscheduled",
            type="integer",
            path="status.numberMisscheduled",
            convert="count",
            description="Nodes that run a pod and should not.",
        ),
        _OBSERVED_GENERATION,
        Column(
            name="node_selector",
            type="jsonb",
            path="spec.template.spec.nodeSelector",
            convert="object",
            required=True,
            description="Labels that a node must have; an empty object where there are none.",
        ),
        *_TEMPLATE_CONTAINERS,
        _SELECTOR,
        _UPDATE_STRATEGY_TYPE,
        _MIN_READY_SECONDS,
        _REVISION_HISTORY_LIMIT,
        _TEMPLATE_SERVICE_ACCOUNT,
    ),
)

JOBS = Kind(
    name="jobs",
    kind="Job",
    plural="jobs",
    group="batch",
    table="k8s_jobs",
    description="Jobs: workloads that run to their end.",
    redacted_env=_TEMPLATE_ENV,
    typed_columns=(
        Column(
            name="display_status",
            needs=("status.conditions[].type", "status.conditions[].status", "metadata.deletionTimestamp:timestamptz"),
            convert="job_display_status",
            required=True,
            description="Status as kubectl shows it: Complete, Failed, Terminating, Suspended, Running ...",
        ),
        Column(name="completions", type="integer", path="spec.completions", description="Pods that must succeed."),
        Column(name="parallelism", type="integer", path="spec.parallelism", description="Pods that may run at a time."),
        Column(
            name="succeeded",
            type="integer",
            path="status.succeeded",
            convert="count",
            description="Pods that have succeeded: with completions, kubectl's COMPLETIONS.",
        ),
        Column(
            name="failed", type="integer", path="status.failed", convert="count", description="Pods that have failed."
        ),
        Column(
            name="active", type="integer", path="status.active", convert="count", description="Pods that are under way."
        ),
        Column(name="suspend", type="boolean", path="spec.suspend", description="True while it makes no pods."),
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
        *_TEMPLATE_CONTAINERS,
        _SELECTOR,
        _TEMPLATE_SERVICE_ACCOUNT,
    ),
)

CRONJOBS = Kind(
    name="cronjobs",
    kind="CronJob",
    plural="cronjobs",
    group="batch",
    table="k8s_cronjobs",
    short_names=("cj",),
    description="CronJobs: jobs by a schedule.",
    redacted_env=_template_env(_CRON_JOB_TEMPLATE),
    typed_columns=(
        Column(name="schedule", path="spec.schedule", description="Schedule in Cron format."),
        Column(
            name="time_zone",
            path="spec.timeZone",
            description="Time zone of the schedule; null is that of kube-controller-manager.",
        ),
        Column(name="suspend", type="boolean", path="spec.suspend", description="True while it makes no jobs."),
        Column(
            name="active_jobs",
            type="integer",
            needs=("status.active[].name",),
            convert="cron_job_active",
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
        *_template_containers(_CRON_JOB_TEMPLATE, of="cron_job"),
        Column(
            name="selector",
            type="jsonb",
            path="spec.jobTemplate.spec.selector",
            description="Label selector of its jobs; mostly null: each job gets its own.",
        ),
        _template_service_account(_CRON_JOB_TEMPLATE),
    ),
)

_SCALED = "spec.scaleTargetRef"

REPLICATIONCONTROLLERS = Kind(
    name="replicationcontrollers",
    kind="ReplicationController",
    plural="replicationcontrollers",
    table="k8s_replicationcontrollers",
    short_names=("rc",),
    description="ReplicationControllers: what there was before ReplicaSets.",
    redacted_env=_TEMPLATE_ENV,
    typed_columns=(
        Column(
            name="replicas",
            type="integer",
            path="spec.replicas",
            description="Pods that are wanted: kubectl's DESIRED.",
        ),
        Column(
            name="current_replicas",
            type="integer",
            path="status.replicas",
            convert="count",
            description="Pods that there are: kubectl's CURRENT.",
        ),
        _READY_REPLICAS,
        _AVAILABLE_REPLICAS,
        _OBSERVED_GENERATION,
        *_TEMPLATE_CONTAINERS,
        Column(
            name="selector",
            type="jsonb",
            path="spec.selector",
            convert="object",
            required=True,
            description="Labels of its pods.",
        ),
        _TEMPLATE_SERVICE_ACCOUNT,
    ),
)

PODTEMPLATES = Kind(
    name="podtemplates",
    kind="PodTemplate",
    plural="podtemplates",
    table="k8s_podtemplates",
    description="PodTemplates: templates of pods that stand by themselves.",
    rest=("data",),
    redacted_env=_template_env("template"),
    typed_columns=(
        *_template_containers("template", of="pod_template"),
        Column(
            name="pod_labels",
            type="jsonb",
            path="template.metadata.labels",
            convert="object",
            required=True,
            description="Labels of its pods.",
        ),
        _template_service_account("template"),
    ),
)

CONTROLLERREVISIONS = Kind(
    name="controllerrevisions",
    kind="ControllerRevision",
    plural="controllerrevisions",
    group="apps",
    table="k8s_controllerrevisions",
    raw_json=True,
    description="ControllerRevisions: what a DaemonSet or StatefulSet was at each of its revisions.",
    rest=("data",),
    typed_columns=(
        Column(
            name="controller_kind",
            needs=("metadata.ownerReferences:jsonb",),
            convert="controller.kind",
            description="Kind of its controller: the first part of kubectl's CONTROLLER.",
        ),
        Column(
            name="controller_group",
            needs=("metadata.ownerReferences:jsonb",),
            convert="controller.group",
            description="API group of its controller.",
        ),
        Column(
            name="controller_name",
            needs=("metadata.ownerReferences:jsonb",),
            convert="controller.name",
            description="Name of its controller: the last part of kubectl's CONTROLLER.",
        ),
        Column(name="revision", type="bigint", path="revision", description="Number of the revision."),
    ),
)

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
            convert="array",
            required=True,
            description="Metrics and what they should be: the second parts of kubectl's TARGETS.",
        ),
        Column(
            name="current_metrics",
            type="jsonb",
            path="status.currentMetrics",
            convert="array",
            required=True,
            description="Metrics and what they are: the first parts of kubectl's TARGETS.",
        ),
        Column(name="min_replicas", type="integer", path="spec.minReplicas", description="Fewest: kubectl's MINPODS."),
        Column(name="max_replicas", type="integer", path="spec.maxReplicas", description="Most: kubectl's MAXPODS."),
        Column(
            name="current_replicas",
            type="integer",
            path="status.currentReplicas",
            convert="count",
            description="Pods that there are: kubectl's REPLICAS.",
        ),
        Column(
            name="desired_replicas",
            type="integer",
            path="status.desiredReplicas",
            convert="count",
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
            convert="min_available",
            description="Pods that must stay, a number or a percentage.",
        ),
        Column(
            name="max_unavailable",
            needs=("spec.maxUnavailable:jsonb",),
            convert="max_unavailable",
            description="Pods that may be missing, a number or a percentage.",
        ),
        Column(
            name="disruptions_allowed",
            type="integer",
            path="status.disruptionsAllowed",
            convert="count",
            description="Pods that may be evicted now: kubectl's ALLOWED DISRUPTIONS.",
        ),
        Column(
            name="current_healthy",
            type="integer",
            path="status.currentHealthy",
            convert="count",
            description="Pods that are healthy.",
        ),
        Column(
            name="desired_healthy",
            type="integer",
            path="status.desiredHealthy",
            convert="count",
            description="Pods that must be healthy.",
        ),
        Column(
            name="expected_pods",
            type="integer",
            path="status.expectedPods",
            convert="count",
            description="Pods that it counts.",
        ),
        _SELECTOR,
    ),
)

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
