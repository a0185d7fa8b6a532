-- Which claims have no volume?
-- Hit: A PersistentVolumeClaim that is not bound; `Lost` has lost its volume. `waits_for_pod`: its class makes volumes
-- for pods alone, and waits for one.
-- Do: Check its class and size, and the events of the provisioner.
-- Key: namespace, name
-- Source: Kubernetes documentation, Persistent Volumes: Binding.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['persistentvolumeclaims', 'storageclasses'])
),

hit AS (
    SELECT
        claim.context_name,
        NULL::text AS not_known,
        claim.namespace,
        claim.name,
        claim.phase,
        claim.storage_class_name,
        claim.requested,
        coalesce(class.volume_binding_mode = 'WaitForFirstConsumer', FALSE) AS waits_for_pod,
        claim.created_at
    FROM k8s_persistentvolumeclaims AS claim
    LEFT JOIN k8s_storageclasses AS class
        ON claim.context_name = class.context_name AND claim.storage_class_name = class.name
    WHERE coalesce(claim.phase, '') <> 'Bound'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
