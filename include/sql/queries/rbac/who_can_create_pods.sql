-- Who may create pods?
-- Hit: A subject that may create pods there, itself or through a workload's template: it can run as every service
-- account of the namespace, and mount its Secrets. A null `namespace`: everywhere; null `names`: every object there.
-- Do: Take the binding away, or narrow the role to what the subject does.
-- Key: subject_kind, subject_namespace, subject_name, namespace, verbs, resources, names, role_kind, role_name,
-- binding_kind, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 5.1.4; Kubernetes documentation, RBAC Good Practices: Workload creation.
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
            k8s_rule_allows(rule, 'create', '', 'pods')
            OR k8s_rule_allows(rule, 'create', 'apps', 'deployments')
            OR k8s_rule_allows(rule, 'create', 'apps', 'replicasets')
            OR k8s_rule_allows(rule, 'create', 'apps', 'statefulsets')
            OR k8s_rule_allows(rule, 'create', 'apps', 'daemonsets')
            OR k8s_rule_allows(rule, 'create', 'batch', 'jobs')
            OR k8s_rule_allows(rule, 'create', 'batch', 'cronjobs')
            OR k8s_rule_allows(rule, 'create', '', 'replicationcontrollers')
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_kind, subject_namespace, subject_name, namespace, role_name, binding_name;
