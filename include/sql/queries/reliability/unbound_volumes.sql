-- Which volumes belong to nobody?
-- Hit: A PersistentVolume that is not bound: `Released` was kept after its claim went, `Failed` could not be cleaned,
-- `Available` waits for a claim. It still costs.
-- Do: Save what is on it, then delete it and, where it is kept (Retain), the disk behind it.
-- Key: name
-- Source: Kubernetes documentation, Persistent Volumes: Reclaiming.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['persistentvolumes'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        name,
        phase,
        reclaim_policy,
        storage_class_name,
        capacity,
        capacity_bytes,
        claim_namespace,
        claim_name
    FROM k8s_persistentvolumes
    WHERE coalesce(phase, '') NOT IN ('Bound', 'Pending')
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, capacity_bytes DESC NULLS LAST, context_name, name;
