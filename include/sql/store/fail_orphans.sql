-- Whoever holds the target's lock knows that an attempt which never ended was killed.
UPDATE k8s_sync_runs
SET
    outcome = 'failed',
    error = 'the task was killed or lost its database session before it ended; its rows were left as they were',
    finished_at = clock_timestamp()
WHERE context_name = %(context_name)s AND kind = %(kind)s AND outcome IS NULL;
