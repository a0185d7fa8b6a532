-- Which pods find no node?
-- Hit: A pod that the scheduler has tried and not placed; `message` says why, node by node.
-- Do: Add nodes (capacity/full_nodes.sql), or correct requests, selectors, taints and claims.
-- Key: namespace, name
-- Source: Kubernetes documentation, Pod Lifecycle: condition PodScheduled.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        pod.context_name,
        NULL::text AS not_known,
        pod.namespace,
        pod.name,
        pod.cpu_request,
        pod.memory_request,
        condition.value ->> 'message' AS message,
        pod.created_at
    FROM k8s_pods AS pod
    CROSS JOIN
        LATERAL jsonb_path_query(
            pod.status, '$.conditions[*] ? (@.type == "PodScheduled" && @.status == "False" && @.reason == "Unschedulable")'
        ) AS condition (value)
    WHERE coalesce(pod.node_name, '') = '' AND coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
