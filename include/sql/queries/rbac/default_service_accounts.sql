-- Which default service accounts have rights?
-- Hit: A service account `default` with a rule of its own, or of the group of all service accounts (of its namespace):
-- pods that name no account have these rights.
-- Do: Make a service account for the workload that needs them, and bind that.
-- Key: namespace, as_kind, as_name, in_namespace, verbs, resources, role_kind, role_name, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 5.1.5; NSA/CISA Kubernetes Hardening Guide 1.2, Protecting Pod service account
-- tokens.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['serviceaccounts', 'roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'])
),

hit AS (
    SELECT DISTINCT
        account.context_name,
        NULL::text AS not_known,
        account.namespace,
        granted.subject_kind AS as_kind,
        granted.subject_name AS as_name,
        granted.namespace AS in_namespace,
        granted.rule -> 'verbs' AS verbs,
        granted.rule -> 'resources' AS resources,
        granted.role_kind,
        granted.role_name,
        granted.binding_name
    FROM k8s_serviceaccounts AS account
    INNER JOIN k8s_grants AS granted
        ON
            account.context_name = granted.context_name
            AND (
                granted.subject_kind = 'ServiceAccount'
                AND account.name = granted.subject_name
                AND account.namespace = granted.subject_namespace
                OR granted.subject_kind = 'User'
                AND granted.subject_name = concat('system:serviceaccount:', account.namespace, ':', account.name)
                OR granted.subject_kind = 'Group'
                AND granted.subject_name IN (
                    'system:serviceaccounts', concat('system:serviceaccounts:', account.namespace)
                )
            )
    WHERE account.name = 'default' AND granted.role_name <> 'system:service-account-issuer-discovery'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, role_name, binding_name, resources;
