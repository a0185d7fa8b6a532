-- Who may do everything?
-- Hit: A subject with every verb on every resource of every group: cluster-wide where `namespace` is null.
-- Do: Give it the rights that it uses; keep system:masters for emergencies.
-- Key: subject_kind, subject_namespace, subject_name, namespace, role_kind, role_name, binding_kind, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 5.1.1, 5.1.7; NSA/CISA Kubernetes Hardening Guide 1.2, Authentication and
-- authorization.
-- Limits: The group system:masters may do everything without any role. Who is in a group is not in the API: what a
-- group may do, all its members may. Other authorizers than RBAC are not asked.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'])
),

hit AS (
    SELECT DISTINCT
        context_name,
        NULL::text AS not_known,
        subject_kind,
        subject_namespace,
        subject_name,
        namespace,
        role_kind,
        role_name,
        binding_kind,
        binding_name
    FROM k8s_grants
    WHERE
        rule -> 'verbs' ? '*'
        AND rule -> 'resources' ? '*'
        AND rule -> 'apiGroups' ? '*'
        AND coalesce(rule -> 'resourceNames', '[]') IN ('[]', 'null')
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_kind, subject_namespace, subject_name, namespace, binding_name;
