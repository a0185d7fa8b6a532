-- Who may change admission webhooks and policies?
-- Hit: A subject that may create or change what every request goes through: it can read objects as they are written,
-- and change them. A null `namespace`: everywhere; null `names`: every object there.
-- Do: Take the binding away, or narrow the role to what the subject does.
-- Key: subject_kind, subject_namespace, subject_name, namespace, verbs, resources, names, role_kind, role_name,
-- binding_kind, binding_name
-- Source: CIS Kubernetes Benchmark 1.9 5.1.12; Kubernetes documentation, RBAC Good Practices: Control admission
-- webhooks.
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
            k8s_rule_allows(rule, 'create', 'admissionregistration.k8s.io', 'validatingwebhookconfigurations')
            OR k8s_rule_allows(rule, 'update', 'admissionregistration.k8s.io', 'validatingwebhookconfigurations')
            OR k8s_rule_allows(rule, 'patch', 'admissionregistration.k8s.io', 'validatingwebhookconfigurations')
            OR k8s_rule_allows(rule, 'create', 'admissionregistration.k8s.io', 'mutatingwebhookconfigurations')
            OR k8s_rule_allows(rule, 'update', 'admissionregistration.k8s.io', 'mutatingwebhookconfigurations')
            OR k8s_rule_allows(rule, 'patch', 'admissionregistration.k8s.io', 'mutatingwebhookconfigurations')
            OR k8s_rule_allows(rule, 'create', 'admissionregistration.k8s.io', 'validatingadmissionpolicies')
            OR k8s_rule_allows(rule, 'update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies')
            OR k8s_rule_allows(rule, 'patch', 'admissionregistration.k8s.io', 'validatingadmissionpolicies')
            OR k8s_rule_allows(rule, 'create', 'admissionregistration.k8s.io', 'mutatingadmissionpolicies')
            OR k8s_rule_allows(rule, 'update', 'admissionregistration.k8s.io', 'mutatingadmissionpolicies')
            OR k8s_rule_allows(rule, 'patch', 'admissionregistration.k8s.io', 'mutatingadmissionpolicies')
        )
        AND namespace IS NULL
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, subject_kind, subject_namespace, subject_name, namespace, role_name, binding_name;
