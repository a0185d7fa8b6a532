-- Which ClusterRoles give other rights in other clusters?
-- Hit: A ClusterRole of one name whose rules are not the same everywhere; `variants` counts them, `contexts` has one
-- context of each.
-- Do: Apply the one that is meant.
-- Key: name
-- Source: Kubernetes documentation, RBAC Good Practices: Periodic review.
-- Limits: Kubernetes' own default roles are left out: they differ by version.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['clusterroles'])
),

hit AS (
    SELECT
        NULL::text AS context_name,
        NULL::text AS not_known,
        variant.name,
        count(*) AS variants,
        array_agg(variant.context_name ORDER BY variant.context_name) AS contexts
    FROM (
        SELECT
            name,
            rules,
            min(context_name) AS context_name
        FROM k8s_clusterroles
        WHERE labels ->> 'kubernetes.io/bootstrapping' IS NULL
        GROUP BY name, rules
    ) AS variant
    GROUP BY variant.name
    HAVING count(*) > 1
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, name;
