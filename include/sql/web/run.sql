-- How a run went: a row for each context and outcome, of the last attempt at each kind; what changed, of all attempts.
WITH attempt AS (
    SELECT DISTINCT ON (run.context_name, run.kind)
        run.context_name,
        run.kind,
        CASE
            WHEN run.outcome IS NULL THEN 'running'
            WHEN run.outcome = 'complete' AND run.scope <> 'all' THEN 'in part'
            ELSE run.outcome
        END AS outcome,
        run.objects,
        (sum(run.changed) OVER of_target)::bigint AS changed,
        (sum(run.deleted) OVER of_target)::bigint AS deleted,
        run.finished_at,
        run.error
    FROM k8s_sync_runs AS run
    -- Runs of two DAGs may have one id, as those that are scheduled for the same minute.
    WHERE run.run_id = %(run_id)s AND (%(mode)s::text IS NULL OR run.mode = %(mode)s)
    WINDOW of_target AS (PARTITION BY run.context_name, run.kind)
    ORDER BY run.context_name, run.kind, run.id DESC
)

SELECT
    attempt.context_name,
    attempt.outcome,
    count(*) AS kinds,
    (array_agg(attempt.kind ORDER BY attempt.kind))[1:6] AS some_kinds,
    coalesce(sum(attempt.objects) FILTER (WHERE attempt.kind <> 'custom'), 0)::bigint AS objects,
    sum(attempt.changed)::bigint AS changed,
    sum(attempt.deleted)::bigint AS deleted,
    max(attempt.finished_at) AS finished_at,
    (array_agg(left(attempt.error, 400) ORDER BY attempt.kind) FILTER (WHERE attempt.error IS NOT NULL))[1] AS error
FROM attempt
GROUP BY attempt.context_name, attempt.outcome
ORDER BY attempt.context_name, attempt.outcome
LIMIT 1000;
