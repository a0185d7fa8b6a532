-- Nothing if the statements of this session reach different server sessions: a transaction-pooling PgBouncer. What is found
-- stays so until the end of the transaction.
SELECT held.number
FROM k8s_sync_locks AS held
WHERE
    held.context_name = %(context_name)s
    AND held.kind = %(kind)s
    AND held.number = %(number)s
    AND held.pid = pg_backend_pid()
    AND (held.pid, held.number) IN (
{%- filter indent(8) %}
{% include "store/advisory_locks.sql" %}
{%- endfilter %}
    )
FOR UPDATE OF held;
