-- What does each team take, in all clusters?
-- Hit: A team by the label that `asked.label` names, of the pod or else of its namespace; null: neither has one.
-- Do: Label what has no team; the rest is a bill.
-- Key: team
-- Source: Kubernetes documentation, Recommended Labels.
WITH asked AS (
    SELECT 'team' AS label
),

unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'namespaces', 'nodes'])
),

total AS (
    SELECT
        context_name,
        sum(cpu_allocatable) AS cpu,
        sum(memory_allocatable) AS memory
    FROM k8s_nodes
    GROUP BY context_name
),

hit AS (
    SELECT
        pod.context_name,
        NULL::text AS not_known,
        coalesce(pod.labels ->> asked.label, namespace.labels ->> asked.label) AS team,
        count(*) AS pods,
        coalesce(sum(pod.cpu_request), 0) AS cpu_requested,
        round(100 * coalesce(sum(pod.cpu_request), 0) / nullif(total.cpu, 0), 1) AS cpu_percent,
        coalesce(sum(pod.memory_request), 0) AS memory_requested,
        round(100 * coalesce(sum(pod.memory_request), 0) / nullif(total.memory, 0), 1) AS memory_percent
    FROM asked
    CROSS JOIN k8s_pods AS pod
    LEFT JOIN k8s_namespaces AS namespace
        ON pod.context_name = namespace.context_name AND pod.namespace = namespace.name
    LEFT JOIN total ON pod.context_name = total.context_name
    WHERE coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
    GROUP BY pod.context_name, team, total.cpu, total.memory
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, cpu_requested DESC, team;
