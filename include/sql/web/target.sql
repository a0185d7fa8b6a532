-- How well a kind of a context is known.
SELECT
    status.outcome,
    status.scope,
    left(status.error, 2000) AS error,
    status.exact_as_of,
    status.run_id,
    status.started_at,
    latest.run_id AS complete_run_id
FROM k8s_sync_status AS status
LEFT JOIN LATERAL (
    SELECT run.run_id
    FROM k8s_sync_runs AS run
    WHERE
        run.context_name = status.context_name
        AND run.kind = status.kind
        AND run.outcome = 'complete'
        AND run.scope = 'all'
    ORDER BY run.id DESC
    LIMIT 1
) AS latest ON TRUE
WHERE status.context_name = %(context)s AND status.kind = %(target)s;
