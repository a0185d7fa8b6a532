SELECT
    run.run_id,
    run.attempt,
    run.started_at,
    held.pid,
    (SELECT pg_get_userbyid(activity.usesysid) FROM pg_stat_activity AS activity WHERE activity.pid = held.pid) AS role
FROM k8s_sync_locks AS held
LEFT JOIN k8s_sync_runs AS run
    ON held.context_name = run.context_name AND held.kind = run.kind AND run.outcome IS NULL
WHERE held.context_name = %(context_name)s AND held.kind = %(kind)s
ORDER BY run.id DESC
LIMIT 1;
