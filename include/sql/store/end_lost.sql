-- Ends the attempt of this task on a target whose session was lost, unless it came to its end. Nothing if it never began.
WITH begun AS (
    SELECT run.id
    FROM k8s_sync_runs AS run
    WHERE
        run.run_id = %(run_id)s
        AND run.attempt = %(attempt)s
        AND run.invocation = %(invocation)s
        AND run.context_name = %(context_name)s
        AND run.kind = %(kind)s
),

ended AS (
    UPDATE k8s_sync_runs AS run
    SET
        outcome = 'failed',
        error = %(error)s,
        seconds = greatest(extract(EPOCH FROM clock_timestamp() - run.started_at), 0),
        finished_at = clock_timestamp()
    FROM begun
    WHERE run.id = begun.id AND run.outcome IS NULL
)

SELECT begun.id FROM begun;
