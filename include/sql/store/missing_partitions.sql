-- Weeks of a table that are not there yet: the last one, as clocks are set back, this one, and those to come. A
-- partition that others attached has its weeks.
WITH bound AS (
    SELECT
        substring(pg_get_expr(class.relpartbound, class.oid) FROM 'FROM \(''([^'']+)''\)')::timestamptz AS since,
        substring(pg_get_expr(class.relpartbound, class.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS until
    FROM pg_inherits AS inherits
    INNER JOIN pg_class AS class ON inherits.inhrelid = class.oid
    WHERE inherits.inhparent = to_regclass(%(table)s)
)

SELECT
    week.name,
    clock_timestamp() AT TIME ZONE 'UTC' BETWEEN week.since AND week.since + interval '7 days' AS is_now,
    week.since::timestamp::text || '+00' AS since,
    (week.since + interval '7 days')::timestamp::text || '+00' AS until
FROM (
    SELECT
        day AS since,
        %(table)s || to_char(day, '_YYYYMMDD') AS name
    FROM (SELECT date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC') AS monday) AS now
    CROSS JOIN generate_series(now.monday - interval '7 days', now.monday + interval '28 days', interval '7 days') AS day
) AS week
WHERE
    to_regclass(%(table)s) IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM bound
        WHERE
            coalesce(bound.since, '-infinity') < (week.since + interval '7 days') AT TIME ZONE 'UTC'
            AND coalesce(bound.until, 'infinity') > week.since AT TIME ZONE 'UTC'
    )
ORDER BY week.since;
