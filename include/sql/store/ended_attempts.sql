-- What one attempt of a task came to, a row for each of a target: a watch that is held open makes several.
SELECT
    context_name,
    kind,
    outcome,
    changed,
    deleted,
    bytes,
    seconds
FROM k8s_sync_runs
WHERE
    run_id = %(run_id)s
    AND attempt = %(attempt)s
    AND invocation = %(invocation)s
    AND context_name = any(%(contexts)s)
    AND kind = any(%(kinds)s)
    AND outcome IS NOT NULL;
