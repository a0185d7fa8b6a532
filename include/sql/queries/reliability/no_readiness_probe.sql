-- Which containers get requests before they can answer?
-- Hit: A container of a Deployment, StatefulSet or DaemonSet without a readiness probe, though a Service selects its
-- pods.
-- Do: Add a readiness probe.
-- Key: namespace, kind, name, containers
-- Source: Kubernetes documentation, Configure Liveness, Readiness and Startup Probes.
-- Limits: Of containers that declare no port it is not known whether requests go to them: they are left out.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['deployments', 'statefulsets', 'daemonsets', 'services'])
),

workload AS (
    SELECT
        context_name,
        'Deployment' AS kind,
        namespace,
        name,
        spec -> 'template' AS template
    FROM k8s_deployments
    UNION ALL
    SELECT
        context_name,
        'StatefulSet' AS kind,
        namespace,
        name,
        spec -> 'template' AS template
    FROM k8s_statefulsets
    UNION ALL
    SELECT
        context_name,
        'DaemonSet' AS kind,
        namespace,
        name,
        spec -> 'template' AS template
    FROM k8s_daemonsets
),

without AS (
    SELECT
        workload.context_name,
        workload.kind,
        workload.namespace,
        workload.name,
        workload.template #> '{metadata,labels}' AS labels,
        jsonb_path_query_array(
            workload.template, '$.spec.containers[*] ? (exists (@.ports[*]) && !exists (@.readinessProbe)).name'
        ) AS containers
    FROM workload
),

hit AS (
    SELECT
        without.context_name,
        NULL::text AS not_known,
        without.namespace,
        without.kind,
        without.name,
        without.containers
    FROM without
    WHERE
        without.containers <> '[]'
        AND EXISTS (
            SELECT 1
            FROM k8s_services AS service
            WHERE
                service.context_name = without.context_name
                AND service.namespace = without.namespace
                AND service.selector <> '{}'
                AND without.labels @> service.selector
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, kind, name;
