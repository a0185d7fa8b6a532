-- What may everybody do, known or not?
-- Hit: A rule for system:anonymous, system:unauthenticated or system:authenticated that Kubernetes does not bring
-- itself: whoever reaches the API server has it, of the last one whoever has any credential (of a managed cluster that
-- may be any account of the cloud).
-- Do: Take the binding away.
-- Key: subject_kind, subject_name, namespace, rule, role_kind, role_name, binding_kind, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 1.2.1; NSA/CISA Kubernetes Hardening Guide 1.2, Authentication and
-- authorization; Kubernetes documentation, RBAC Good Practices.
-- Limits: It goes by the names of the four default bindings: what was added to their roles is not seen here.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'])
),

hit AS (
    SELECT DISTINCT
        context_name,
        NULL::text AS not_known,
        subject_kind,
        subject_name,
        namespace,
        rule,
        role_kind,
        role_name,
        binding_kind,
        binding_name
    FROM k8s_grants
    WHERE
        subject_name IN ('system:anonymous', 'system:unauthenticated', 'system:authenticated')
        AND subject_kind IN ('User', 'Group')
        AND NOT (
            binding_kind = 'ClusterRoleBinding'
            AND role_name = binding_name
            AND binding_name IN (
                'system:basic-user', 'system:discovery', 'system:public-info-viewer', 'system:service-account-issuer-discovery'
            )
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_name, namespace, binding_name, rule;
