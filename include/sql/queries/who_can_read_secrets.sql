-- Who may read Secrets? A null namespace: those of every namespace; null names: every Secret there.
WITH role AS (
    SELECT
        context_name,
        'Role' AS kind,
        namespace,
        name,
        rules
    FROM k8s_roles
    UNION ALL
    SELECT
        context_name,
        'ClusterRole' AS kind,
        NULL AS namespace,
        name,
        rules
    FROM k8s_clusterroles
),

reading AS (
    SELECT
        role.context_name,
        role.kind,
        role.namespace,
        role.name,
        rule.rule -> 'verbs' AS verbs,
        rule.rule -> 'resourceNames' AS secret_names
    FROM role
    CROSS JOIN jsonb_array_elements(CASE jsonb_typeof(role.rules) WHEN 'array' THEN role.rules ELSE '[]' END) AS rule (rule)
    WHERE
        rule.rule -> 'apiGroups' ?| ARRAY['', '*']
        AND rule.rule -> 'resources' ?| ARRAY['secrets', '*']
        AND rule.rule -> 'verbs' ?| ARRAY['get', 'list', 'watch', '*']
),

binding AS (
    SELECT
        context_name,
        namespace,
        name,
        role_kind,
        role_name,
        subjects
    FROM k8s_rolebindings
    UNION ALL
    SELECT
        context_name,
        NULL AS namespace,
        name,
        role_kind,
        role_name,
        subjects
    FROM k8s_clusterrolebindings
)

SELECT DISTINCT
    binding.context_name,
    subject ->> 'kind' AS subject_kind,
    CASE subject ->> 'kind'
        WHEN 'ServiceAccount' THEN coalesce(nullif(subject ->> 'namespace', ''), binding.namespace)
    END AS subject_namespace,
    subject ->> 'name' AS subject_name,
    binding.namespace,
    reading.verbs,
    reading.secret_names,
    reading.kind AS role_kind,
    reading.name AS role_name,
    binding.name AS binding_name
FROM binding
INNER JOIN reading
    ON
        binding.context_name = reading.context_name
        AND binding.role_kind = reading.kind
        AND binding.role_name = reading.name
        AND (reading.kind = 'ClusterRole' OR binding.namespace = reading.namespace)
CROSS JOIN
    jsonb_array_elements(CASE jsonb_typeof(binding.subjects) WHEN 'array' THEN binding.subjects ELSE '[]' END) AS subject
WHERE jsonb_typeof(subject) = 'object'
ORDER BY binding.context_name, subject_kind, subject_namespace, subject_name, binding.namespace;
