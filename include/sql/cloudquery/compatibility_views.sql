-- The tables of CloudQuery's own Kubernetes plugin as views on ours, for queries that were written for it.
-- Run it by hand in the schema that holds the tables, after they were first synced:
--
--     psql "$DATABASE_URL" -f include/sql/cloudquery/compatibility_views.sql
--
-- It works on the tables that the DAG writes and on those that `cloudquery sync` writes. What differs is in
-- docs/cloudquery.md. DROP VIEW takes the views away again; nothing depends on them.

BEGIN;

-- What the views of this schema are set to be, security_invoker above all, which a view loses when it is replaced.
CREATE TEMPORARY TABLE k8s_view_options ON COMMIT DROP AS
SELECT
    class.oid::regclass AS view,
    option
FROM pg_class AS class
CROSS JOIN unnest(class.reloptions) AS option
WHERE class.relkind = 'v' AND class.relnamespace = quote_ident(current_schema())::regnamespace;

-- store/casts.sql, for tables that `cloudquery sync` writes; where the DAG does, they are there.
DO $do$
BEGIN
    IF to_regclass('k8s_schema_tables') IS NULL THEN
        -- Values of custom objects as typed columns: null where they are not of the type, whatever their CRD's schema says.

        CREATE OR REPLACE FUNCTION k8s_to_text(value jsonb)
        RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN value #>> '{}';

        CREATE OR REPLACE FUNCTION k8s_to_boolean(value jsonb)
        RETURNS boolean
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE WHEN jsonb_typeof(value) = 'boolean' THEN value::boolean END;

        CREATE OR REPLACE FUNCTION k8s_to_numeric(value jsonb)
        RETURNS numeric
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END;

        CREATE OR REPLACE FUNCTION k8s_to_bigint(value jsonb)
        RETURNS bigint
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE
            WHEN
                k8s_to_numeric(value) % 1 = 0
                AND k8s_to_numeric(value) BETWEEN -9223372036854775808 AND 9223372036854775807
                THEN k8s_to_numeric(value)::bigint
        END;

        -- RFC 3339; a space for the T, no seconds and no zone will do, too. No zone means UTC, whatever the session's is. Only years
        -- 1 to 9999 in UTC: what others have, Python and other clients can not read, and they would read none of the rows.
        -- No exception is caught: that takes a subtransaction, which parallel workers may not start. So nothing may come to the
        -- cast that it could refuse; and what does is the same time under all settings.
        CREATE OR REPLACE FUNCTION k8s_to_timestamptz(value jsonb)
        RETURNS timestamptz
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
        SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            given constant text := value #>> '{}';
            first_of_month date;
            day integer;
            zone text;
            found timestamptz;
        BEGIN
            IF
                -- As Kubernetes itself writes it, which takes a fifth of the time that the pattern does.
                translate(given, '123456789', '000000000') = '0000-00-00T00:00:00Z'
                AND substr(given, 15, 1) < '6'
                AND substr(given, 18, 1) < '6'
                OR given ~ '^\d{4}-\d\d-\d\d[Tt ]\d\d:[0-5]\d(:[0-5]\d(\.\d{1,30})?)?([Zz]|[+-]([01]\d|2[0-3]):?[0-5]\d)?$'
            THEN
                IF
                    substr(given, 1, 4)::integer > 0
                    AND substr(given, 6, 2)::integer BETWEEN 1 AND 12
                    AND substr(given, 12, 2)::integer < 24
                THEN
                    first_of_month := make_date(substr(given, 1, 4)::integer, substr(given, 6, 2)::integer, 1);
                    day := substr(given, 9, 2);
                    IF day > 0 AND (day < 29 OR extract(DAY FROM first_of_month + (day - 1)) = day) THEN
                        IF right(given, 1) = 'Z' THEN
                            found := given;
                        ELSE
                            zone := substring(substr(given, 17) FROM '[+-].*');
                            found := rtrim(left(given, length(given) - coalesce(length(zone), 0)), 'z') || 'Z';
                            IF zone IS NOT NULL THEN  -- PostgreSQL's own zones end before 16 hours
                                found := found - make_interval(
                                    hours => left(zone, 3)::integer, mins => (left(zone, 1) || right(zone, 2))::integer
                                );
                            END IF;
                        END IF;
                        IF found >= '0001-01-01T00:00:00Z' AND found < '10000-01-01T00:00:00Z' THEN
                            RETURN found;
                        END IF;
                    END IF;
                END IF;
            END IF;
            RETURN NULL;
        END
        $function$;
    END IF;
END
$do$;

CREATE OR REPLACE VIEW k8s_core_namespaces AS
SELECT
    uid,
    context_name AS context,
    'Namespace'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    array(SELECT item #>> '{}' FROM jsonb_path_query(k8s_namespaces.spec, '$.finalizers[*]') AS item) AS spec_finalizers,
    status ->> 'phase' AS status_phase,
    status -> 'conditions' AS status_conditions
FROM k8s_namespaces;

CREATE OR REPLACE VIEW k8s_core_pods AS
SELECT
    uid,
    context_name AS context,
    'Pod'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'volumes' AS spec_volumes,
    spec -> 'initContainers' AS spec_init_containers,
    spec -> 'containers' AS spec_containers,
    spec -> 'ephemeralContainers' AS spec_ephemeral_containers,
    spec ->> 'restartPolicy' AS spec_restart_policy,
    k8s_to_bigint(spec -> 'terminationGracePeriodSeconds') AS spec_termination_grace_period_seconds,
    k8s_to_bigint(spec -> 'activeDeadlineSeconds') AS spec_active_deadline_seconds,
    spec ->> 'dnsPolicy' AS spec_dns_policy,
    spec -> 'nodeSelector' AS spec_node_selector,
    spec ->> 'serviceAccountName' AS spec_service_account_name,
    k8s_to_boolean(spec -> 'automountServiceAccountToken') AS spec_automount_service_account_token,
    spec ->> 'nodeName' AS spec_node_name,
    k8s_to_boolean(spec -> 'hostNetwork') AS spec_host_network,
    k8s_to_boolean(spec -> 'hostPID') AS spec_host_pid,
    k8s_to_boolean(spec -> 'hostIPC') AS spec_host_ipc,
    k8s_to_boolean(spec -> 'shareProcessNamespace') AS spec_share_process_namespace,
    spec -> 'securityContext' AS spec_security_context,
    spec -> 'imagePullSecrets' AS spec_image_pull_secrets,
    spec ->> 'hostname' AS spec_hostname,
    spec ->> 'subdomain' AS spec_subdomain,
    spec -> 'affinity' AS spec_affinity,
    spec ->> 'schedulerName' AS spec_scheduler_name,
    spec -> 'tolerations' AS spec_tolerations,
    spec -> 'hostAliases' AS spec_host_aliases,
    spec ->> 'priorityClassName' AS spec_priority_class_name,
    k8s_to_bigint(spec -> 'priority') AS spec_priority,
    spec -> 'dnsConfig' AS spec_dns_config,
    spec -> 'readinessGates' AS spec_readiness_gates,
    spec ->> 'runtimeClassName' AS spec_runtime_class_name,
    k8s_to_boolean(spec -> 'enableServiceLinks') AS spec_enable_service_links,
    spec ->> 'preemptionPolicy' AS spec_preemption_policy,
    spec -> 'overhead' AS spec_overhead,
    spec -> 'topologySpreadConstraints' AS spec_topology_spread_constraints,
    k8s_to_boolean(spec -> 'setHostnameAsFQDN') AS spec_set_hostname_as_fqdn,
    spec -> 'os' AS spec_os,
    k8s_to_boolean(spec -> 'hostUsers') AS spec_host_users,
    spec -> 'schedulingGates' AS spec_scheduling_gates,
    spec -> 'resourceClaims' AS spec_resource_claims,
    status ->> 'phase' AS status_phase,
    status -> 'conditions' AS status_conditions,
    status ->> 'message' AS status_message,
    status ->> 'reason' AS status_reason,
    status ->> 'nominatedNodeName' AS status_nominated_node_name,
    status ->> 'hostIP' AS status_host_ip,
    status ->> 'podIP' AS status_pod_ip,
    status -> 'podIPs' AS status_pod_ips,
    k8s_to_timestamptz(status -> 'startTime') AS status_start_time,
    status -> 'initContainerStatuses' AS status_init_container_statuses,
    status -> 'containerStatuses' AS status_container_statuses,
    status ->> 'qosClass' AS status_qos_class,
    status -> 'ephemeralContainerStatuses' AS status_ephemeral_container_statuses,
    status ->> 'resize' AS status_resize,
    status -> 'resourceClaimStatuses' AS status_resource_claim_statuses
FROM k8s_pods;

CREATE OR REPLACE VIEW k8s_core_services AS
SELECT
    uid,
    context_name AS context,
    'Service'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'ports' AS spec_ports,
    spec -> 'selector' AS spec_selector,
    spec ->> 'clusterIP' AS spec_cluster_ip,
    array(SELECT item #>> '{}' FROM jsonb_path_query(k8s_services.spec, '$.clusterIPs[*]') AS item) AS spec_cluster_ips,
    spec ->> 'type' AS spec_type,
    array(SELECT item #>> '{}' FROM jsonb_path_query(k8s_services.spec, '$.externalIPs[*]') AS item) AS spec_external_ips,
    spec ->> 'sessionAffinity' AS spec_session_affinity,
    spec ->> 'loadBalancerIP' AS spec_load_balancer_ip,
    array(SELECT item #>> '{}' FROM jsonb_path_query(k8s_services.spec, '$.loadBalancerSourceRanges[*]') AS item) AS spec_load_balancer_source_ranges,
    spec ->> 'externalName' AS spec_external_name,
    spec ->> 'externalTrafficPolicy' AS spec_external_traffic_policy,
    k8s_to_bigint(spec -> 'healthCheckNodePort') AS spec_health_check_node_port,
    k8s_to_boolean(spec -> 'publishNotReadyAddresses') AS spec_publish_not_ready_addresses,
    spec -> 'sessionAffinityConfig' AS spec_session_affinity_config,
    array(SELECT item #>> '{}' FROM jsonb_path_query(k8s_services.spec, '$.ipFamilies[*]') AS item) AS spec_ip_families,
    spec ->> 'ipFamilyPolicy' AS spec_ip_family_policy,
    k8s_to_boolean(spec -> 'allocateLoadBalancerNodePorts') AS spec_allocate_load_balancer_node_ports,
    spec ->> 'loadBalancerClass' AS spec_load_balancer_class,
    spec ->> 'internalTrafficPolicy' AS spec_internal_traffic_policy,
    status -> 'loadBalancer' AS status_load_balancer,
    status -> 'conditions' AS status_conditions
FROM k8s_services;

CREATE OR REPLACE VIEW k8s_apps_deployments AS
SELECT
    uid,
    context_name AS context,
    'Deployment'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_bigint(spec -> 'replicas') AS spec_replicas,
    spec -> 'selector' AS spec_selector,
    spec -> 'template' AS spec_template,
    spec -> 'strategy' AS spec_strategy,
    k8s_to_bigint(spec -> 'minReadySeconds') AS spec_min_ready_seconds,
    k8s_to_bigint(spec -> 'revisionHistoryLimit') AS spec_revision_history_limit,
    k8s_to_boolean(spec -> 'paused') AS spec_paused,
    k8s_to_bigint(spec -> 'progressDeadlineSeconds') AS spec_progress_deadline_seconds,
    k8s_to_bigint(status -> 'observedGeneration') AS status_observed_generation,
    k8s_to_bigint(status -> 'replicas') AS status_replicas,
    k8s_to_bigint(status -> 'updatedReplicas') AS status_updated_replicas,
    k8s_to_bigint(status -> 'readyReplicas') AS status_ready_replicas,
    k8s_to_bigint(status -> 'availableReplicas') AS status_available_replicas,
    k8s_to_bigint(status -> 'unavailableReplicas') AS status_unavailable_replicas,
    status -> 'conditions' AS status_conditions,
    k8s_to_bigint(status -> 'collisionCount') AS status_collision_count
FROM k8s_deployments;

CREATE OR REPLACE VIEW k8s_crds AS
SELECT
    uid,
    context_name AS context,
    'CustomResourceDefinition'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec ->> 'group' AS spec_group,
    spec -> 'names' AS spec_names,
    spec ->> 'scope' AS spec_scope,
    spec -> 'versions' AS spec_versions,
    spec -> 'conversion' AS spec_conversion,
    k8s_to_boolean(spec -> 'preserveUnknownFields') AS spec_preserve_unknown_fields,
    status -> 'conditions' AS status_conditions,
    status -> 'acceptedNames' AS status_accepted_names,
    array(SELECT item #>> '{}' FROM jsonb_path_query(k8s_custom_resources.status, '$.storedVersions[*]') AS item) AS status_stored_versions
FROM k8s_custom_resources;

CREATE OR REPLACE VIEW k8s_apps_replica_sets AS
SELECT
    uid,
    context_name AS context,
    'ReplicaSet'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_bigint(spec -> 'replicas') AS spec_replicas,
    k8s_to_bigint(spec -> 'minReadySeconds') AS spec_min_ready_seconds,
    spec -> 'selector' AS spec_selector,
    spec -> 'template' AS spec_template,
    k8s_to_bigint(status -> 'replicas') AS status_replicas,
    k8s_to_bigint(status -> 'fullyLabeledReplicas') AS status_fully_labeled_replicas,
    k8s_to_bigint(status -> 'readyReplicas') AS status_ready_replicas,
    k8s_to_bigint(status -> 'availableReplicas') AS status_available_replicas,
    k8s_to_bigint(status -> 'terminatingReplicas') AS status_terminating_replicas,
    k8s_to_bigint(status -> 'observedGeneration') AS status_observed_generation,
    status -> 'conditions' AS status_conditions
FROM k8s_replicasets;

CREATE OR REPLACE VIEW k8s_apps_stateful_sets AS
SELECT
    uid,
    context_name AS context,
    'StatefulSet'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_bigint(spec -> 'replicas') AS spec_replicas,
    spec -> 'selector' AS spec_selector,
    spec -> 'template' AS spec_template,
    spec -> 'volumeClaimTemplates' AS spec_volume_claim_templates,
    spec ->> 'serviceName' AS spec_service_name,
    spec ->> 'podManagementPolicy' AS spec_pod_management_policy,
    spec -> 'updateStrategy' AS spec_update_strategy,
    k8s_to_bigint(spec -> 'revisionHistoryLimit') AS spec_revision_history_limit,
    k8s_to_bigint(spec -> 'minReadySeconds') AS spec_min_ready_seconds,
    spec -> 'persistentVolumeClaimRetentionPolicy' AS spec_persistent_volume_claim_retention_policy,
    spec -> 'ordinals' AS spec_ordinals,
    k8s_to_bigint(status -> 'observedGeneration') AS status_observed_generation,
    k8s_to_bigint(status -> 'replicas') AS status_replicas,
    k8s_to_bigint(status -> 'readyReplicas') AS status_ready_replicas,
    k8s_to_bigint(status -> 'currentReplicas') AS status_current_replicas,
    k8s_to_bigint(status -> 'updatedReplicas') AS status_updated_replicas,
    status ->> 'currentRevision' AS status_current_revision,
    status ->> 'updateRevision' AS status_update_revision,
    k8s_to_bigint(status -> 'collisionCount') AS status_collision_count,
    status -> 'conditions' AS status_conditions,
    k8s_to_bigint(status -> 'availableReplicas') AS status_available_replicas
FROM k8s_statefulsets;

CREATE OR REPLACE VIEW k8s_apps_daemon_sets AS
SELECT
    uid,
    context_name AS context,
    'DaemonSet'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'selector' AS spec_selector,
    spec -> 'template' AS spec_template,
    spec -> 'updateStrategy' AS spec_update_strategy,
    k8s_to_bigint(spec -> 'minReadySeconds') AS spec_min_ready_seconds,
    k8s_to_bigint(spec -> 'revisionHistoryLimit') AS spec_revision_history_limit,
    k8s_to_bigint(status -> 'currentNumberScheduled') AS status_current_number_scheduled,
    k8s_to_bigint(status -> 'numberMisscheduled') AS status_number_misscheduled,
    k8s_to_bigint(status -> 'desiredNumberScheduled') AS status_desired_number_scheduled,
    k8s_to_bigint(status -> 'numberReady') AS status_number_ready,
    k8s_to_bigint(status -> 'observedGeneration') AS status_observed_generation,
    k8s_to_bigint(status -> 'updatedNumberScheduled') AS status_updated_number_scheduled,
    k8s_to_bigint(status -> 'numberAvailable') AS status_number_available,
    k8s_to_bigint(status -> 'numberUnavailable') AS status_number_unavailable,
    k8s_to_bigint(status -> 'collisionCount') AS status_collision_count,
    status -> 'conditions' AS status_conditions
FROM k8s_daemonsets;

CREATE OR REPLACE VIEW k8s_batch_jobs AS
SELECT
    uid,
    context_name AS context,
    'Job'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_bigint(spec -> 'parallelism') AS spec_parallelism,
    k8s_to_bigint(spec -> 'completions') AS spec_completions,
    k8s_to_bigint(spec -> 'activeDeadlineSeconds') AS spec_active_deadline_seconds,
    spec -> 'podFailurePolicy' AS spec_pod_failure_policy,
    spec -> 'successPolicy' AS spec_success_policy,
    k8s_to_bigint(spec -> 'backoffLimit') AS spec_backoff_limit,
    k8s_to_bigint(spec -> 'backoffLimitPerIndex') AS spec_backoff_limit_per_index,
    k8s_to_bigint(spec -> 'maxFailedIndexes') AS spec_max_failed_indexes,
    spec -> 'selector' AS spec_selector,
    k8s_to_boolean(spec -> 'manualSelector') AS spec_manual_selector,
    spec -> 'template' AS spec_template,
    k8s_to_bigint(spec -> 'ttlSecondsAfterFinished') AS spec_ttl_seconds_after_finished,
    spec ->> 'completionMode' AS spec_completion_mode,
    k8s_to_boolean(spec -> 'suspend') AS spec_suspend,
    spec ->> 'podReplacementPolicy' AS spec_pod_replacement_policy,
    spec ->> 'managedBy' AS spec_managed_by,
    status -> 'conditions' AS status_conditions,
    k8s_to_timestamptz(status -> 'startTime') AS status_start_time,
    k8s_to_timestamptz(status -> 'completionTime') AS status_completion_time,
    k8s_to_bigint(status -> 'active') AS status_active,
    k8s_to_bigint(status -> 'succeeded') AS status_succeeded,
    k8s_to_bigint(status -> 'failed') AS status_failed,
    k8s_to_bigint(status -> 'terminating') AS status_terminating,
    status ->> 'completedIndexes' AS status_completed_indexes,
    status ->> 'failedIndexes' AS status_failed_indexes,
    status -> 'uncountedTerminatedPods' AS status_uncounted_terminated_pods,
    k8s_to_bigint(status -> 'ready') AS status_ready
FROM k8s_jobs;

CREATE OR REPLACE VIEW k8s_batch_cron_jobs AS
SELECT
    uid,
    context_name AS context,
    'CronJob'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec ->> 'schedule' AS spec_schedule,
    spec ->> 'timeZone' AS spec_time_zone,
    k8s_to_bigint(spec -> 'startingDeadlineSeconds') AS spec_starting_deadline_seconds,
    spec ->> 'concurrencyPolicy' AS spec_concurrency_policy,
    k8s_to_boolean(spec -> 'suspend') AS spec_suspend,
    spec -> 'jobTemplate' AS spec_job_template,
    k8s_to_bigint(spec -> 'successfulJobsHistoryLimit') AS spec_successful_jobs_history_limit,
    k8s_to_bigint(spec -> 'failedJobsHistoryLimit') AS spec_failed_jobs_history_limit,
    status -> 'active' AS status_active,
    k8s_to_timestamptz(status -> 'lastScheduleTime') AS status_last_schedule_time,
    k8s_to_timestamptz(status -> 'lastSuccessfulTime') AS status_last_successful_time
FROM k8s_cronjobs;

CREATE OR REPLACE VIEW k8s_core_replication_controllers AS
SELECT
    uid,
    context_name AS context,
    'ReplicationController'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_bigint(spec -> 'minReadySeconds') AS spec_min_ready_seconds,
    k8s_to_bigint(spec -> 'replicas') AS spec_replicas,
    spec -> 'selector' AS spec_selector,
    spec -> 'template' AS spec_template,
    k8s_to_bigint(status -> 'availableReplicas') AS status_available_replicas,
    status -> 'conditions' AS status_conditions,
    k8s_to_bigint(status -> 'fullyLabeledReplicas') AS status_fully_labeled_replicas,
    k8s_to_bigint(status -> 'observedGeneration') AS status_observed_generation,
    k8s_to_bigint(status -> 'readyReplicas') AS status_ready_replicas,
    k8s_to_bigint(status -> 'replicas') AS status_replicas
FROM k8s_replicationcontrollers;

CREATE OR REPLACE VIEW k8s_autoscaling_hpas AS
SELECT
    uid,
    context_name AS context,
    'HorizontalPodAutoscaler'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'behavior' AS spec_behavior,
    k8s_to_bigint(spec -> 'maxReplicas') AS spec_max_replicas,
    spec -> 'metrics' AS spec_metrics,
    k8s_to_bigint(spec -> 'minReplicas') AS spec_min_replicas,
    spec -> 'scaleTargetRef' AS spec_scale_target_ref,
    status -> 'conditions' AS status_conditions,
    status -> 'currentMetrics' AS status_current_metrics,
    k8s_to_bigint(status -> 'currentReplicas') AS status_current_replicas,
    k8s_to_bigint(status -> 'desiredReplicas') AS status_desired_replicas,
    k8s_to_timestamptz(status -> 'lastScaleTime') AS status_last_scale_time,
    k8s_to_bigint(status -> 'observedGeneration') AS status_observed_generation
FROM k8s_horizontalpodautoscalers;

CREATE OR REPLACE VIEW k8s_policy_pod_disruption_budgets AS
SELECT
    uid,
    context_name AS context,
    'PodDisruptionBudget'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'maxUnavailable' AS spec_max_unavailable,
    spec -> 'minAvailable' AS spec_min_available,
    spec -> 'selector' AS spec_selector,
    spec ->> 'unhealthyPodEvictionPolicy' AS spec_unhealthy_pod_eviction_policy,
    status -> 'conditions' AS status_conditions,
    k8s_to_bigint(status -> 'currentHealthy') AS status_current_healthy,
    k8s_to_bigint(status -> 'desiredHealthy') AS status_desired_healthy,
    status -> 'disruptedPods' AS status_disrupted_pods,
    k8s_to_bigint(status -> 'disruptionsAllowed') AS status_disruptions_allowed,
    k8s_to_bigint(status -> 'expectedPods') AS status_expected_pods,
    k8s_to_bigint(status -> 'observedGeneration') AS status_observed_generation
FROM k8s_poddisruptionbudgets;

CREATE OR REPLACE VIEW k8s_core_config_maps AS
SELECT
    uid,
    context_name AS context,
    'ConfigMap'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'binaryData' AS binary_data,
    data -> 'data' AS data,
    k8s_to_boolean(data -> 'immutable') AS immutable
FROM k8s_configmaps;

CREATE OR REPLACE VIEW k8s_core_secrets AS
SELECT
    uid,
    context_name AS context,
    'Secret'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    type
FROM k8s_secrets;

CREATE OR REPLACE VIEW k8s_core_resource_quotas AS
SELECT
    uid,
    context_name AS context,
    'ResourceQuota'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'hard' AS spec_hard,
    spec -> 'scopeSelector' AS spec_scope_selector,
    spec -> 'scopes' AS spec_scopes,
    status -> 'hard' AS status_hard,
    status -> 'used' AS status_used
FROM k8s_resourcequotas;

CREATE OR REPLACE VIEW k8s_core_limit_ranges AS
SELECT
    uid,
    context_name AS context,
    'LimitRange'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'limits' AS spec_limits
FROM k8s_limitranges;

CREATE OR REPLACE VIEW k8s_scheduling_priority_classes AS
SELECT
    uid,
    context_name AS context,
    'PriorityClass'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data ->> 'description' AS description,
    k8s_to_boolean(data -> 'globalDefault') AS global_default,
    data ->> 'preemptionPolicy' AS preemption_policy,
    k8s_to_bigint(data -> 'value') AS value
FROM k8s_priorityclasses;

CREATE OR REPLACE VIEW k8s_coordination_leases AS
SELECT
    uid,
    context_name AS context,
    'Lease'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_timestamptz(spec -> 'acquireTime') AS spec_acquire_time,
    spec ->> 'holderIdentity' AS spec_holder_identity,
    k8s_to_bigint(spec -> 'leaseDurationSeconds') AS spec_lease_duration_seconds,
    k8s_to_bigint(spec -> 'leaseTransitions') AS spec_lease_transitions,
    spec ->> 'preferredHolder' AS spec_preferred_holder,
    k8s_to_timestamptz(spec -> 'renewTime') AS spec_renew_time,
    spec ->> 'strategy' AS spec_strategy
FROM k8s_leases;

CREATE OR REPLACE VIEW k8s_core_endpoints AS
SELECT
    uid,
    context_name AS context,
    'Endpoints'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'subsets' AS subsets
FROM k8s_endpoints;

CREATE OR REPLACE VIEW k8s_discovery_endpoint_slices AS
SELECT
    uid,
    context_name AS context,
    'EndpointSlice'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data ->> 'addressType' AS address_type,
    data -> 'endpoints' AS endpoints,
    data -> 'ports' AS ports
FROM k8s_endpointslices;

CREATE OR REPLACE VIEW k8s_networking_ingresses AS
SELECT
    uid,
    context_name AS context,
    'Ingress'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'defaultBackend' AS spec_default_backend,
    spec ->> 'ingressClassName' AS spec_ingress_class_name,
    spec -> 'rules' AS spec_rules,
    spec -> 'tls' AS spec_tls,
    status -> 'loadBalancer' AS status_load_balancer
FROM k8s_ingresses;

CREATE OR REPLACE VIEW k8s_networking_ingress_classes AS
SELECT
    uid,
    context_name AS context,
    'IngressClass'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec ->> 'controller' AS spec_controller,
    spec -> 'parameters' AS spec_parameters
FROM k8s_ingressclasses;

CREATE OR REPLACE VIEW k8s_networking_network_policies AS
SELECT
    uid,
    context_name AS context,
    'NetworkPolicy'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'egress' AS spec_egress,
    spec -> 'ingress' AS spec_ingress,
    spec -> 'podSelector' AS spec_pod_selector,
    spec -> 'policyTypes' AS spec_policy_types
FROM k8s_networkpolicies;

CREATE OR REPLACE VIEW k8s_core_pvs AS
SELECT
    uid,
    context_name AS context,
    'PersistentVolume'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'accessModes' AS spec_access_modes,
    spec -> 'awsElasticBlockStore' AS spec_aws_elastic_block_store,
    spec -> 'azureDisk' AS spec_azure_disk,
    spec -> 'azureFile' AS spec_azure_file,
    spec -> 'capacity' AS spec_capacity,
    spec -> 'cephfs' AS spec_cephfs,
    spec -> 'cinder' AS spec_cinder,
    spec -> 'claimRef' AS spec_claim_ref,
    spec -> 'csi' AS spec_csi,
    spec -> 'fc' AS spec_fc,
    spec -> 'flexVolume' AS spec_flex_volume,
    spec -> 'flocker' AS spec_flocker,
    spec -> 'gcePersistentDisk' AS spec_gce_persistent_disk,
    spec -> 'glusterfs' AS spec_glusterfs,
    spec -> 'hostPath' AS spec_host_path,
    spec -> 'iscsi' AS spec_iscsi,
    spec -> 'local' AS spec_local,
    spec -> 'mountOptions' AS spec_mount_options,
    spec -> 'nfs' AS spec_nfs,
    spec -> 'nodeAffinity' AS spec_node_affinity,
    spec ->> 'persistentVolumeReclaimPolicy' AS spec_persistent_volume_reclaim_policy,
    spec -> 'photonPersistentDisk' AS spec_photon_persistent_disk,
    spec -> 'portworxVolume' AS spec_portworx_volume,
    spec -> 'quobyte' AS spec_quobyte,
    spec -> 'rbd' AS spec_rbd,
    spec -> 'scaleIO' AS spec_scale_io,
    spec ->> 'storageClassName' AS spec_storage_class_name,
    spec -> 'storageos' AS spec_storageos,
    spec ->> 'volumeAttributesClassName' AS spec_volume_attributes_class_name,
    spec ->> 'volumeMode' AS spec_volume_mode,
    spec -> 'vsphereVolume' AS spec_vsphere_volume,
    k8s_to_timestamptz(status -> 'lastPhaseTransitionTime') AS status_last_phase_transition_time,
    status ->> 'message' AS status_message,
    status ->> 'phase' AS status_phase,
    status ->> 'reason' AS status_reason
FROM k8s_persistentvolumes;

CREATE OR REPLACE VIEW k8s_core_pvcs AS
SELECT
    uid,
    context_name AS context,
    'PersistentVolumeClaim'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'accessModes' AS spec_access_modes,
    spec -> 'dataSource' AS spec_data_source,
    spec -> 'dataSourceRef' AS spec_data_source_ref,
    spec -> 'resources' AS spec_resources,
    spec -> 'selector' AS spec_selector,
    spec ->> 'storageClassName' AS spec_storage_class_name,
    spec ->> 'volumeAttributesClassName' AS spec_volume_attributes_class_name,
    spec ->> 'volumeMode' AS spec_volume_mode,
    spec ->> 'volumeName' AS spec_volume_name,
    status -> 'accessModes' AS status_access_modes,
    status -> 'allocatedResourceStatuses' AS status_allocated_resource_statuses,
    status -> 'allocatedResources' AS status_allocated_resources,
    status -> 'capacity' AS status_capacity,
    status -> 'conditions' AS status_conditions,
    status ->> 'currentVolumeAttributesClassName' AS status_current_volume_attributes_class_name,
    status -> 'modifyVolumeStatus' AS status_modify_volume_status,
    status ->> 'phase' AS status_phase
FROM k8s_persistentvolumeclaims;

CREATE OR REPLACE VIEW k8s_storage_storage_classes AS
SELECT
    uid,
    context_name AS context,
    'StorageClass'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_boolean(data -> 'allowVolumeExpansion') AS allow_volume_expansion,
    data -> 'allowedTopologies' AS allowed_topologies,
    data -> 'mountOptions' AS mount_options,
    data -> 'parameters' AS parameters,
    data ->> 'provisioner' AS provisioner,
    data ->> 'reclaimPolicy' AS reclaim_policy,
    data ->> 'volumeBindingMode' AS volume_binding_mode
FROM k8s_storageclasses;

CREATE OR REPLACE VIEW k8s_storage_volume_attachments AS
SELECT
    uid,
    context_name AS context,
    'VolumeAttachment'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec ->> 'attacher' AS spec_attacher,
    spec ->> 'nodeName' AS spec_node_name,
    spec -> 'source' AS spec_source,
    status -> 'attachError' AS status_attach_error,
    k8s_to_boolean(status -> 'attached') AS status_attached,
    status -> 'attachmentMetadata' AS status_attachment_metadata,
    status -> 'detachError' AS status_detach_error
FROM k8s_volumeattachments;

CREATE OR REPLACE VIEW k8s_storage_csi_drivers AS
SELECT
    uid,
    context_name AS context,
    'CSIDriver'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_boolean(spec -> 'attachRequired') AS spec_attach_required,
    spec ->> 'fsGroupPolicy' AS spec_fs_group_policy,
    k8s_to_bigint(spec -> 'nodeAllocatableUpdatePeriodSeconds') AS spec_node_allocatable_update_period_seconds,
    k8s_to_boolean(spec -> 'podInfoOnMount') AS spec_pod_info_on_mount,
    k8s_to_boolean(spec -> 'preventPodSchedulingIfMissing') AS spec_prevent_pod_scheduling_if_missing,
    k8s_to_boolean(spec -> 'requiresRepublish') AS spec_requires_republish,
    k8s_to_boolean(spec -> 'seLinuxMount') AS spec_se_linux_mount,
    k8s_to_boolean(spec -> 'serviceAccountTokenInSecrets') AS spec_service_account_token_in_secrets,
    k8s_to_boolean(spec -> 'storageCapacity') AS spec_storage_capacity,
    spec -> 'tokenRequests' AS spec_token_requests,
    spec -> 'volumeLifecycleModes' AS spec_volume_lifecycle_modes
FROM k8s_csidrivers;

CREATE OR REPLACE VIEW k8s_storage_csi_nodes AS
SELECT
    uid,
    context_name AS context,
    'CSINode'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'drivers' AS spec_drivers
FROM k8s_csinodes;

CREATE OR REPLACE VIEW k8s_storage_csi_storage_capacities AS
SELECT
    uid,
    context_name AS context,
    'CSIStorageCapacity'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data ->> 'capacity' AS capacity,
    data ->> 'maximumVolumeSize' AS maximum_volume_size,
    data -> 'nodeTopology' AS node_topology,
    data ->> 'storageClassName' AS storage_class_name
FROM k8s_csistoragecapacities;

CREATE OR REPLACE VIEW k8s_core_service_accounts AS
SELECT
    uid,
    context_name AS context,
    'ServiceAccount'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_boolean(data -> 'automountServiceAccountToken') AS automount_service_account_token,
    data -> 'imagePullSecrets' AS image_pull_secrets,
    data -> 'secrets' AS secrets
FROM k8s_serviceaccounts;

CREATE OR REPLACE VIEW k8s_rbac_roles AS
SELECT
    uid,
    context_name AS context,
    'Role'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'rules' AS rules
FROM k8s_roles;

CREATE OR REPLACE VIEW k8s_rbac_role_bindings AS
SELECT
    uid,
    context_name AS context,
    'RoleBinding'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'roleRef' AS role_ref,
    data -> 'subjects' AS subjects
FROM k8s_rolebindings;

CREATE OR REPLACE VIEW k8s_rbac_cluster_roles AS
SELECT
    uid,
    context_name AS context,
    'ClusterRole'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'aggregationRule' AS aggregation_rule,
    data -> 'rules' AS rules
FROM k8s_clusterroles;

CREATE OR REPLACE VIEW k8s_rbac_cluster_role_bindings AS
SELECT
    uid,
    context_name AS context,
    'ClusterRoleBinding'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'roleRef' AS role_ref,
    data -> 'subjects' AS subjects
FROM k8s_clusterrolebindings;

CREATE OR REPLACE VIEW k8s_certificates_signing_requests AS
SELECT
    uid,
    context_name AS context,
    'CertificateSigningRequest'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    k8s_to_bigint(spec -> 'expirationSeconds') AS spec_expiration_seconds,
    spec -> 'extra' AS spec_extra,
    spec -> 'groups' AS spec_groups,
    spec ->> 'request' AS spec_request,
    spec ->> 'signerName' AS spec_signer_name,
    spec ->> 'uid' AS spec_uid,
    spec -> 'usages' AS spec_usages,
    spec ->> 'username' AS spec_username,
    status ->> 'certificate' AS status_certificate,
    status -> 'conditions' AS status_conditions
FROM k8s_certificatesigningrequests;

CREATE OR REPLACE VIEW k8s_admissionregistration_validating_webhook_configurations AS
SELECT
    uid,
    context_name AS context,
    'ValidatingWebhookConfiguration'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'webhooks' AS webhooks
FROM k8s_validatingwebhookconfigurations;

CREATE OR REPLACE VIEW k8s_admissionregistration_mutating_webhook_configurations AS
SELECT
    uid,
    context_name AS context,
    'MutatingWebhookConfiguration'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data -> 'webhooks' AS webhooks
FROM k8s_mutatingwebhookconfigurations;

CREATE OR REPLACE VIEW k8s_core_nodes AS
SELECT
    uid,
    context_name AS context,
    'Node'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    spec -> 'configSource' AS spec_config_source,
    spec ->> 'externalID' AS spec_external_id,
    spec ->> 'podCIDR' AS spec_pod_cidr,
    spec -> 'podCIDRs' AS spec_pod_cidrs,
    spec ->> 'providerID' AS spec_provider_id,
    spec -> 'taints' AS spec_taints,
    k8s_to_boolean(spec -> 'unschedulable') AS spec_unschedulable,
    status -> 'addresses' AS status_addresses,
    status -> 'allocatable' AS status_allocatable,
    status -> 'capacity' AS status_capacity,
    status -> 'conditions' AS status_conditions,
    status -> 'config' AS status_config,
    status -> 'daemonEndpoints' AS status_daemon_endpoints,
    status -> 'declaredFeatures' AS status_declared_features,
    status -> 'features' AS status_features,
    status -> 'images' AS status_images,
    status -> 'nodeInfo' AS status_node_info,
    status ->> 'phase' AS status_phase,
    status -> 'runtimeHandlers' AS status_runtime_handlers,
    status -> 'volumesAttached' AS status_volumes_attached,
    status -> 'volumesInUse' AS status_volumes_in_use
FROM k8s_nodes;

CREATE OR REPLACE VIEW k8s_core_events AS
SELECT
    uid,
    context_name AS context,
    'Event'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data ->> 'action' AS action,
    k8s_to_bigint(data -> 'count') AS count,
    k8s_to_timestamptz(data -> 'eventTime') AS event_time,
    k8s_to_timestamptz(data -> 'firstTimestamp') AS first_timestamp,
    data -> 'involvedObject' AS involved_object,
    k8s_to_timestamptz(data -> 'lastTimestamp') AS last_timestamp,
    data ->> 'message' AS message,
    data ->> 'reason' AS reason,
    data -> 'related' AS related,
    data ->> 'reportingComponent' AS reporting_component,
    data ->> 'reportingInstance' AS reporting_instance,
    data -> 'series' AS series,
    data -> 'source' AS source,
    data ->> 'type' AS type
FROM k8s_events;

CREATE OR REPLACE VIEW k8s_nodes_runtime_classes AS
SELECT
    uid,
    context_name AS context,
    'RuntimeClass'::text AS kind,
    api_version,
    name,
    namespace,
    resource_version,
    generation,
    created_at AS creation_timestamp,
    deletion_requested_at AS deletion_timestamp,
    labels,
    annotations,
    owner_references,
    finalizers,
    data ->> 'handler' AS handler,
    data -> 'overhead' AS overhead,
    data -> 'scheduling' AS scheduling
FROM k8s_runtimeclasses;

DO $do$
DECLARE
    was record;
BEGIN
    FOR was IN SELECT view, option FROM pg_temp.k8s_view_options LOOP
        EXECUTE format('ALTER VIEW %s SET (%s)', was.view, was.option);
    END LOOP;
END
$do$;

COMMIT;
