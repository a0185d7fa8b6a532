-- How full is each node, by what its pods ask for?
-- Hit: A node, the fullest first: cores and bytes that its pods ask for, in percent of what it has for pods, and its
-- pods in percent of those it takes.
-- Do: Nodes that stay below half are candidates to be given back; above 90 percent the next rollout may not fit.
-- Key: name
-- Source: Kubernetes documentation, Resource Management for Pods and Containers: how Pods with resource requests are
-- scheduled: requests of pods that have not ended, against allocatable.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['nodes', 'pods'])
),

used AS (
    SELECT
        context_name,
        node_name,
        count(*) AS pods,
        coalesce(sum(cpu_request), 0) AS cpu_requested,
        coalesce(sum(memory_request), 0) AS memory_requested,
        coalesce(sum(memory_limit), 0) AS memory_limits
    FROM k8s_pods
    WHERE node_name <> '' AND coalesce(phase, '') NOT IN ('Succeeded', 'Failed')
    GROUP BY context_name, node_name
),

hit AS (
    SELECT
        node.context_name,
        NULL::text AS not_known,
        node.name,
        coalesce(used.pods, 0) AS pods,
        node.pods_allocatable,
        coalesce(used.cpu_requested, 0) AS cpu_requested,
        node.cpu_allocatable,
        round(100 * coalesce(used.cpu_requested, 0) / nullif(node.cpu_allocatable, 0), 1) AS cpu_percent,
        coalesce(used.memory_requested, 0) AS memory_requested,
        node.memory_allocatable,
        round(100 * coalesce(used.memory_requested, 0) / nullif(node.memory_allocatable, 0), 1) AS memory_percent
    FROM k8s_nodes AS node
    LEFT JOIN used ON node.context_name = used.context_name AND node.name = used.node_name
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, greatest(cpu_percent, memory_percent) DESC, context_name, name;
