-- Which objects do not go away?
-- Hit: An object of any kind whose deletion was due ten minutes ago; `finalizers` are what it waits for, of a pod
-- without any its node.
-- Do: Mend the controller that the finalizer belongs to; taking a finalizer away by hand leaves behind what it would
-- have cleaned up.
-- Key: kind, group, namespace, name
-- Source: Kubernetes documentation, Finalizers.
-- Limits: Kinds that are not known beside pods, namespaces, claims, volumes and custom ones are not named.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'namespaces', 'persistentvolumeclaims', 'persistentvolumes', 'custom'])
),

hit AS (
    SELECT
        object.context_name,
        NULL::text AS not_known,
        object.kind,
        object."group",
        object.namespace,
        object.name,
        object.deletion_requested_at,
        object.finalizers
    FROM k8s_objects AS object
    WHERE object.deletion_requested_at < now() - interval '10 minutes'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, deletion_requested_at, context_name, kind, namespace, name;
