-- Weeks of a table that are not there yet: the last one, as clocks are set back, this one, and those to come; and those at
-- the time of the last change of targets, where that is later, as the next ones come after it. A partition that others
-- attached has its weeks.
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
    SELECT DISTINCT
        day AS since,
        %(table)s || to_char(day, '_YYYYMMDD') AS name
    FROM (
        SELECT
            clock_timestamp() - interval '7 days' AS since,
            clock_timestamp() + interval '28 days' AS until
        UNION ALL
        SELECT
            target.changed_at AS since,
            target.changed_at + interval '7 days' AS until
        FROM k8s_sync_targets AS target
        WHERE target.changed_at > clock_timestamp() + interval '7 days'
    ) AS span
    CROSS JOIN
        generate_series(
            date_trunc('week', span.since AT TIME ZONE 'UTC'),
            date_trunc('week', span.until AT TIME ZONE 'UTC'),
            interval '7 days'
        ) AS day
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
