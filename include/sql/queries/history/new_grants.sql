-- What may somebody do in a cluster now that he could not a week ago?
-- Hit: A row is a grant that was none then: a subject that has a role (`rule` is null), in one namespace or in all
-- (null); or a rule of a role that its subjects have got more by. A row without a role is a kind whose state of then is
-- not known, or only as of an older listing: nothing is called new of a context where it is unknown.
-- Do: Take the binding away where nobody asked for it.
-- Key: kind, namespace, role_kind, role_name, binding_name, subject, rule
-- Source: docs/history.md.
-- Limits: It can not hold what was granted and taken away in between (what_changed.sql has that), nor say who granted
-- it.
WITH asked AS NOT MATERIALIZED (
    SELECT now() - interval '7 days' AS instant
),

covered AS MATERIALIZED (
    SELECT
        coverage.context_name,
        coverage.kind,
        coverage.known,
        coverage.history_since,
        coverage.complete_as_of
    FROM asked
    CROSS JOIN k8s_coverage_at(asked.instant) AS coverage
    WHERE coverage.kind IN ('roles', 'clusterroles', 'rolebindings', 'clusterrolebindings')
),

binding AS (
    SELECT
        stored.context_name,
        'rolebindings' AS kind,
        stored.namespace,
        stored.role_kind,
        stored.role_name,
        stored.name,
        stored.subjects
    FROM k8s_rolebindings AS stored
    UNION ALL
    SELECT
        stored.context_name,
        'clusterrolebindings' AS kind,
        NULL AS namespace,
        stored.role_kind,
        stored.role_name,
        stored.name,
        stored.subjects
    FROM k8s_clusterrolebindings AS stored
),

former_binding AS (
    SELECT
        stored.context_name,
        'rolebindings' AS kind,
        stored.namespace,
        stored.role_kind,
        stored.role_name,
        stored.name,
        stored.subjects
    FROM asked
    CROSS JOIN k8s_rolebindings_at(asked.instant) AS stored
    UNION ALL
    SELECT
        stored.context_name,
        'clusterrolebindings' AS kind,
        NULL AS namespace,
        stored.role_kind,
        stored.role_name,
        stored.name,
        stored.subjects
    FROM asked
    CROSS JOIN k8s_clusterrolebindings_at(asked.instant) AS stored
),

rule AS (
    SELECT
        stored.context_name,
        'roles' AS kind,
        stored.namespace,
        'Role' AS role_kind,
        stored.name,
        rule.rule
    FROM k8s_roles AS stored
    CROSS JOIN
        jsonb_array_elements(CASE jsonb_typeof(stored.rules) WHEN 'array' THEN stored.rules ELSE '[]' END) AS rule (rule)
    UNION ALL
    SELECT
        stored.context_name,
        'clusterroles' AS kind,
        NULL AS namespace,
        'ClusterRole' AS role_kind,
        stored.name,
        rule.rule
    FROM k8s_clusterroles AS stored
    CROSS JOIN
        jsonb_array_elements(CASE jsonb_typeof(stored.rules) WHEN 'array' THEN stored.rules ELSE '[]' END) AS rule (rule)
),

former_rule AS (
    SELECT
        stored.context_name,
        'roles' AS kind,
        stored.namespace,
        'Role' AS role_kind,
        stored.name,
        rule.rule
    FROM asked
    CROSS JOIN k8s_roles_at(asked.instant) AS stored
    CROSS JOIN
        jsonb_array_elements(CASE jsonb_typeof(stored.rules) WHEN 'array' THEN stored.rules ELSE '[]' END) AS rule (rule)
    UNION ALL
    SELECT
        stored.context_name,
        'clusterroles' AS kind,
        NULL AS namespace,
        'ClusterRole' AS role_kind,
        stored.name,
        rule.rule
    FROM asked
    CROSS JOIN k8s_clusterroles_at(asked.instant) AS stored
    CROSS JOIN
        jsonb_array_elements(CASE jsonb_typeof(stored.rules) WHEN 'array' THEN stored.rules ELSE '[]' END) AS rule (rule)
),

new_grant AS (
    SELECT
        binding.context_name,
        binding.kind,
        binding.namespace,
        binding.role_kind,
        binding.role_name,
        binding.name AS binding_name,
        subject.subject,
        NULL::jsonb AS rule
    FROM binding
    CROSS JOIN
        jsonb_array_elements(CASE jsonb_typeof(binding.subjects) WHEN 'array' THEN binding.subjects ELSE '[]' END) AS subject (subject)
    WHERE
        NOT EXISTS (
            SELECT FROM former_binding AS former
            WHERE
                former.context_name = binding.context_name
                AND former.kind = binding.kind
                AND former.namespace IS NOT DISTINCT FROM binding.namespace
                AND former.role_kind = binding.role_kind
                AND former.role_name = binding.role_name
                AND jsonb_typeof(former.subjects) = 'array'
                AND former.subjects @> jsonb_build_array(subject.subject)
        )
    UNION ALL
    SELECT
        rule.context_name,
        rule.kind,
        rule.namespace,
        rule.role_kind,
        rule.name AS role_name,
        NULL AS binding_name,
        NULL::jsonb AS subject,
        rule.rule
    FROM rule
    WHERE
        NOT EXISTS (
            SELECT FROM former_rule AS former
            WHERE
                former.context_name = rule.context_name
                AND former.kind = rule.kind
                AND former.namespace IS NOT DISTINCT FROM rule.namespace
                AND former.name = rule.name
                AND former.rule = rule.rule
        )
    UNION ALL
    SELECT
        covered.context_name,
        covered.kind,
        NULL AS namespace,
        NULL AS role_kind,
        NULL AS role_name,
        NULL AS binding_name,
        NULL AS subject,
        NULL AS rule
    FROM covered
    WHERE covered.known NOT IN ('complete', 'absent', 'unknown')
)

SELECT
    covered.context_name,
    covered.kind,
    new_grant.namespace,
    new_grant.role_kind,
    new_grant.role_name,
    new_grant.binding_name,
    new_grant.subject,
    new_grant.rule,
    covered.known,
    covered.history_since,
    covered.complete_as_of,
    CASE WHEN new_grant.role_name IS NULL THEN concat(covered.kind, ': ', covered.known, ' then') END AS not_known
FROM covered
LEFT JOIN new_grant
    ON
        covered.context_name = new_grant.context_name
        AND covered.kind = new_grant.kind
        AND covered.known <> 'unknown'
WHERE new_grant.role_name IS NOT NULL OR covered.known NOT IN ('complete', 'absent')
ORDER BY
    covered.context_name, covered.kind, new_grant.namespace, new_grant.role_name, new_grant.subject, new_grant.rule;
