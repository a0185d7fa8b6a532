-- How do two clusters differ in what they run, now and a week ago?
-- Hit: A row is a workload, by namespace and name, that differs now (`differs`) or did then (`differed`): in which of
-- the fields that people set; status, versions and annotations are left out. `{only left}`: the other one has none of
-- that name; null: no difference, and of then also where `known_then` is not complete, which is of both clusters. A row
-- without a name is a kind that is not all known, now or then.
-- Do: Roll out the one that is meant.
-- Key: kind, namespace, name
-- Source: docs/history.md.
-- Limits: It can not say which of the two is right, nor tell values apart that are redacted in both.
WITH asked AS NOT MATERIALIZED (
    SELECT
        (SELECT min(context_name) FROM k8s_clusters) AS left_context,
        (SELECT max(context_name) FROM k8s_clusters) AS right_context,
        now() - interval '7 days' AS instant
),

workload AS (
    SELECT
        'now' AS at,
        stored.context_name,
        'deployments' AS kind,
        stored.namespace,
        stored.name,
        jsonb_build_object(
            'replicas', stored.replicas,
            'images', stored.images,
            'labels', stored.labels,
            'spec', stored.spec - 'replicas'
        ) AS fields
    FROM asked
    INNER JOIN k8s_deployments AS stored ON stored.context_name IN (asked.left_context, asked.right_context)
    UNION ALL
    SELECT
        'then' AS at,
        stored.context_name,
        'deployments' AS kind,
        stored.namespace,
        stored.name,
        jsonb_build_object(
            'replicas', stored.replicas,
            'images', stored.images,
            'labels', stored.labels,
            'spec', stored.spec - 'replicas'
        ) AS fields
    FROM asked
    CROSS JOIN k8s_deployments_at(asked.instant) AS stored
    WHERE stored.context_name IN (asked.left_context, asked.right_context)
    UNION ALL
    SELECT
        'now' AS at,
        stored.context_name,
        'statefulsets' AS kind,
        stored.namespace,
        stored.name,
        jsonb_build_object(
            'replicas', stored.replicas,
            'images', stored.images,
            'labels', stored.labels,
            'spec', stored.spec - 'replicas'
        ) AS fields
    FROM asked
    INNER JOIN k8s_statefulsets AS stored ON stored.context_name IN (asked.left_context, asked.right_context)
    UNION ALL
    SELECT
        'then' AS at,
        stored.context_name,
        'statefulsets' AS kind,
        stored.namespace,
        stored.name,
        jsonb_build_object(
            'replicas', stored.replicas,
            'images', stored.images,
            'labels', stored.labels,
            'spec', stored.spec - 'replicas'
        ) AS fields
    FROM asked
    CROSS JOIN k8s_statefulsets_at(asked.instant) AS stored
    WHERE stored.context_name IN (asked.left_context, asked.right_context)
    UNION ALL
    SELECT
        'now' AS at,
        stored.context_name,
        'daemonsets' AS kind,
        stored.namespace,
        stored.name,
        jsonb_build_object(
            'images', stored.images,
            'labels', stored.labels,
            'spec', stored.spec
        ) AS fields
    FROM asked
    INNER JOIN k8s_daemonsets AS stored ON stored.context_name IN (asked.left_context, asked.right_context)
    UNION ALL
    SELECT
        'then' AS at,
        stored.context_name,
        'daemonsets' AS kind,
        stored.namespace,
        stored.name,
        jsonb_build_object(
            'images', stored.images,
            'labels', stored.labels,
            'spec', stored.spec
        ) AS fields
    FROM asked
    CROSS JOIN k8s_daemonsets_at(asked.instant) AS stored
    WHERE stored.context_name IN (asked.left_context, asked.right_context)
),

of_left AS (
    SELECT workload.*
    FROM asked
    INNER JOIN workload ON asked.left_context = workload.context_name
),

of_right AS (
    SELECT workload.*
    FROM asked
    INNER JOIN workload ON asked.right_context = workload.context_name
),

compared AS (
    SELECT
        coalesce(of_left.at, of_right.at) AS at,
        coalesce(of_left.kind, of_right.kind) AS kind,
        coalesce(of_left.namespace, of_right.namespace) AS namespace,
        coalesce(of_left.name, of_right.name) AS name,
        CASE
            WHEN of_right.fields IS NULL THEN ARRAY['only left']
            WHEN of_left.fields IS NULL THEN ARRAY['only right']
            ELSE (
                SELECT array_agg(field.key ORDER BY field.key)
                FROM jsonb_each(of_left.fields) AS field
                WHERE field.value IS DISTINCT FROM of_right.fields -> field.key
            )
        END AS differs
    FROM of_left
    FULL JOIN of_right
        ON
            of_left.at = of_right.at
            AND of_left.kind = of_right.kind
            AND of_left.namespace = of_right.namespace
            AND of_left.name = of_right.name
),

known AS (
    SELECT
        kind.name AS kind,
        CASE
            WHEN bool_or(coalesce(present.known, 'unknown') = 'unknown') THEN 'unknown'
            ELSE max(present.known)
        END AS known_now,
        CASE
            WHEN bool_or(coalesce(former.known, 'unknown') = 'unknown') THEN 'unknown'
            ELSE max(former.known)
        END AS known_then
    FROM asked
    CROSS JOIN unnest(ARRAY['deployments', 'statefulsets', 'daemonsets']) AS kind (name)
    CROSS JOIN unnest(ARRAY[asked.left_context, asked.right_context]) AS context (name)
    LEFT JOIN k8s_coverage_at(now()) AS present
        ON context.name = present.context_name AND kind.name = present.kind
    LEFT JOIN k8s_coverage_at(asked.instant) AS former
        ON context.name = former.context_name AND kind.name = former.kind
    GROUP BY kind.name
),

found AS (
    SELECT
        compared.kind,
        compared.namespace,
        compared.name,
        max(compared.differs) FILTER (WHERE compared.at = 'now') AS differs,
        max(compared.differs) FILTER (WHERE compared.at = 'then') AS differed
    FROM compared
    INNER JOIN known ON compared.kind = known.kind
    WHERE compared.differs IS NOT NULL AND (compared.at = 'now' OR known.known_then IN ('complete', 'absent'))
    GROUP BY compared.kind, compared.namespace, compared.name
)

SELECT
    known.kind,
    found.namespace,
    found.name,
    found.differs,
    found.differed,
    known.known_now,
    known.known_then,
    CASE WHEN found.name IS NULL THEN format('%s: %s now, %s then', known.kind, known.known_now, known.known_then) END
        AS not_known
FROM known
LEFT JOIN found ON known.kind = found.kind
WHERE
    found.name IS NOT NULL
    OR known.known_now NOT IN ('complete', 'absent')
    OR known.known_then NOT IN ('complete', 'absent')
ORDER BY known.kind, found.namespace, found.name;
