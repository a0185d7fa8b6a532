-- Which roles does nobody have?
-- Hit: A Role or ClusterRole that no binding names, and that is not collected into another.
-- Do: Delete it.
-- Key: kind, namespace, name
-- Source: Kubernetes documentation, RBAC Good Practices: Periodic review.
-- Limits: Kubernetes' own default roles are left out.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'])
),

bound AS (
    SELECT
        context_name,
        namespace,
        role_kind,
        role_name
    FROM k8s_rolebindings
    UNION ALL
    SELECT
        context_name,
        NULL AS namespace,
        role_kind,
        role_name
    FROM k8s_clusterrolebindings
),

role AS (
    SELECT
        context_name,
        'Role' AS kind,
        namespace,
        name,
        labels,
        created_at
    FROM k8s_roles
    UNION ALL
    SELECT
        context_name,
        'ClusterRole' AS kind,
        NULL AS namespace,
        name,
        labels,
        created_at
    FROM k8s_clusterroles
),

hit AS (
    SELECT
        role.context_name,
        NULL::text AS not_known,
        role.kind,
        role.namespace,
        role.name,
        role.created_at
    FROM role
    WHERE
        role.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND role.labels ->> 'kubernetes.io/bootstrapping' IS NULL
        AND NOT EXISTS (
            SELECT 1
            FROM bound
            WHERE
                bound.context_name = role.context_name
                AND bound.role_kind = role.kind
                AND bound.role_name = role.name
                AND (role.kind = 'ClusterRole' OR bound.namespace = role.namespace)
        )
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_clusterroles AS collecting
            CROSS JOIN
                LATERAL jsonb_path_query(
                    collecting.aggregation_rule, '$.clusterRoleSelectors[*]'
                ) AS selector (value)
            WHERE
                role.kind = 'ClusterRole'
                AND collecting.context_name = role.context_name
                AND k8s_selects(selector.value, role.labels)
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, kind, namespace, name;
