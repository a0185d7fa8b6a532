-- Who may use the API of kubelets?
-- Hit: A subject that may use nodes/proxy: it can run commands in every pod of a node, past admission and audit. A null
-- `namespace`: everywhere; null `names`: every object there.
-- Do: Take the binding away, or narrow the role to what the subject does.
-- Key: subject_kind, subject_namespace, subject_name, namespace, verbs, resources, names, role_kind, role_name,
-- binding_kind, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 5.1.10; Kubernetes documentation, RBAC Good Practices: Access to proxy
-- subresource of Nodes.
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
            k8s_rule_allows(rule, 'get', '', 'nodes/proxy')
            OR k8s_rule_allows(rule, 'create', '', 'nodes/proxy')
            OR k8s_rule_allows(rule, 'update', '', 'nodes/proxy')
            OR k8s_rule_allows(rule, 'patch', '', 'nodes/proxy')
            OR k8s_rule_allows(rule, 'delete', '', 'nodes/proxy')
        )
        AND namespace IS NULL
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_kind, subject_namespace, subject_name, namespace, role_name, binding_name;
