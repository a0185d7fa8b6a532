-- Weeks of k8s_changes that ended before the days for which history is kept; `is_pending` where taking it off was begun.
-- The last week stays: clocks are set back.
WITH week AS (
    SELECT
        class.oid,
        class.relname AS name,
        (to_date(right(class.relname, 8), 'YYYYMMDD') + 7)::timestamp AT TIME ZONE 'UTC' AS until
    FROM pg_class AS class
    WHERE
        class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
        AND class.relkind = 'r'
        AND class.relname ~ '^k8s_changes_\d{8}$'
)

SELECT
    week.name,
    week.until,
    inherits.inhrelid IS NOT NULL AS is_attached,
    coalesce(inherits.inhdetachpending, FALSE) AS is_pending
FROM week
LEFT JOIN pg_inherits AS inherits ON week.oid = inherits.inhrelid
WHERE
    week.until < least(
        clock_timestamp() - make_interval(days => %(days)s),
        date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '7 days'
    )
ORDER BY week.name;
