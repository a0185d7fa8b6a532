-- Which workloads do some clusters have, and others lack?
-- Hit: A workload of a namespace that several clusters have, which is not in all of them: `has` and `lacks` are
-- contexts.
-- Do: Find out whether that is meant.
-- Key: kind, namespace, name
-- Source: Kubernetes documentation, Configuration Best Practices.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['namespaces', 'deployments', 'statefulsets', 'daemonsets'])
),

workload AS (
    SELECT
        context_name,
        'Deployment' AS kind,
        namespace,
        name
    FROM k8s_deployments
    UNION
    SELECT
        context_name,
        'StatefulSet' AS kind,
        namespace,
        name
    FROM k8s_statefulsets
    UNION
    SELECT
        context_name,
        'DaemonSet' AS kind,
        namespace,
        name
    FROM k8s_daemonsets
),

hit AS (
    SELECT
        NULL::text AS context_name,
        NULL::text AS not_known,
        named.kind,
        named.namespace,
        named.name,
        array_agg(namespace.context_name ORDER BY namespace.context_name) FILTER (WHERE workload.name IS NOT NULL) AS has,
        array_agg(namespace.context_name ORDER BY namespace.context_name) FILTER (WHERE workload.name IS NULL) AS lacks
    FROM (
        SELECT DISTINCT
            of_any.kind,
            of_any.namespace,
            of_any.name
        FROM workload AS of_any
    ) AS named
    INNER JOIN k8s_namespaces AS namespace ON named.namespace = namespace.name
    LEFT JOIN workload
        ON
            namespace.context_name = workload.context_name
            AND named.kind = workload.kind
            AND named.namespace = workload.namespace
            AND named.name = workload.name
    WHERE namespace.context_name NOT IN (SELECT unknown.context_name FROM unknown)
    GROUP BY named.kind, named.namespace, named.name
    HAVING count(*) FILTER (WHERE workload.name IS NULL) > 0 AND count(*) FILTER (WHERE workload.name IS NOT NULL) > 0
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, kind, namespace, name;
