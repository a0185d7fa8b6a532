-- Weeks of k8s_changes that ended before the days for which history is kept; `is_pending` where taking it off was begun.
SELECT
    class.relname AS name,
    inherits.inhrelid IS NOT NULL AS is_attached,
    coalesce(inherits.inhdetachpending, FALSE) AS is_pending,
    week.until
FROM pg_class AS class
LEFT JOIN pg_inherits AS inherits ON class.oid = inherits.inhrelid
CROSS JOIN LATERAL (
    SELECT (to_date(right(class.relname, 8), 'YYYYMMDD') + 7)::timestamp AT TIME ZONE 'UTC' AS until
) AS week
WHERE
    class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND class.relkind = 'r'
    AND class.relname ~ '^k8s_changes_\d{8}$'
    AND week.until < least(
        clock_timestamp() - make_interval(days => %(days)s),
        date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '7 days'
    )
ORDER BY class.relname;
