-- Which network policies select no pod?
-- Hit: A policy that rules nothing now: its selector may be wrong.
-- Do: Compare its selector with the labels of the pods that it is meant for.
-- Key: namespace, name
-- Source: Kubernetes documentation, Network Policies.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['networkpolicies', 'pods'])
),

hit AS (
    SELECT
        policy.context_name,
        NULL::text AS not_known,
        policy.namespace,
        policy.name,
        policy.pod_selector
    FROM k8s_networkpolicies AS policy
    WHERE
        policy.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_pods AS pod
            WHERE
                pod.context_name = policy.context_name
                AND pod.namespace = policy.namespace
                AND k8s_selects(policy.pod_selector, pod.labels)
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
