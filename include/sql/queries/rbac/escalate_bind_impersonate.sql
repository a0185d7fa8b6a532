-- Who may give himself more rights?
-- Hit: A subject that may escalate roles, bind roles that it does not have itself, or impersonate others. A null
-- `namespace`: everywhere; null `names`: every object there.
-- Do: Take these verbs away from all but the administrators of rights.
-- Key: subject_kind, subject_namespace, subject_name, namespace, verbs, resources, names, role_kind, role_name,
-- binding_kind, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 5.1.8; Kubernetes documentation, RBAC Good Practices: Escalate verb, Bind verb,
-- Impersonate verb.
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
            k8s_rule_allows(rule, 'escalate', 'rbac.authorization.k8s.io', 'roles')
            OR k8s_rule_allows(rule, 'escalate', 'rbac.authorization.k8s.io', 'clusterroles')
            OR k8s_rule_allows(rule, 'bind', 'rbac.authorization.k8s.io', 'roles')
            OR k8s_rule_allows(rule, 'bind', 'rbac.authorization.k8s.io', 'clusterroles')
            OR namespace IS NULL AND k8s_rule_allows(rule, 'impersonate', '', 'users')
            OR namespace IS NULL AND k8s_rule_allows(rule, 'impersonate', '', 'groups')
            OR k8s_rule_allows(rule, 'impersonate', '', 'serviceaccounts')
            OR namespace IS NULL AND rule -> 'verbs' ?| ARRAY['impersonate', '*']
            AND rule -> 'apiGroups' ?| ARRAY['authentication.k8s.io', '*']
            AND jsonb_path_exists(rule, '$.resources[*] ? (@ == "*" || @ == "uids" || @ starts with "userextras")')
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_kind, subject_namespace, subject_name, namespace, role_name, binding_name;
