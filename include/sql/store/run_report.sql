-- The last attempt of each target of a run, in the one doing of it whose invocation begins so; what changed, of all.
SELECT DISTINCT ON (context_name, kind)
    context_name,
    kind,
    scope,
    outcome,
    objects,
    (sum(changed) OVER (PARTITION BY context_name, kind))::bigint AS changed,
    (sum(deleted) OVER (PARTITION BY context_name, kind))::bigint AS deleted,
    seconds,
    error,
    warning,
    whole_context,
    resource_version
FROM k8s_sync_runs
WHERE run_id = %(run_id)s AND starts_with(invocation, %(invocation)s)
ORDER BY context_name, kind, id DESC;
