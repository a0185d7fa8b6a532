-- Which workloads run other images in other clusters?
-- Hit: A Deployment, StatefulSet or DaemonSet that several clusters have by the same namespace and name, with different
-- images; `found` says which context has which.
-- Do: Roll out the one that is meant.
-- Key: kind, namespace, name
-- Source: Kubernetes documentation, Configuration Best Practices.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['deployments', 'statefulsets', 'daemonsets'])
),

workload AS (
    SELECT
        context_name,
        'Deployment' AS kind,
        namespace,
        name,
        images
    FROM k8s_deployments
    UNION ALL
    SELECT
        context_name,
        'StatefulSet' AS kind,
        namespace,
        name,
        images
    FROM k8s_statefulsets
    UNION ALL
    SELECT
        context_name,
        'DaemonSet' AS kind,
        namespace,
        name,
        images
    FROM k8s_daemonsets
),

hit AS (
    SELECT
        NULL::text AS context_name,
        NULL::text AS not_known,
        workload.kind,
        workload.namespace,
        workload.name,
        count(DISTINCT workload.images) AS variants,
        jsonb_object_agg(workload.context_name, to_jsonb(workload.images)) AS found
    FROM workload
    GROUP BY workload.kind, workload.namespace, workload.name
    HAVING count(DISTINCT workload.images) > 1
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, kind, namespace, name;
