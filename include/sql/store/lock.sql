-- One writer a target: the one whose row it is, for as long as that session holds the advisory lock of the row's own
-- number. A lock by the target's name could be taken by all who may connect; a row takes the right to write it. Both in one
-- statement: whatever pooler is in the way, the row names the session that has the lock.
INSERT INTO k8s_sync_locks AS held (context_name, kind, number, pid)
SELECT
    %(context_name)s AS context_name,
    %(kind)s AS kind,
    %(number)s AS number,
    pg_backend_pid() AS pid
FROM pg_advisory_lock(%(number)s)
ON CONFLICT (context_name, kind) DO UPDATE
    SET number = excluded.number, pid = excluded.pid
    WHERE (held.pid, held.number) NOT IN (
{%- filter indent(8) %}
{% include "store/advisory_locks.sql" %}
{%- endfilter %}
    )
RETURNING held.number;
