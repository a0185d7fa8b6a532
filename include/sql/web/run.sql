-- How a run went: a row for each context and outcome.
SELECT
    run.context_name,
    CASE
        WHEN run.outcome IS NULL THEN 'running'
        WHEN run.outcome = 'complete' AND run.scope <> 'all' THEN 'in part'
        ELSE run.outcome
    END AS outcome,
    count(*) AS kinds,
    (array_agg(run.kind ORDER BY run.kind))[1:6] AS some_kinds,
    coalesce(sum(run.objects) FILTER (WHERE run.kind <> 'custom'), 0)::bigint AS objects,
    sum(run.changed)::bigint AS changed,
    sum(run.deleted)::bigint AS deleted,
    max(run.finished_at) AS finished_at,
    (array_agg(left(run.error, 400) ORDER BY run.kind) FILTER (WHERE run.error IS NOT NULL))[1] AS error
FROM k8s_sync_runs AS run
WHERE run.run_id = %(run_id)s
GROUP BY 1, 2
ORDER BY 1, 2
LIMIT 1000;
