{%- from "web/attempts.jinja" import ended -%}
-- How many objects the last complete listing of each target had, and whether that is what the tables hold now.
SELECT
    target.context_name,
    target.kind,
    coalesce(ended.objects, 0) AS objects,
    coalesce(ended.outcome IN ('complete', 'absent') AND ended.scope = 'all', FALSE) AS is_exact
FROM {{ ended() }}
WHERE
    target.kind <> 'custom'
    AND (ended.objects > 0 OR ended.outcome IS NULL OR ended.outcome NOT IN ('complete', 'absent'));
