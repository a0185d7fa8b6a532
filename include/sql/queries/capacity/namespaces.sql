-- What does each namespace take of its cluster?
-- Hit: A namespace with pods: what they ask for, in percent of what all nodes have for pods. Pods that have no node yet
-- are in it.
-- Do: Multiply the percentage by what the cluster costs.
-- Key: namespace
-- Source: Kubernetes documentation, Resource Management for Pods and Containers: how Pods with resource requests are
-- scheduled.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'nodes'])
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
        pod.namespace,
        count(*) AS pods,
        coalesce(sum(pod.cpu_request), 0) AS cpu_requested,
        round(100 * coalesce(sum(pod.cpu_request), 0) / nullif(total.cpu, 0), 1) AS cpu_percent,
        coalesce(sum(pod.memory_request), 0) AS memory_requested,
        round(100 * coalesce(sum(pod.memory_request), 0) / nullif(total.memory, 0), 1) AS memory_percent
    FROM k8s_pods AS pod
    LEFT JOIN total ON pod.context_name = total.context_name
    WHERE coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
    GROUP BY pod.context_name, pod.namespace, total.cpu, total.memory
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, greatest(cpu_percent, memory_percent) DESC NULLS LAST, context_name, namespace;
