-- Which workloads have a single pod?
-- Hit: A Deployment or StatefulSet of one replica: it is away while its node is drained. `has_budget`: a budget covers
-- it, which then blocks the drain or does not help.
-- Do: Run two, and give them a budget; or accept it.
-- Key: namespace, kind, name
-- Source: Kubernetes documentation, Disruptions: Pod disruption budgets.
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
        exists(
            SELECT 1
            FROM k8s_poddisruptionbudgets AS budget
            WHERE
                budget.context_name = workload.context_name
                AND budget.namespace = workload.namespace
                AND k8s_selects(budget.selector, workload.labels)
        ) AS has_budget
    FROM workload
    WHERE workload.replicas = 1
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, kind, name;
