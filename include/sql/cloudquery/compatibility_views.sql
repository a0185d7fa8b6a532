-- The tables of CloudQuery's own Kubernetes plugin (v6.2.4, with Kubernetes' types of 1.29) as views on ours, for queries
-- that were written for it. Run it by hand, after our tables were first synced, in the schema that is to hold the views:
--
--     psql "$DATABASE_URL" -f include/sql/cloudquery/compatibility_views.sql
--
-- It works on the tables that the DAG writes and on those that `cloudquery sync` writes, and again after either has got
-- new ones. What the views hold, and what differs on purpose: docs/cloudquery.md. DROP VIEW takes them away again.

BEGIN;

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

-- Beside them: null, too, where the value is not of the type.

CREATE OR REPLACE FUNCTION k8s_to_texts(value jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(value) = 'array'
        THEN array(SELECT coalesce(item #>> '{}', '') FROM jsonb_path_query(value, '$[*]') AS item)
END;

-- Standard base64.
CREATE OR REPLACE FUNCTION k8s_to_bytea(value jsonb)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN value #>> '{}' ~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
        THEN decode(value #>> '{}', 'base64')
END;

-- An address, or one with the length of its network's prefix. A service without one says None.
CREATE OR REPLACE FUNCTION k8s_to_inet(value jsonb)
RETURNS inet
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    given constant text := value #>> '{}';
    octet constant text := '(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)';
    groups constant text := '[0-9a-f]{1,4}(:[0-9a-f]{1,4})*';
    address text;
BEGIN
    IF given ~ format('^(%1$s\.){3}%1$s(/(3[0-2]|[12]?\d))?$', octet) THEN
        RETURN given;
    END IF;
    IF strpos(given, ':') > 0 AND given ~ '^[^/]+(/(12[0-8]|1[01]\d|[1-9]?\d))?$' THEN
        address := regexp_replace(lower(split_part(given, '/', 1)), format(':(%1$s\.){3}%1$s$', octet), ':0:0');
        IF address ~ format('^%s$', groups) AND cardinality(string_to_array(address, ':')) = 8
            OR address ~ format('^(%1$s)?::(%1$s)?$', groups)
            AND cardinality(string_to_array(trim(BOTH ':' FROM replace(address, '::', ':')), ':')) < 8
        THEN
            RETURN given;
        END IF;
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION k8s_to_inets(value jsonb)
RETURNS inet[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array(SELECT k8s_to_inet(item) FROM jsonb_path_query(value, '$[*]') AS item);

-- A value with what Go writes of its struct although the object has it not: what `zero` has and the value lacks, at every
-- depth. The first element of an array in `zero` stands for all; a name that ends in `?` is looked into where it is.
-- The body names the function by its schema, as it is looked up when it runs.
DO $do$
BEGIN
    EXECUTE format(
        $function$
        CREATE OR REPLACE FUNCTION k8s_filled(zero jsonb, value jsonb)
        RETURNS jsonb
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        AS $body$
            SELECT CASE
                WHEN jsonb_typeof(zero) = 'object' AND jsonb_typeof(value) = 'object' THEN value || (
                    SELECT coalesce(jsonb_object_agg(field, %1$I.k8s_filled(of_field, coalesce(value -> field, 'null'))), '{}')
                    FROM (SELECT key, rtrim(key, '?') AS field, each.value AS of_field FROM jsonb_each(zero) AS each) AS part
                    WHERE key = field OR nullif(value -> field, 'null') IS NOT NULL
                )
                WHEN jsonb_typeof(zero) = 'array' AND jsonb_typeof(value) = 'array' THEN (
                    SELECT coalesce(jsonb_agg(coalesce(%1$I.k8s_filled(zero -> 0, item), item) ORDER BY place), '[]')
                    FROM jsonb_array_elements(value) WITH ORDINALITY AS each (item, place)
                )
                WHEN jsonb_typeof(zero) = 'object' AND value = 'null' THEN %1$I.k8s_filled(zero, '{}')
                ELSE coalesce(nullif(value, 'null'), zero)
            END
        $body$
        $function$,
        current_schema()
    );
END
$do$;

-- How the old tables hold a field, by its type in Go, as `*int` names a pointer to an integer. Go has no absence but for
-- pointers: in a table of CloudQuery these are null, and everything else has the zero value of its type. Null, too, are
-- lists of text and bytes, which are no JSON there, and addresses.
CREATE TEMPORARY TABLE k8s_go_types (go text, zero jsonb, expression text) ON COMMIT DROP;

INSERT INTO k8s_go_types (go, zero, expression) VALUES
('int', '0', 'k8s_to_bigint(%s)'),
('bool', 'false', 'k8s_to_boolean(%s)'),
('string', '""', 'k8s_to_text(%s)'),
('Time', '"0001-01-01T00:00:00Z"', $$k8s_to_timestamptz(%s) AT TIME ZONE 'UTC'$$),
('MicroTime', 'null', '%s'),
('IP', NULL, 'k8s_to_inet(%s)'),
('[]IP', '[]', 'k8s_to_inets(%s)'),
('[]PodIP', '[]', $$k8s_to_inets(jsonb_path_query_array(%s, '$[*].ip'))$$),
('[]string', NULL, 'k8s_to_texts(%s)'),
('[]byte', NULL, 'k8s_to_bytea(%s)'),
('[]', '[]', '%s'),
('{}', '{}', '%s');

-- Structs with fields that Go writes even if they are empty. Kubernetes itself writes them, too, but for fields of objects
-- that lack the whole struct; and since 1.34 no `creationTimestamp` of an object within another one.
INSERT INTO k8s_go_types (go, zero, expression)
SELECT
    struct.go,
    CASE WHEN struct.go LIKE '[]%' THEN '[]' ELSE '{}' END::jsonb AS zero,
    format('k8s_filled(%L, %%s)', replace(
        replace(
            struct.zero,
            'POD_TEMPLATE',
            '{"metadata": {"creationTimestamp": null}, "spec": {"containers": null, "volumes?": VOLUMES}}'
        ),
        'VOLUMES',
        '[{"ephemeral?": {"volumeClaimTemplate?": {"metadata": {"creationTimestamp": null}}}}]'
    )) AS expression
FROM (
    VALUES
    ('PodTemplateSpec', 'POD_TEMPLATE'),
    ('JobTemplateSpec', '{"metadata": {"creationTimestamp": null}, "spec": {"template": POD_TEMPLATE}}'),
    ('[]Volume', 'VOLUMES'),
    (
        '[]PersistentVolumeClaim',
        '[{"metadata": {"creationTimestamp": null}, "spec": {"resources": {}}, "status": {}}]'
    ),
    ('CrossVersionObjectReference', '{"kind": "", "name": ""}'),
    ('RoleRef', '{"apiGroup": "", "kind": "", "name": ""}'),
    ('CustomResourceDefinitionNames', '{"plural": "", "kind": ""}'),
    ('NodeDaemonEndpoints', '{"kubeletEndpoint": {"Port": 0}}'),
    (
        'NodeSystemInfo',
        '{"machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "",
        "containerRuntimeVersion": "", "kubeletVersion": "", "kubeProxyVersion": "", "operatingSystem": "",
        "architecture": ""}'
    )
) AS struct (go, zero);

-- Fields that our tables hold otherwise. The old plugin read autoscaling/v1, which has one metric.
CREATE TEMPORARY TABLE k8s_made_fields (view text, path text, expression text) ON COMMIT DROP;

INSERT INTO k8s_made_fields (view, path, expression) VALUES
('k8s_core_secrets', 'type', 'to_jsonb(type)'),
('k8s_core_secrets', 'immutable', 'NULL::jsonb'),
(
    'k8s_core_pvs',
    'spec.persistentVolumeSource',
    $$CASE WHEN jsonb_typeof(spec) = 'object' THEN spec - ARRAY[
        'capacity', 'accessModes', 'claimRef', 'persistentVolumeReclaimPolicy', 'storageClassName', 'mountOptions',
        'volumeMode', 'nodeAffinity', 'volumeAttributesClassName'
    ] END$$
),
(
    'k8s_autoscaling_hpas',
    'spec.targetCPUUtilizationPercentage',
    $$jsonb_path_query_array(
        spec, '$.metrics[*] ? (@.type == "Resource").resource ? (@.name == "cpu").target.averageUtilization'
    ) -> 0$$
),
(
    'k8s_autoscaling_hpas',
    'status.currentCPUUtilizationPercentage',
    $$jsonb_path_query_array(
        status, '$.currentMetrics[*] ? (@.type == "Resource").resource ? (@.name == "cpu").current.averageUtilization'
    ) -> -1$$
);

-- Each old table, ours, its kind, and the fields that were its columns beside those that all have, in their order: path
-- and type.
CREATE TEMPORARY TABLE k8s_old_tables (view text, of_table text, kind text, fields text) ON COMMIT DROP;

INSERT INTO k8s_old_tables (view, of_table, kind, fields) VALUES
('k8s_admissionregistration_mutating_webhook_configurations', 'k8s_mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', '
    webhooks []'),
('k8s_admissionregistration_validating_webhook_configurations', 'k8s_validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', '
    webhooks []'),
('k8s_apps_daemon_sets', 'k8s_daemonsets', 'DaemonSet', '
    spec.selector *{}, spec.template PodTemplateSpec, spec.updateStrategy {}, spec.minReadySeconds int,
    spec.revisionHistoryLimit *int, status.currentNumberScheduled int, status.numberMisscheduled int,
    status.desiredNumberScheduled int, status.numberReady int, status.observedGeneration int,
    status.updatedNumberScheduled int, status.numberAvailable int, status.numberUnavailable int,
    status.collisionCount *int, status.conditions []'),
('k8s_apps_deployments', 'k8s_deployments', 'Deployment', '
    spec.replicas *int, spec.selector *{}, spec.template PodTemplateSpec, spec.strategy {},
    spec.minReadySeconds int, spec.revisionHistoryLimit *int, spec.paused bool, spec.progressDeadlineSeconds *int,
    status.observedGeneration int, status.replicas int, status.updatedReplicas int, status.readyReplicas int,
    status.availableReplicas int, status.unavailableReplicas int, status.conditions [], status.collisionCount *int'),
('k8s_apps_replica_sets', 'k8s_replicasets', 'ReplicaSet', '
    spec.replicas *int, spec.minReadySeconds int, spec.selector *{}, spec.template PodTemplateSpec,
    status.replicas int, status.fullyLabeledReplicas int, status.readyReplicas int, status.availableReplicas int,
    status.observedGeneration int, status.conditions []'),
('k8s_apps_stateful_sets', 'k8s_statefulsets', 'StatefulSet', '
    spec.replicas *int, spec.selector *{}, spec.template PodTemplateSpec,
    spec.volumeClaimTemplates []PersistentVolumeClaim, spec.serviceName string, spec.podManagementPolicy string,
    spec.updateStrategy {}, spec.revisionHistoryLimit *int, spec.minReadySeconds int,
    spec.persistentVolumeClaimRetentionPolicy *{}, spec.ordinals *{}, status.observedGeneration int,
    status.replicas int, status.readyReplicas int, status.currentReplicas int, status.updatedReplicas int,
    status.currentRevision string, status.updateRevision string, status.collisionCount *int, status.conditions [],
    status.availableReplicas int'),
('k8s_autoscaling_hpas', 'k8s_horizontalpodautoscalers', 'HorizontalPodAutoscaler', '
    spec.scaleTargetRef CrossVersionObjectReference, spec.minReplicas *int, spec.maxReplicas int,
    spec.targetCPUUtilizationPercentage *int, status.observedGeneration *int, status.lastScaleTime *Time,
    status.currentReplicas int, status.desiredReplicas int, status.currentCPUUtilizationPercentage *int'),
('k8s_batch_cron_jobs', 'k8s_cronjobs', 'CronJob', '
    spec.schedule string, spec.timeZone *string, spec.startingDeadlineSeconds *int, spec.concurrencyPolicy string,
    spec.suspend *bool, spec.jobTemplate JobTemplateSpec, spec.successfulJobsHistoryLimit *int,
    spec.failedJobsHistoryLimit *int, status.active [], status.lastScheduleTime *Time,
    status.lastSuccessfulTime *Time'),
('k8s_batch_jobs', 'k8s_jobs', 'Job', '
    spec.parallelism *int, spec.completions *int, spec.activeDeadlineSeconds *int, spec.podFailurePolicy *{},
    spec.backoffLimit *int, spec.backoffLimitPerIndex *int, spec.maxFailedIndexes *int, spec.selector *{},
    spec.manualSelector *bool, spec.template PodTemplateSpec, spec.ttlSecondsAfterFinished *int,
    spec.completionMode *string, spec.suspend *bool, spec.podReplacementPolicy *string, status.conditions [],
    status.startTime *Time, status.completionTime *Time, status.active int, status.succeeded int, status.failed int,
    status.terminating *int, status.completedIndexes string, status.failedIndexes *string,
    status.uncountedTerminatedPods *{}, status.ready *int'),
('k8s_certificates_signing_requests', 'k8s_certificatesigningrequests', 'CertificateSigningRequest', '
    spec.request []byte, spec.signerName string, spec.expirationSeconds *int, spec.usages []string,
    spec.username string, spec.uid string, spec.groups []string, spec.extra {}, status.conditions [],
    status.certificate []byte'),
('k8s_coordination_leases', 'k8s_leases', 'Lease', '
    spec.holderIdentity *string, spec.leaseDurationSeconds *int, spec.acquireTime *MicroTime,
    spec.renewTime *MicroTime, spec.leaseTransitions *int'),
('k8s_core_config_maps', 'k8s_configmaps', 'ConfigMap', '
    immutable *bool, data {}, binaryData {}'),
('k8s_core_endpoints', 'k8s_endpoints', 'Endpoints', '
    subsets []'),
('k8s_core_events', 'k8s_events', 'Event', '
    involvedObject {}, reason string, message string, source {}, firstTimestamp Time, lastTimestamp Time, count int,
    type string, eventTime MicroTime, series *{}, action string, related *{}, reportingComponent string,
    reportingInstance string'),
('k8s_core_limit_ranges', 'k8s_limitranges', 'LimitRange', '
    spec.limits []'),
('k8s_core_namespaces', 'k8s_namespaces', 'Namespace', '
    spec.finalizers []string, status.phase string, status.conditions []'),
('k8s_core_nodes', 'k8s_nodes', 'Node', '
    spec.podCIDR IP, spec.podCIDRs []IP, spec.providerID string, spec.unschedulable bool, spec.taints [],
    spec.configSource *{}, status.capacity {}, status.allocatable {}, status.phase string, status.conditions [],
    status.addresses [], status.daemonEndpoints NodeDaemonEndpoints, status.nodeInfo NodeSystemInfo,
    status.images [], status.volumesInUse []string, status.volumesAttached [], status.config *{}'),
('k8s_core_pod_templates', 'k8s_podtemplates', 'PodTemplate', '
    template PodTemplateSpec'),
('k8s_core_pods', 'k8s_pods', 'Pod', '
    status.hostIP IP, status.podIP IP, status.podIPs []PodIP, spec.volumes []Volume, spec.initContainers [],
    spec.containers [], spec.ephemeralContainers [], spec.restartPolicy string,
    spec.terminationGracePeriodSeconds *int, spec.activeDeadlineSeconds *int, spec.dnsPolicy string,
    spec.nodeSelector {}, spec.serviceAccountName string, spec.automountServiceAccountToken *bool,
    spec.nodeName string, spec.hostNetwork bool, spec.hostPID bool, spec.hostIPC bool,
    spec.shareProcessNamespace *bool, spec.securityContext *{}, spec.imagePullSecrets [], spec.hostname string,
    spec.subdomain string, spec.affinity *{}, spec.schedulerName string, spec.tolerations [], spec.hostAliases [],
    spec.priorityClassName string, spec.priority *int, spec.dnsConfig *{}, spec.readinessGates [],
    spec.runtimeClassName *string, spec.enableServiceLinks *bool, spec.preemptionPolicy *string, spec.overhead {},
    spec.topologySpreadConstraints [], spec.setHostnameAsFQDN *bool, spec.os *{}, spec.hostUsers *bool,
    spec.schedulingGates [], spec.resourceClaims [], status.phase string, status.conditions [],
    status.message string, status.reason string, status.nominatedNodeName string, status.hostIPs [],
    status.startTime *Time, status.initContainerStatuses [], status.containerStatuses [], status.qosClass string,
    status.ephemeralContainerStatuses [], status.resize string, status.resourceClaimStatuses []'),
('k8s_core_pvcs', 'k8s_persistentvolumeclaims', 'PersistentVolumeClaim', '
    spec.accessModes []string, spec.selector *{}, spec.resources {}, spec.volumeName string,
    spec.storageClassName *string, spec.volumeMode *string, spec.dataSource *{}, spec.dataSourceRef *{},
    spec.volumeAttributesClassName *string, status.phase string, status.accessModes []string, status.capacity {},
    status.conditions [], status.allocatedResources {}, status.allocatedResourceStatuses {},
    status.currentVolumeAttributesClassName *string, status.modifyVolumeStatus *{}'),
('k8s_core_pvs', 'k8s_persistentvolumes', 'PersistentVolume', '
    spec.capacity {}, spec.persistentVolumeSource {}, spec.accessModes []string, spec.claimRef *{},
    spec.persistentVolumeReclaimPolicy string, spec.storageClassName string, spec.mountOptions []string,
    spec.volumeMode *string, spec.nodeAffinity *{}, spec.volumeAttributesClassName *string, status.phase string,
    status.message string, status.reason string, status.lastPhaseTransitionTime *Time'),
('k8s_core_replication_controllers', 'k8s_replicationcontrollers', 'ReplicationController', '
    spec.replicas *int, spec.minReadySeconds int, spec.selector {}, spec.template *PodTemplateSpec,
    status.replicas int, status.fullyLabeledReplicas int, status.readyReplicas int, status.availableReplicas int,
    status.observedGeneration int, status.conditions []'),
('k8s_core_resource_quotas', 'k8s_resourcequotas', 'ResourceQuota', '
    spec.hard {}, spec.scopes []string, spec.scopeSelector *{}, status.hard {}, status.used {}'),
('k8s_core_secrets', 'k8s_secrets', 'Secret', '
    immutable *bool, type string'),
('k8s_core_service_accounts', 'k8s_serviceaccounts', 'ServiceAccount', '
    secrets [], imagePullSecrets [], automountServiceAccountToken *bool'),
('k8s_core_services', 'k8s_services', 'Service', '
    spec.clusterIP IP, spec.clusterIPs []IP, spec.externalIPs []IP, spec.loadBalancerIP IP, spec.ports [],
    spec.selector {}, spec.type string, spec.sessionAffinity string, spec.loadBalancerSourceRanges []string,
    spec.externalName string, spec.externalTrafficPolicy string, spec.healthCheckNodePort int,
    spec.publishNotReadyAddresses bool, spec.sessionAffinityConfig *{}, spec.ipFamilies []string,
    spec.ipFamilyPolicy *string, spec.allocateLoadBalancerNodePorts *bool, spec.loadBalancerClass *string,
    spec.internalTrafficPolicy *string, status.loadBalancer {}, status.conditions []'),
('k8s_crds', 'k8s_custom_resources', 'CustomResourceDefinition', '
    spec.group string, spec.names CustomResourceDefinitionNames, spec.scope string, spec.versions [],
    spec.conversion *{}, spec.preserveUnknownFields bool, status.conditions [],
    status.acceptedNames CustomResourceDefinitionNames, status.storedVersions []string'),
('k8s_discovery_endpoint_slices', 'k8s_endpointslices', 'EndpointSlice', '
    addressType string, endpoints [], ports []'),
('k8s_networking_ingress_classes', 'k8s_ingressclasses', 'IngressClass', '
    spec.controller string, spec.parameters *{}'),
('k8s_networking_ingresses', 'k8s_ingresses', 'Ingress', '
    spec.ingressClassName *string, spec.defaultBackend *{}, spec.tls [], spec.rules [], status.loadBalancer {}'),
('k8s_networking_network_policies', 'k8s_networkpolicies', 'NetworkPolicy', '
    spec.podSelector {}, spec.ingress [], spec.egress [], spec.policyTypes []string'),
('k8s_nodes_runtime_classes', 'k8s_runtimeclasses', 'RuntimeClass', '
    handler string, overhead *{}, scheduling *{}'),
('k8s_policy_pod_disruption_budgets', 'k8s_poddisruptionbudgets', 'PodDisruptionBudget', '
    spec.minAvailable *{}, spec.selector *{}, spec.maxUnavailable *{}, spec.unhealthyPodEvictionPolicy *string,
    status.observedGeneration int, status.disruptedPods {}, status.disruptionsAllowed int,
    status.currentHealthy int, status.desiredHealthy int, status.expectedPods int, status.conditions []'),
('k8s_rbac_cluster_role_bindings', 'k8s_clusterrolebindings', 'ClusterRoleBinding', '
    subjects [], roleRef RoleRef'),
('k8s_rbac_cluster_roles', 'k8s_clusterroles', 'ClusterRole', '
    rules [], aggregationRule *{}'),
('k8s_rbac_role_bindings', 'k8s_rolebindings', 'RoleBinding', '
    subjects [], roleRef RoleRef'),
('k8s_rbac_roles', 'k8s_roles', 'Role', '
    rules []'),
('k8s_storage_csi_drivers', 'k8s_csidrivers', 'CSIDriver', '
    spec.attachRequired *bool, spec.podInfoOnMount *bool, spec.volumeLifecycleModes []string,
    spec.storageCapacity *bool, spec.fsGroupPolicy *string, spec.tokenRequests [], spec.requiresRepublish *bool,
    spec.seLinuxMount *bool'),
('k8s_storage_csi_nodes', 'k8s_csinodes', 'CSINode', '
    spec.drivers []'),
('k8s_storage_csi_storage_capacities', 'k8s_csistoragecapacities', 'CSIStorageCapacity', '
    nodeTopology *{}, storageClassName string, capacity *{}, maximumVolumeSize *{}'),
('k8s_storage_storage_classes', 'k8s_storageclasses', 'StorageClass', '
    provisioner string, parameters {}, reclaimPolicy *string, mountOptions []string, allowVolumeExpansion *bool,
    volumeBindingMode *string, allowedTopologies []'),
('k8s_storage_volume_attachments', 'k8s_volumeattachments', 'VolumeAttachment', '
    spec.attacher string, spec.source {}, spec.nodeName string, status.attached bool, status.attachmentMetadata {},
    status.attachError *{}, status.detachError *{}');

DO $do$
DECLARE
    old record;
    has text[];
    found regclass;
    columns text;
    names text[];
    kept text;
BEGIN
    FOR old IN SELECT * FROM pg_temp.k8s_old_tables LOOP
        CONTINUE WHEN to_regclass(old.of_table) IS NULL;
        has := array(SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(old.of_table) AND NOT attisdropped);
        found := to_regclass(format('%I.%I', current_schema(), old.view));
        IF (SELECT relkind <> 'v' FROM pg_class WHERE oid = found) THEN
            RAISE WARNING '% is still the table of the old plugin: once it is renamed or dropped, run this again', old.view;
            CONTINUE;
        END IF;

        WITH field AS (
            SELECT
                place,
                path,
                split_part(path, '.', 1) AS part,
                split_part(path, '.', 2) AS name,
                go,
                -- podIPs is pod_ips, targetCPUUtilizationPercentage target_cpu_utilization_percentage.
                lower(regexp_replace(
                    regexp_replace(replace(path, '.', '_'), '([a-z0-9])([A-Z])', '\1_\2', 'g'),
                    '([A-Z]+)([A-Z][a-z]{2,})', '\1_\2', 'g'
                )) AS column
            FROM (
                SELECT place, split_part(words, ' ', 1) AS path, split_part(words, ' ', 2) AS go
                FROM regexp_split_to_table(trim(BOTH E' \n' FROM old.fields), ',\s+') WITH ORDINALITY AS each (words, place)
            ) AS given
        ),

        expressed AS (
            SELECT
                field.place,
                field.column,
                field.go LIKE '%IP' AS is_first,  -- right after `context`
                format(
                    type.expression,
                    CASE
                        WHEN field.go LIKE '*%' OR type.zero IS NULL THEN format('nullif(%s, %L)', source.value, 'null')
                        ELSE format('coalesce(nullif(%s, %L), %L)', source.value, 'null', type.zero)
                    END
                ) AS expression
            FROM field
            INNER JOIN pg_temp.k8s_go_types AS type ON ltrim(field.go, '*') = type.go
            LEFT JOIN pg_temp.k8s_made_fields AS made ON old.view = made.view AND field.path = made.path
            CROSS JOIN LATERAL (
                SELECT
                    coalesce(
                        made.expression,
                        CASE
                            WHEN field.name = '' THEN format('data -> %L', field.part)
                            ELSE format('%I -> %L', field.part, field.name)
                        END
                    ) AS value
            ) AS source
        ),

        all_columns (place, name, expression) AS (
            SELECT * FROM (
                VALUES
                (-30, '_cq_sync_time', CASE
                    WHEN '_cq_sync_time' = ANY(has) THEN '_cq_sync_time::timestamp'
                    -- The DAG's rows are what the cluster had at this time.
                    ELSE format(
                        $$(
                            SELECT target.exact_as_of AT TIME ZONE 'UTC'
                            FROM k8s_sync_targets AS target
                            WHERE target.context_name = this.context_name AND target.kind = %L
                        )$$,
                        CASE old.of_table WHEN 'k8s_custom_resources' THEN 'crds' ELSE substr(old.of_table, 5) END
                    )
                END),
                (-29, '_cq_source_name', CASE
                    WHEN '_cq_source_name' = ANY(has) THEN '_cq_source_name'
                    ELSE $$'k8s_inventory'::text$$
                END),
                (-28, '_cq_id', CASE
                    WHEN '_cq_id' = ANY(has) THEN '_cq_id' ELSE $$md5(context_name || ' ' || uid)::uuid$$
                END),
                (-27, '_cq_parent_id', 'NULL::uuid'),
                (-26, 'context', 'context_name'),
                (-12, 'kind', format('%L::text', old.kind)),
                (-11, 'api_version', 'api_version'),
                (-10, 'name', 'name'),
                (-9, 'namespace', $$coalesce(namespace, '')$$),
                (-8, 'uid', 'uid'),
                (-7, 'resource_version', 'resource_version'),
                (-6, 'generation', 'coalesce(generation, 0)'),
                (-5, 'deletion_grace_period_seconds', CASE
                    WHEN 'deletion_grace_period_seconds' = ANY(has) THEN 'deletion_grace_period_seconds'
                    ELSE 'NULL::bigint'
                END),
                (-4, 'labels', 'labels'),
                (-3, 'annotations', 'annotations'),
                (-2, 'owner_references', 'owner_references'),
                (-1, 'finalizers', $$nullif(finalizers, '{}')$$)
            ) AS metadata
            UNION ALL
            SELECT CASE WHEN is_first THEN place - 25 ELSE place END, expressed.column, expression FROM expressed
        )

        SELECT string_agg(format('%s AS %I', expression, name), E',\n    ' ORDER BY place), array_agg(name)
        INTO columns, names
        FROM all_columns;

        -- What is set on a view that is made again. One whose columns are others now can not be replaced.
        SELECT string_agg(statement, '; ' ORDER BY step) INTO kept FROM (
            SELECT 1 AS step, format('COMMENT ON VIEW %s IS %L', found, obj_description(oid, 'pg_class')) AS statement
            FROM pg_class
            WHERE oid = found
            UNION ALL
            SELECT 2, format('ALTER VIEW %s SET (%s)', found, option)
            FROM pg_class CROSS JOIN unnest(reloptions) AS option
            WHERE oid = found
            UNION ALL
            SELECT 3, format(
                'GRANT %s%s ON %s TO %s%s',
                acl.privilege_type,
                given.of_column,
                found,
                CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END,
                CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
            )
            FROM (
                SELECT relacl, '' FROM pg_class WHERE oid = found
                UNION ALL
                SELECT attacl, format(' (%I)', attname) FROM pg_attribute WHERE attrelid = found AND attname = ANY(names)
            ) AS given (acl, of_column)
            CROSS JOIN aclexplode(given.acl) AS acl
            UNION ALL
            SELECT 4, format('ALTER VIEW %s OWNER TO %I', found, pg_get_userbyid(relowner)) FROM pg_class WHERE oid = found
        ) AS setting;
        columns := format(E'VIEW %I AS\nSELECT\n    %s\nFROM %I AS this', old.view, columns, old.of_table);
        BEGIN
            EXECUTE 'CREATE OR REPLACE ' || columns;
        EXCEPTION WHEN invalid_table_definition THEN
            EXECUTE format('DROP VIEW %s', found);
            EXECUTE 'CREATE ' || columns;
        END;
        EXECUTE coalesce(kept, '');
    END LOOP;
END
$do$;

COMMIT;
