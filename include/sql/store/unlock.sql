-- Whether the lock is free now: it is not where a pooler has given this statement another session than the one that has it.
WITH released AS (
    DELETE FROM k8s_sync_locks
    WHERE context_name = %(context_name)s AND kind = %(kind)s AND number = %(number)s
)

SELECT
    CASE
        WHEN pg_advisory_unlock(%(number)s) THEN TRUE
        ELSE NOT EXISTS (
            SELECT FROM (
{%- filter indent(16) %}
{% include "store/advisory_locks.sql" %}
{%- endfilter %}
            ) AS lock (pid, number)
            WHERE lock.number = %(number)s
        )
    END AS is_free;
