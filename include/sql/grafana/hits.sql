-- How many hits the ready-made queries had that a report has asked and that had any, in the time that is shown; of those in one
-- span of time, the last.
SELECT
    $__timeGroupAlias(asked_at,$__interval),
    query AS metric,
    (array_agg(hits ORDER BY asked_at DESC))[1] AS hits
FROM (
    SELECT
        query,
        asked_at,
        hits,
        max(hits) OVER (PARTITION BY query) AS most
    FROM k8s_answers
    WHERE $__timeFilter(asked_at) AND hits IS NOT NULL
) AS answer
WHERE most > 0
GROUP BY 1, 2
ORDER BY 1, 2;
