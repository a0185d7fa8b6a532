WITH released AS (
    DELETE FROM k8s_sync_locks
    WHERE context_name = %(context_name)s AND kind = %(kind)s AND number = %(number)s
)

SELECT pg_advisory_unlock(%(number)s);
