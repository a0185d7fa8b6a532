-- Weeks of k8s_changes that are not there yet: the last one, as clocks are set back, this one, and those to come.
SELECT
    week.name,
    clock_timestamp() AT TIME ZONE 'UTC' BETWEEN week.since AND week.since + interval '7 days' AS is_now,
    week.since::timestamp::text || '+00' AS since,
    (week.since + interval '7 days')::timestamp::text || '+00' AS until
FROM (
    SELECT
        day AS since,
        'k8s_changes_' || to_char(day, 'YYYYMMDD') AS name
    FROM (SELECT date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC') AS monday) AS now
    CROSS JOIN generate_series(now.monday - interval '7 days', now.monday + interval '28 days', interval '7 days') AS day
) AS week
WHERE to_regclass(week.name) IS NULL
ORDER BY week.since;
