-- Other sessions that hold locks on relations of this schema, those first that have been at it for longest. What they are
-- doing is shown to their own role, and to members of pg_read_all_stats.
SELECT
    lock.pid,
    pg_get_userbyid(activity.usesysid) AS role,
    activity.application_name,
    activity.state,
    activity.xact_start,
    (array_agg(class.relname ORDER BY class.relname))[1:3] AS relations
FROM pg_locks AS lock
INNER JOIN pg_class AS class ON lock.relation = class.oid
INNER JOIN pg_stat_activity AS activity ON lock.pid = activity.pid
WHERE
    lock.locktype = 'relation'
    AND lock.granted
    AND lock.pid <> pg_backend_pid()
    AND lock.database = (SELECT db.oid FROM pg_database AS db WHERE db.datname = current_database())
    AND class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND class.relkind IN ('r', 'p', 'v')
GROUP BY lock.pid, activity.usesysid, activity.application_name, activity.state, activity.xact_start
ORDER BY activity.xact_start NULLS LAST
LIMIT 3;
