-- Which deployments are not fully rolled out?
-- Hit: A Deployment that lacks pods, has old ones, or whose last change its controller has not seen.
-- Do: `kubectl rollout status`, and the events of its newest ReplicaSet.
-- Key: namespace, name
-- Source: Kubernetes documentation, Deployments: Deployment status.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['deployments'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        replicas,
        updated_replicas,
        ready_replicas,
        available_replicas
    FROM k8s_deployments
    WHERE
        available_replicas < replicas
        OR updated_replicas < replicas
        OR observed_generation < generation
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
