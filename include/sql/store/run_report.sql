-- The last attempt of each target of a run.
SELECT DISTINCT ON (context_name, kind)
    context_name,
    kind,
    outcome,
    objects,
    changed,
    deleted,
    seconds,
    error,
    warning
FROM k8s_sync_runs
WHERE run_id = %(run_id)s
ORDER BY context_name, kind, id DESC;
