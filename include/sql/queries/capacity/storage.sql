-- How much storage does each namespace have, by class?
-- Hit: Claims of a namespace and class: the bytes that they ask for, and those of the volumes that they got.
-- Do: Multiply it by what the class costs; orphans/claims.sql has those that nothing mounts.
-- Key: namespace, storage_class_name
-- Source: Kubernetes documentation, Persistent Volumes.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['persistentvolumeclaims'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        storage_class_name,
        count(*) AS claims,
        sum(requested_bytes) AS requested_bytes,
        sum(capacity_bytes) AS capacity_bytes
    FROM k8s_persistentvolumeclaims
    GROUP BY context_name, namespace, storage_class_name
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, capacity_bytes DESC NULLS LAST, context_name, namespace, storage_class_name;
