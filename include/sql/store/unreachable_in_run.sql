-- Was this context found dead already in this run, at this attempt?
SELECT error
FROM k8s_sync_runs
WHERE
    run_id = %(run_id)s
    AND attempt = %(attempt)s
    AND invocation = %(invocation)s
    AND context_name = %(context_name)s
    AND outcome = 'unreachable'
ORDER BY id
LIMIT 1;
