-- False if the statements of this session reach different server sessions: a transaction-pooling PgBouncer.
WITH target AS (
    SELECT
        hashtextextended(
            concat_ws('/', 'k8s-inventory', current_schema(), %(context_name)s::text, %(kind)s::text), 0
        ) AS key
)

SELECT EXISTS (
    SELECT 1
    FROM pg_locks, target
    WHERE
        pg_locks.locktype = 'advisory'
        AND pg_locks.pid = pg_backend_pid()
        AND pg_locks.database = (SELECT db.oid FROM pg_database AS db WHERE db.datname = current_database())
        AND pg_locks.objsubid = 1
        AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = target.key
);
