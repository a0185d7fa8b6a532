-- Which namespaces may take all of their cluster?
-- Hit: A namespace with pods, and neither a ResourceQuota nor a LimitRange.
-- Do: Give it a ResourceQuota, and a LimitRange with defaults.
-- Key: namespace
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Resource policies.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['namespaces', 'pods', 'resourcequotas', 'limitranges'])
),

counted AS (
    SELECT
        context_name,
        namespace,
        count(*) AS pods
    FROM k8s_pods
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
        namespace.name NOT IN ('kube-system', 'kube-public', 'kube-node-lease')
        AND namespace.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_resourcequotas AS quota
            WHERE quota.context_name = namespace.context_name AND quota.namespace = namespace.name
        )
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_limitranges AS limit_range
            WHERE limit_range.context_name = namespace.context_name AND limit_range.namespace = namespace.name
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, pods DESC NULLS LAST, context_name, namespace;
