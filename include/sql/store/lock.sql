-- One writer a target: the one whose row it is, for as long as that session holds the advisory lock of the row's own
-- number. A lock by the target's name could be taken by all who may connect; a row takes the right to write it.
INSERT INTO k8s_sync_locks AS held (context_name, kind, number, pid)
VALUES (%(context_name)s, %(kind)s, %(number)s, pg_backend_pid())
ON CONFLICT (context_name, kind) DO UPDATE
    SET number = excluded.number, pid = excluded.pid
    WHERE (held.pid, held.number) NOT IN (
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
    )
RETURNING held.number;
