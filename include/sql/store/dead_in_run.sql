-- Was this context found dead already in this run, at this attempt?
SELECT
    outcome,
    error,
    retryable
FROM k8s_sync_runs
WHERE
    run_id = %(run_id)s
    AND attempt = %(attempt)s
    AND invocation = %(invocation)s
    AND context_name = %(context_name)s
    AND whole_context
    AND error IS NOT NULL
ORDER BY id
LIMIT 1;
