-- Who may get into running pods?
-- Hit: A subject that may run commands in pods there (exec, attach, ephemeral containers) or forward their ports. A
-- null `namespace`: everywhere; null `names`: every object there.
-- Do: Take the binding away, or narrow the role to what the subject does.
-- Key: subject_kind, subject_namespace, subject_name, namespace, verbs, resources, names, role_kind, role_name,
-- binding_kind, binding_name
-- Source: Kubernetes documentation, RBAC Good Practices; NSA/CISA Kubernetes Hardening Guide 1.2, Authentication and
-- authorization.
-- Limits: Who is in a group is not in the API: what a group may do, all its members may. Other authorizers than RBAC
-- are not asked.
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
        (
            k8s_rule_allows(rule, 'create', '', 'pods/exec')
            OR k8s_rule_allows(rule, 'get', '', 'pods/exec')
            OR k8s_rule_allows(rule, 'create', '', 'pods/attach')
            OR k8s_rule_allows(rule, 'get', '', 'pods/attach')
            OR k8s_rule_allows(rule, 'create', '', 'pods/portforward')
            OR k8s_rule_allows(rule, 'get', '', 'pods/portforward')
            OR k8s_rule_allows(rule, 'patch', '', 'pods/ephemeralcontainers')
            OR k8s_rule_allows(rule, 'update', '', 'pods/ephemeralcontainers')
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_kind, subject_namespace, subject_name, namespace, role_name, binding_name;
