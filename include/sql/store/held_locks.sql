-- The locks of a context that count: those of its targets, or the one of whoever is forgetting all of it.
SELECT
    held.kind,
    held.pid,
    (SELECT pg_get_userbyid(activity.usesysid) FROM pg_stat_activity AS activity WHERE activity.pid = held.pid) AS role,
    run.run_id,
    run.attempt,
    run.started_at
FROM k8s_sync_locks AS held
LEFT JOIN k8s_sync_runs AS run
    ON held.context_name = run.context_name AND held.kind = run.kind AND run.outcome IS NULL
WHERE
    held.context_name = %(context_name)s
    AND (held.kind = '') = %(forgetting)s
    AND (held.pid, held.number) IN (
        SELECT
            pg_locks.pid,
            pg_locks.classid::bigint << 32 | pg_locks.objid::bigint
        FROM pg_locks
        WHERE
            pg_locks.locktype = 'advisory'
            AND pg_locks.granted
            AND pg_locks.database = (SELECT db.oid FROM pg_database AS db WHERE db.datname = current_database())
            AND pg_locks.objsubid = 1
    )
ORDER BY run.id;
