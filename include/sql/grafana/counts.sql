-- How many objects complete listings had; of those in one span of time, the last.
SELECT
    $__timeGroupAlias(started_at,$__interval),
    context_name || ' · ' || kind AS metric,
    (array_agg(objects ORDER BY id DESC))[1] AS objects
FROM k8s_sync_runs
WHERE
    $__timeFilter(started_at)
    AND context_name IN ($context)
    AND kind IN ($kind)
    AND outcome = 'complete'
    AND scope = 'all'
    AND pages > 0
GROUP BY 1, 2
ORDER BY 1, 2;
