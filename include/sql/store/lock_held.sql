-- Nothing if the statements of this session reach different server sessions: a transaction-pooling PgBouncer. What is found
-- stays so until the end of the transaction.
SELECT held.number
FROM k8s_sync_locks AS held
WHERE
    held.context_name = %(context_name)s
    AND held.kind = %(kind)s
    AND held.number = %(number)s
    AND held.pid = pg_backend_pid()
    AND held.number IN (
        SELECT pg_locks.classid::bigint << 32 | pg_locks.objid::bigint
        FROM pg_locks
        WHERE
            pg_locks.locktype = 'advisory'
            AND pg_locks.granted
            AND pg_locks.pid = pg_backend_pid()
            AND pg_locks.database = (SELECT db.oid FROM pg_database AS db WHERE db.datname = current_database())
            AND pg_locks.objsubid = 1
    )
FOR UPDATE OF held;
