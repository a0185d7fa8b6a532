-- Which pods does no network policy isolate?
-- Hit: Pods of one owner that no policy selects for `direction`: Ingress, that everybody may talk to them, or Egress,
-- that they may talk to everybody. Pods in their node's network are never isolated.
-- Do: Add a policy that selects them, with that direction in its `policyTypes`.
-- Key: namespace, owner_kind, owner, direction
-- Source: Kubernetes documentation, Network Policies: the two sorts of pod isolation; NSA/CISA Kubernetes Hardening
-- Guide 1.2, Network policies.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'networkpolicies'])
),

policy AS MATERIALIZED (
    SELECT
        context_name,
        namespace,
        pod_selector,
        -- The API server fills policyTypes in; where it has not, egress counts if there are rules for it.
        CASE
            WHEN cardinality(policy_types) > 0 THEN policy_types
            WHEN egress <> '[]' THEN ARRAY['Ingress', 'Egress']
            ELSE ARRAY['Ingress']
        END AS directions
    FROM k8s_networkpolicies
),

pods AS (
    SELECT
        pod.context_name,
        pod.namespace,
        pod.owner_kind,
        pod.owner,
        pod.labels,
        count(*) AS pods
    FROM k8s_live_pods AS pod
    WHERE pod.host_network IS NOT TRUE
    GROUP BY pod.context_name, pod.namespace, owner_kind, owner, pod.labels
),

hit AS (
    SELECT
        pods.context_name,
        NULL::text AS not_known,
        pods.namespace,
        pods.owner_kind,
        pods.owner,
        direction.name AS direction,
        sum(pods.pods) AS pods
    FROM pods
    CROSS JOIN (VALUES ('Ingress'), ('Egress')) AS direction (name)
    WHERE
        pods.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND NOT EXISTS (
            SELECT 1
            FROM policy
            WHERE
                policy.context_name = pods.context_name
                AND policy.namespace = pods.namespace
                AND direction.name = any(policy.directions)
                AND k8s_selects(policy.pod_selector, pods.labels)
        )
    GROUP BY pods.context_name, pods.namespace, pods.owner_kind, pods.owner, direction.name
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner, direction;
