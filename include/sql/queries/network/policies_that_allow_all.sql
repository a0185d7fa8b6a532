-- Which network policies allow everything?
-- Hit: A policy with a rule without peers, or for all addresses, in `direction`: for the pods that it selects no other
-- policy of that direction has an effect any more, but for the ports that the rule names.
-- Do: Name the peers.
-- Key: namespace, name, direction
-- Source: Kubernetes documentation, Network Policies: Allow all ingress traffic; NSA/CISA Kubernetes Hardening Guide
-- 1.2, Network policies.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['networkpolicies'])
),

hit AS (
    SELECT
        policy.context_name,
        NULL::text AS not_known,
        policy.namespace,
        policy.name,
        policy.pod_selector,
        rule.direction,
        rule.ports
    FROM k8s_networkpolicies AS policy
    CROSS JOIN LATERAL (
        SELECT
            'Ingress' AS direction,
            each.rule -> 'ports' AS ports
        FROM
            jsonb_path_query(
                policy.ingress,
                '$[*] ? (@.type() == "object" && (
                !exists (@.from[*])
                || exists (@.from[*].ipBlock ? ((@.cidr == "0.0.0.0/0" || @.cidr == "::/0") && !exists (@.except[*])))
            ))'
            ) AS each (rule)
        WHERE 'Ingress' = any(policy.policy_types) OR policy.policy_types = '{}'
        UNION ALL
        SELECT
            'Egress' AS direction,
            each.rule -> 'ports' AS ports
        FROM
            jsonb_path_query(
                policy.egress,
                '$[*] ? (@.type() == "object" && (
                !exists (@.to[*])
                || exists (@.to[*].ipBlock ? ((@.cidr == "0.0.0.0/0" || @.cidr == "::/0") && !exists (@.except[*])))
            ))'
            ) AS each (rule)
        WHERE 'Egress' = any(policy.policy_types) OR policy.policy_types = '{}'
    ) AS rule
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name, direction;
