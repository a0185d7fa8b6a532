-- Which namespaces enforce no Pod Security Standard?
-- Hit: A namespace with pods that is not labelled to enforce `baseline` or `restricted`: it takes privileged pods,
-- unless a webhook or a default of the API server refuses them. `warns` and `audits` are levels that are only told of.
-- Do: Look into security/pss_baseline.sql, then label it `pod-security.kubernetes.io/enforce`.
-- Key: namespace
-- Source: Kubernetes documentation, Enforce Pod Security Standards with Namespace Labels; CIS Kubernetes Benchmark 1.9
-- 5.2.1; NSA/CISA Kubernetes Hardening Guide 1.2, Pod Security enforcement.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['namespaces', 'pods'])
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
        namespace.labels ->> 'pod-security.kubernetes.io/enforce' AS enforces,
        namespace.labels ->> 'pod-security.kubernetes.io/warn' AS warns,
        namespace.labels ->> 'pod-security.kubernetes.io/audit' AS audits,
        counted.pods
    FROM k8s_namespaces AS namespace
    INNER JOIN counted
        ON namespace.context_name = counted.context_name AND namespace.name = counted.namespace
    WHERE
        coalesce(namespace.labels ->> 'pod-security.kubernetes.io/enforce', '') NOT IN ('baseline', 'restricted')
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace;
