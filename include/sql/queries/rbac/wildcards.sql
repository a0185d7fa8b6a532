-- Whose roles have wildcards?
-- Hit: A subject whose rule has `*` for verbs, resources, API groups or paths: it covers what will come, too. A null
-- `namespace`: everywhere; null `names`: every object there.
-- Do: Name the verbs and resources.
-- Key: subject_kind, subject_namespace, subject_name, namespace, verbs, resources, names, role_kind, role_name,
-- binding_kind, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 5.1.3; NSA/CISA Kubernetes Hardening Guide 1.2, Authentication and
-- authorization.
-- Limits: Left out are system:masters, the control plane's own users and service accounts of kube-system. Who is in a
-- group is not in the API: what a group may do, all its members may. Other authorizers than RBAC are not asked.
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
        rule -> 'verbs' AS verbs,
        rule -> 'resources' AS resources,
        rule -> 'resourceNames' AS names,
        role_kind,
        role_name,
        binding_kind,
        binding_name
    FROM k8s_grants
    WHERE
        (rule -> 'verbs' ? '*' OR rule -> 'resources' ? '*' OR rule -> 'apiGroups' ? '*' OR rule -> 'nonResourceURLs' ? '*')
        AND NOT (coalesce(subject_kind = 'Group' AND subject_name = 'system:masters', FALSE))
        AND coalesce(subject_name, '') NOT LIKE 'system:kube-%'
        AND coalesce(subject_namespace, '') <> 'kube-system'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_kind, subject_namespace, subject_name, namespace, role_name, binding_name;
