-- Weeks of a table that ended before the days for which it is kept; `is_pending` where taking it off was begun;
-- and those that were taken off for it (see `drop_expired`). What others took off, or named so, is theirs. The last week
-- stays: clocks are set back.
WITH week AS (
    SELECT
        class.oid,
        class.relname AS name,
        substring(pg_get_expr(class.relpartbound, class.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS until
    FROM pg_class AS class
    WHERE
        class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
        AND class.relkind = 'r'
        AND class.relname ~ ('^' || %(table)s || '_\d{8}$')
)

SELECT
    week.name,
    week.until,
    inherits.inhrelid IS NOT NULL AS is_attached,
    coalesce(inherits.inhdetachpending, FALSE) AS is_pending
FROM week
LEFT JOIN pg_inherits AS inherits ON week.oid = inherits.inhrelid
WHERE
    inherits.inhrelid IS NULL AND obj_description(week.oid, 'pg_class') = %(mark)s
    OR inherits.inhparent = to_regclass(%(table)s)
    AND week.until < least(
        clock_timestamp() - make_interval(days => %(days)s),
        date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '7 days'
    )
ORDER BY week.name;
