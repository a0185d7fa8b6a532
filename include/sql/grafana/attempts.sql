-- How attempts ended.
SELECT
    $__timeGroupAlias(started_at,$__interval),
    coalesce(outcome, 'running') AS metric,
    count(*) AS attempts
FROM k8s_sync_runs
WHERE $__timeFilter(started_at) AND context_name IN ($context) AND kind IN ($kind)
GROUP BY 1, 2
ORDER BY 1, 2;
