-- Which workloads of several pods have no disruption budget?
-- Hit: A Deployment or StatefulSet of two replicas or more that no PodDisruptionBudget covers: a drain may take all at
-- once.
-- Do: Give it a budget with `maxUnavailable: 1`.
-- Key: namespace, kind, name
-- Source: Kubernetes documentation, Specifying a Disruption Budget for your Application.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['deployments', 'statefulsets', 'poddisruptionbudgets'])
),

workload AS (
    SELECT
        context_name,
        'Deployment' AS kind,
        namespace,
        name,
        replicas,
        spec #> '{template,metadata,labels}' AS labels
    FROM k8s_deployments
    UNION ALL
    SELECT
        context_name,
        'StatefulSet' AS kind,
        namespace,
        name,
        replicas,
        spec #> '{template,metadata,labels}' AS labels
    FROM k8s_statefulsets
),

hit AS (
    SELECT
        workload.context_name,
        NULL::text AS not_known,
        workload.namespace,
        workload.kind,
        workload.name,
        workload.replicas
    FROM workload
    WHERE
        workload.replicas > 1
        AND workload.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_poddisruptionbudgets AS budget
            WHERE
                budget.context_name = workload.context_name
                AND budget.namespace = workload.namespace
                AND k8s_selects(budget.selector, workload.labels)
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, kind, name;
