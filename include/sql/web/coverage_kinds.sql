-- The kinds of a family of a context: the last attempt, and how many objects complete listings had, the latest first.
SELECT
    status.kind,
    CASE
        WHEN status.outcome IS NULL THEN 'running'
        WHEN status.outcome = 'complete' AND status.scope <> 'all' THEN 'in part'
        ELSE status.outcome
    END AS outcome,
    left(status.error, 2000) AS error,
    left(status.warning, 2000) AS warning,
    status.exact_as_of,
    status.started_at,
    status.finished_at,
    status.seconds,
    status.run_id,
    status.scope,
    array(
        SELECT run.objects
        FROM k8s_sync_runs AS run
        WHERE
            run.context_name = status.context_name
            AND run.kind = status.kind
            AND run.outcome = 'complete'
            AND run.scope = 'all'
        ORDER BY run.id DESC
        LIMIT 30
    ) AS objects
FROM k8s_sync_status AS status
WHERE
    status.context_name = %(context)s
    AND coalesce(%(families)s::jsonb ->> status.kind, 'custom') = %(family)s
ORDER BY status.kind
LIMIT 500;
