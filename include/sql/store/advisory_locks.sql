-- Who holds which advisory lock of one 64-bit number in this database. Other statements include this one.
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
