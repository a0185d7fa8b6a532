-- Which bindings name a service account that is not there?
-- Hit: A right that waits for somebody to make a service account of that name.
-- Do: Take the subject out of the binding, or delete that.
-- Key: binding_kind, namespace, name, role_name, account
-- Source: Kubernetes documentation, RBAC Good Practices: Periodic review.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['rolebindings', 'clusterrolebindings', 'serviceaccounts'])
),

binding AS (
    SELECT
        context_name,
        'RoleBinding' AS binding_kind,
        namespace,
        name,
        role_name,
        service_accounts
    FROM k8s_rolebindings
    UNION ALL
    SELECT
        context_name,
        'ClusterRoleBinding' AS binding_kind,
        NULL AS namespace,
        name,
        role_name,
        service_accounts
    FROM k8s_clusterrolebindings
),

hit AS (
    SELECT
        binding.context_name,
        NULL::text AS not_known,
        binding.binding_kind,
        binding.namespace,
        binding.name,
        binding.role_name,
        named.account
    FROM binding
    CROSS JOIN unnest(binding.service_accounts) AS named (account)
    LEFT JOIN k8s_serviceaccounts AS account
        ON
            binding.context_name = account.context_name
            AND account.namespace = coalesce(nullif(split_part(named.account, '/', 1), ''), binding.namespace)
            AND account.name = split_part(named.account, '/', 2)
    WHERE
        account.uid IS NULL
        -- Kubernetes brings bindings for its own controllers, whichever of them run.
        AND coalesce(binding.role_name, '') NOT LIKE 'system:%'
        AND coalesce(binding.name, '') NOT LIKE 'system:%'
        AND binding.context_name NOT IN (SELECT unknown.context_name FROM unknown)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, binding_kind, namespace, name, account;
