-- Which claims does no pod mount?
-- Hit: A PersistentVolumeClaim that no pod mounts, nor a template of one; its volume costs all the same.
-- Do: Save what is on it, then delete it.
-- Key: namespace, name
-- Source: Kubernetes documentation, Persistent Volumes.
-- Limits: `stateful_set` is one that would take the claim again when it is scaled up. What has an owner goes with it,
-- and is left out.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['persistentvolumeclaims', 'pods', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'replicationcontrollers', 'jobs', 'cronjobs', 'podtemplates'])
),

used AS (
    SELECT
        pod.context_name,
        pod.namespace,
        found.value #>> '{}' AS name
    FROM k8s_pods AS pod
    CROSS JOIN LATERAL jsonb_path_query(pod.spec, '$.volumes[*].persistentVolumeClaim.claimName') AS found (value)
    UNION
    SELECT
        shape.context_name,
        shape.namespace,
        found.value #>> '{}' AS name
    FROM k8s_pod_shapes AS shape
    CROSS JOIN LATERAL jsonb_path_query(shape.spec, '$.volumes[*].persistentVolumeClaim.claimName') AS found (value)
    WHERE shape.kind <> 'Pod'
),

hit AS (
    SELECT
        claim.context_name,
        NULL::text AS not_known,
        claim.namespace,
        claim.name,
        claim.phase,
        claim.storage_class_name,
        claim.capacity_bytes,
        claim.created_at,
        -- A claim that a StatefulSet made for a pod that it may make again.
        (
            SELECT min(stateful_set.name)
            FROM k8s_statefulsets AS stateful_set
            CROSS JOIN
                LATERAL jsonb_path_query(
                    stateful_set.spec, '$.volumeClaimTemplates[*].metadata.name'
                ) AS template (value)
            WHERE
                stateful_set.context_name = claim.context_name
                AND stateful_set.namespace = claim.namespace
                AND starts_with(claim.name, concat(template.value #>> '{}', '-', stateful_set.name, '-'))
                AND substr(claim.name, length(concat(template.value #>> '{}', '-', stateful_set.name, '-')) + 1) ~ '^\d+$'
        ) AS stateful_set
    FROM k8s_persistentvolumeclaims AS claim
    LEFT JOIN used
        ON
            claim.context_name = used.context_name
            AND claim.namespace = used.namespace
            AND claim.name = used.name
    WHERE
        used.name IS NULL
        AND claim.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND claim.owner_references = '[]'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, capacity_bytes DESC NULLS LAST, context_name, namespace, name;
