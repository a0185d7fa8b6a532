-- Which quotas are nearly used up?
-- Hit: A resource of a ResourceQuota of which 90 percent or more are taken: what asks for more than the rest is
-- refused.
-- Do: Raise the quota, or find out what takes it: capacity/namespaces.sql.
-- Key: namespace, name, resource
-- Source: Kubernetes documentation, Resource Quotas.
-- Limits: A quota of zero forbids the resource, and is left out.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['resourcequotas'])
),

hit AS (
    SELECT
        quota.context_name,
        NULL::text AS not_known,
        quota.namespace,
        quota.name,
        bound.key AS resource,
        quota.used ->> bound.key AS used,
        quota.hard ->> bound.key AS hard,
        round(
            100 * k8s_to_numeric(quota.used_numbers -> bound.key) / nullif(k8s_to_numeric(bound.value), 0), 1
        ) AS percent
    FROM k8s_resourcequotas AS quota
    CROSS JOIN jsonb_each(CASE jsonb_typeof(quota.hard_numbers) WHEN 'object' THEN quota.hard_numbers ELSE '{}' END) AS bound
    WHERE
        k8s_to_numeric(bound.value) > 0
        AND k8s_to_numeric(quota.used_numbers -> bound.key) >= 0.9 * k8s_to_numeric(bound.value)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, percent DESC, context_name, namespace, name, resource;
