-- Which namespaces with pods have no network policy?
-- Hit: A namespace whose pods everybody may talk to, and who may talk to everybody.
-- Do: Begin with a policy that selects all pods and allows nothing, then allow what is meant.
-- Key: namespace
-- Source: CIS Kubernetes Benchmark 1.9 5.3.2; NSA/CISA Kubernetes Hardening Guide 1.2, Network separation and
-- hardening: Network policies.
-- Limits: Policies of a network plugin's own kinds (Calico, Cilium, AdminNetworkPolicy) are not looked at; and without
-- a plugin that knows them, policies do nothing.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['namespaces', 'pods', 'networkpolicies'])
),

counted AS (
    SELECT
        context_name,
        namespace,
        count(*) AS pods
    FROM k8s_pods
    WHERE coalesce(phase, '') NOT IN ('Succeeded', 'Failed')
    GROUP BY context_name, namespace
),

hit AS (
    SELECT
        namespace.context_name,
        NULL::text AS not_known,
        namespace.name AS namespace,
        counted.pods
    FROM k8s_namespaces AS namespace
    INNER JOIN counted
        ON namespace.context_name = counted.context_name AND namespace.name = counted.namespace
    WHERE
        namespace.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_networkpolicies AS policy
            WHERE policy.context_name = namespace.context_name AND policy.namespace = namespace.name
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, pods DESC NULLS LAST, context_name, namespace;
