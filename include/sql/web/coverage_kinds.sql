{%- from "web/attempts.jinja" import ended, outcome -%}
-- The kinds of a family of a context, those of which something is lacking first: the last attempt that has ended, and how many
-- objects complete listings had, the latest first.
SELECT
    target.kind,
    {{ outcome() }} AS outcome,
    left(ended.error, 2000) AS error,
    left(ended.warning, 2000) AS warning,
    target.exact_as_of,
    ended.started_at,
    ended.finished_at,
    ended.seconds,
    ended.run_id,
    ended.scope,
    (
        SELECT max(run.started_at)
        FROM k8s_sync_runs AS run
        WHERE
            run.context_name = target.context_name
            AND run.kind = target.kind
            AND run.outcome IS NULL
            AND run.id > coalesce(ended.id, 0)
    ) AS running_since,
    array(
        SELECT run.objects
        FROM k8s_sync_runs AS run
        WHERE
            run.context_name = target.context_name
            AND run.kind = target.kind
            AND run.outcome = 'complete'
            AND run.scope = 'all'
            AND run.finished_at <= now() -- or a clock was ahead that has been set back
        ORDER BY run.finished_at DESC
        LIMIT 30
    ) AS objects
FROM {{ ended() }}
WHERE
    target.context_name = %(context)s
    AND coalesce(%(families)s::jsonb ->> target.kind, 'custom') = %(family)s
ORDER BY
    {{ outcome() }} IN ('complete', 'absent'),
    target.kind
LIMIT %(limit)s;
