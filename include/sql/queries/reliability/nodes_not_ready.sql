-- Which nodes are in trouble?
-- Hit: A node that is not ready, or has another condition that is bad; `conditions` names them.
-- Do: Look at the node: kubelet, runtime, disk, network.
-- Key: name
-- Source: Kubernetes documentation, Node Status: Conditions.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['nodes'])
),

found AS (
    SELECT
        context_name,
        name,
        display_status,
        created_at,
        jsonb_path_query_array(
            status,
            '$.conditions[*] ? (
                @.type == "Ready" && @.status != "True"
                || (@.type == "MemoryPressure" || @.type == "DiskPressure" || @.type == "PIDPressure"
                    || @.type == "NetworkUnavailable") && @.status != "False"
            ).type'
        ) AS conditions
    FROM k8s_nodes
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        name,
        display_status,
        conditions
    FROM found
    WHERE conditions <> '[]' OR display_status LIKE 'NotReady%' OR display_status LIKE 'Unknown%'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, name;
