-- Which ReplicaSets are left over?
-- Hit: A ReplicaSet that wants no pods and that no Deployment controls, or that is beyond its Deployment's
-- `revisionHistoryLimit`.
-- Do: Delete it.
-- Key: namespace, name
-- Source: Kubernetes documentation, Deployments: Clean up Policy.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['replicasets', 'deployments'])
),

ranked AS (
    SELECT
        replica_set.context_name,
        replica_set.namespace,
        replica_set.name,
        replica_set.created_at,
        deployment.name AS deployment,
        deployment.revision_history_limit,
        row_number() OVER (
            PARTITION BY deployment.context_name, deployment.uid
            ORDER BY substring(replica_set.annotations ->> 'deployment.kubernetes.io/revision' FROM '^\d{1,18}$')::bigint DESC
        ) AS place
    FROM k8s_replicasets AS replica_set
    LEFT JOIN k8s_deployments AS deployment
        ON
            replica_set.context_name = deployment.context_name
            AND k8s_owner(replica_set.owner_references) ->> 'uid' = deployment.uid
    WHERE replica_set.replicas = 0 AND replica_set.current_replicas = 0
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        deployment,
        created_at
    FROM ranked
    WHERE
        context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND (deployment IS NULL OR place > revision_history_limit)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
