{#- `at`: whether an instant is asked for; `targets`: whether certain kinds are, of which some may never have been read. -#}
{%- from "web/attempts.jinja" import ended -%}
-- What of contexts is not all known, and why.
WITH known AS (
{%- if at %}
    SELECT
        coverage.context_name,
        coverage.kind,
        coverage.known IN ('complete', 'absent') AS is_known,
        CASE coverage.known WHEN 'unknown' THEN 'unknown' ELSE coalesce(coverage.outcome, 'running') END AS why
    FROM k8s_coverage_at(%(at)s) AS coverage
    WHERE
        (%(context)s::text IS NULL OR coverage.context_name = %(context)s)
        {%- if targets %}
        AND coverage.kind = any(array_append(%(targets)s::text[], 'custom'))
        {%- endif %}
{%- else %}
    SELECT
        target.context_name,
        target.kind,
        coalesce(ended.outcome = 'absent' OR (ended.outcome = 'complete' AND ended.scope = 'all'), FALSE) AS is_known,
        CASE ended.outcome WHEN 'complete' THEN 'in part' ELSE coalesce(ended.outcome, 'running') END AS why
    FROM {{ ended() }}
    WHERE
        (%(context)s::text IS NULL OR target.context_name = %(context)s)
        {%- if targets %}
        AND target.kind = any(array_append(%(targets)s::text[], 'custom'))
        {%- endif %}
{%- endif %}
{%- if targets %}
),

asked AS (
    SELECT
        context.context_name,
        target.kind
    FROM (
        SELECT %(context)s::text AS context_name WHERE %(context)s::text IS NOT NULL
        UNION ALL
        SELECT seen.context_name FROM k8s_sync_contexts AS seen WHERE %(context)s::text IS NULL
    ) AS context
    CROSS JOIN unnest(%(targets)s::text[]) AS target (kind)
)

SELECT
    asked.context_name,
    asked.kind,
    coalesce(known.why, 'never read') AS why
FROM asked
LEFT JOIN known ON asked.context_name = known.context_name AND asked.kind = known.kind
-- Of a custom kind without a target, discovery has said that there is none.
LEFT JOIN known AS discovery
    ON
        asked.context_name = discovery.context_name
        AND discovery.kind = 'custom'
        AND strpos(asked.kind, '.') > 0
WHERE NOT coalesce(known.is_known, discovery.is_known, FALSE)
ORDER BY asked.context_name, asked.kind
LIMIT %(limit)s;
{%- else %}
)

SELECT
    known.context_name,
    known.kind,
    known.why
FROM known
WHERE NOT known.is_known
ORDER BY known.context_name, known.kind
LIMIT %(limit)s;
{%- endif %}
