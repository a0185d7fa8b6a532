{%- from "web/attempts.jinja" import ended, outcome -%}
-- How far each family of kinds of each context is known: a row for each outcome in it. `objects` are those of the listings
-- that are complete; those of `custom` itself are kinds, and no objects.
SELECT
    target.context_name,
    coalesce(%(families)s::jsonb ->> target.kind, 'custom') AS family,
    {{ outcome() }} AS outcome,
    count(*) AS kinds,
    (array_agg(target.kind ORDER BY target.kind))[1:4] AS some_kinds,
    (array_agg(left(ended.error, 400) ORDER BY target.kind) FILTER (WHERE ended.error IS NOT NULL))[1] AS error,
    min(target.exact_as_of) AS oldest,
    coalesce(
        sum(ended.objects) FILTER (WHERE ended.outcome = 'complete' AND ended.scope = 'all' AND target.kind <> 'custom'), 0
    )::bigint AS objects
FROM {{ ended() }}
GROUP BY target.context_name, coalesce(%(families)s::jsonb ->> target.kind, 'custom'), {{ outcome() }};
