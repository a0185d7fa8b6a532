-- Of each target some of its oldest attempts, that ended before the days for which they are kept, and before its history.
-- Those of a clock that was as far ahead go with them. The last of these stays, and the last complete one: they say what is
-- known of the instants after them. Those that found another at work (busy) say nothing of any.
WITH oldest AS (
    SELECT
        run.id,
        run.context_name,
        run.kind,
        coalesce(run.finished_at, run.started_at) NOT BETWEEN run.kept_since AND run.kept_until AS is_due,
        coalesce(
            run.finished_at NOT BETWEEN run.kept_since AND run.kept_until AND run.outcome IS DISTINCT FROM 'busy', FALSE
        ) AS is_before,
        coalesce(run.outcome = 'complete' AND run.scope = 'all', FALSE) AS is_whole
    FROM k8s_sync_targets AS target
    CROSS JOIN LATERAL (
        SELECT
            *,
            least(now() - make_interval(days => %(days)s), target.history_since) AS kept_since,
            now() + make_interval(days => %(days)s) AS kept_until
        FROM k8s_sync_runs AS attempt
        WHERE attempt.context_name = target.context_name AND attempt.kind = target.kind
        ORDER BY attempt.id
        LIMIT 20
    ) AS run
),

old AS (
    SELECT
        id,
        is_due,
        is_whole,
        max(id) FILTER (WHERE is_before) OVER (PARTITION BY context_name, kind) AS last,
        max(id) FILTER (WHERE is_before AND is_whole) OVER (PARTITION BY context_name, kind) AS last_whole
    FROM oldest
)

DELETE FROM k8s_sync_runs AS run
USING old
WHERE
    run.id = old.id
    AND old.is_due
    AND old.id < CASE WHEN old.is_whole THEN old.last_whole ELSE old.last END;
