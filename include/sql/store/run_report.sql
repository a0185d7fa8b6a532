-- The last attempt of each target of a run, in the one doing of it whose invocation begins so.
SELECT DISTINCT ON (context_name, kind)
    context_name,
    kind,
    scope,
    outcome,
    objects,
    changed,
    deleted,
    seconds,
    error,
    warning,
    whole_context,
    resource_version
FROM k8s_sync_runs
WHERE run_id = %(run_id)s AND starts_with(invocation, %(invocation)s)
ORDER BY context_name, kind, id DESC;
