{%- from "web/attempts.jinja" import ended, outcome -%}
-- How well a kind of a context is known.
SELECT
    {{ outcome() }} AS outcome,
    left(ended.error, 2000) AS error,
    target.exact_as_of,
    latest.run_id AS complete_run_id
FROM {{ ended() }}
LEFT JOIN LATERAL (
    SELECT run.run_id
    FROM k8s_sync_runs AS run
    WHERE
        run.context_name = target.context_name
        AND run.kind = target.kind
        AND run.outcome = 'complete'
        AND run.scope = 'all'
        AND run.finished_at <= now() -- or a clock was ahead that has been set back
    ORDER BY run.finished_at DESC
    LIMIT 1
) AS latest ON TRUE
WHERE target.context_name = %(context)s AND target.kind = %(target)s;
