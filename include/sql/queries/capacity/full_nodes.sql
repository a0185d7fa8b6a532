-- Which nodes are nearly full?
-- Hit: A node of whose cores, memory or places for pods 90 percent or more are asked for; `full_of` says which.
-- Do: Add nodes, or lower requests that are idle (capacity/idle_requests.sql).
-- Key: name
-- Source: Kubernetes documentation, Resource Management for Pods and Containers: how Pods with resource requests are
-- scheduled.
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
        full_node.context_name,
        NULL::text AS not_known,
        full_node.name,
        full_node.full_of,
        full_node.cpu_percent,
        full_node.memory_percent,
        full_node.pods_percent
    FROM (
        SELECT
            shares.*,
            array_remove(
                ARRAY[
                    CASE WHEN shares.cpu_percent >= 90 THEN 'cpu' END,
                    CASE WHEN shares.memory_percent >= 90 THEN 'memory' END,
                    CASE WHEN shares.pods_percent >= 90 THEN 'pods' END
                ],
                NULL
            ) AS full_of
        FROM (
            SELECT
                node.context_name,
                node.name,
                round(100 * used.cpu_requested / nullif(node.cpu_allocatable, 0), 1) AS cpu_percent,
                round(100 * used.memory_requested / nullif(node.memory_allocatable, 0), 1) AS memory_percent,
                round(100 * used.pods / nullif(node.pods_allocatable, 0), 1) AS pods_percent
            FROM k8s_nodes AS node
            INNER JOIN used ON node.context_name = used.context_name AND node.name = used.node_name
        ) AS shares
    ) AS full_node
    WHERE full_node.full_of <> '{}'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, name;
