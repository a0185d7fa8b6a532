-- On which nodes may pods use more memory than there is?
-- Hit: A node whose pods' memory limits are together more than it has for pods: when they use them, the kernel kills.
-- Do: Set requests closer to limits, or spread the pods.
-- Key: name
-- Source: Kubernetes documentation, Node-pressure Eviction; Resource Management for Pods and Containers.
-- Limits: Containers without a limit may use any amount, and are not in the sum.
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
        used.memory_limits,
        node.memory_allocatable,
        round(100 * used.memory_limits / nullif(node.memory_allocatable, 0), 1) AS percent
    FROM k8s_nodes AS node
    INNER JOIN used ON node.context_name = used.context_name AND node.name = used.node_name
    WHERE used.memory_limits > node.memory_allocatable
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, percent DESC NULLS LAST, context_name, name;
