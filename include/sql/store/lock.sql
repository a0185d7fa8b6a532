-- One writer a target: the one whose row it is, for as long as that session holds the advisory lock of the row's own
-- number. A lock by the target's name could be taken by all who may connect; a row takes the right to write it.
INSERT INTO k8s_sync_locks AS held (context_name, kind, number, pid)
VALUES (%(context_name)s, %(kind)s, %(number)s, pg_backend_pid())
ON CONFLICT (context_name, kind) DO UPDATE
    SET number = excluded.number, pid = excluded.pid
    WHERE (held.pid, held.number) NOT IN (
{%- filter indent(8) %}
{% include "store/advisory_locks.sql" %}
{%- endfilter %}
    )
RETURNING held.number;
