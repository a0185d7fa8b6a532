-- The locks of a context that count: those of its targets, or the one of whoever is forgetting all of it.
SELECT
    held.kind,
    held.pid,
    (SELECT pg_get_userbyid(activity.usesysid) FROM pg_stat_activity AS activity WHERE activity.pid = held.pid) AS role,
    run.run_id,
    run.attempt,
    run.started_at
FROM k8s_sync_locks AS held
LEFT JOIN k8s_sync_runs AS run
    ON held.context_name = run.context_name AND held.kind = run.kind AND run.outcome IS NULL
WHERE
    held.context_name = %(context_name)s
    AND (held.kind = '') = %(forgetting)s
    AND (held.pid, held.number) IN (
{%- filter indent(8) %}
{% include "store/advisory_locks.sql" %}
{%- endfilter %}
    )
ORDER BY run.id;
