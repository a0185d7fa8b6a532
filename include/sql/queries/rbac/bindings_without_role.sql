-- Which bindings name a role that is not there?
-- Hit: A binding that grants nothing now, and will grant whatever somebody puts into a role of that name.
-- Do: Delete the binding, or make the role.
-- Key: binding_kind, namespace, name, role_kind, role_name
-- Source: Kubernetes documentation, Using RBAC Authorization: a binding may be made before its role.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'])
),

binding AS (
    SELECT
        context_name,
        'RoleBinding' AS binding_kind,
        namespace,
        name,
        role_kind,
        role_name
    FROM k8s_rolebindings
    UNION ALL
    SELECT
        context_name,
        'ClusterRoleBinding' AS binding_kind,
        NULL AS namespace,
        name,
        role_kind,
        role_name
    FROM k8s_clusterrolebindings
),

hit AS (
    SELECT
        binding.context_name,
        NULL::text AS not_known,
        binding.binding_kind,
        binding.namespace,
        binding.name,
        binding.role_kind,
        binding.role_name
    FROM binding
    LEFT JOIN k8s_roles AS role
        ON
            binding.role_kind = 'Role'
            AND binding.context_name = role.context_name
            AND binding.namespace = role.namespace
            AND binding.role_name = role.name
    LEFT JOIN k8s_clusterroles AS cluster_role
        ON
            binding.role_kind = 'ClusterRole'
            AND binding.context_name = cluster_role.context_name
            AND binding.role_name = cluster_role.name
    WHERE
        role.uid IS NULL
        AND cluster_role.uid IS NULL
        AND binding.context_name NOT IN (SELECT unknown.context_name FROM unknown)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, binding_kind, namespace, name;
