-- Of sessions that were lost. What counts stays: whoever has just taken it is about to see that all is being forgotten.
DELETE FROM k8s_sync_locks
WHERE
    context_name = %(context_name)s
    AND (pid, number) NOT IN (
        SELECT
            pg_locks.pid,
            pg_locks.classid::bigint << 32 | pg_locks.objid::bigint
        FROM pg_locks
        WHERE
            pg_locks.locktype = 'advisory'
            AND pg_locks.granted
            AND pg_locks.pid IS NOT NULL
            AND pg_locks.database = (SELECT db.oid FROM pg_database AS db WHERE db.datname = current_database())
            AND pg_locks.objsubid = 1
    );
