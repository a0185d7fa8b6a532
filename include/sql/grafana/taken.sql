-- What reading a cluster took, all kinds together.
SELECT
    $__timeGroupAlias(started_at,$__interval),
    context_name AS metric,
    sum({{ measure }}) AS {{ measure }}
FROM k8s_sync_runs
WHERE $__timeFilter(started_at) AND context_name IN ($context) AND kind IN ($kind)
GROUP BY 1, 2
ORDER BY 1, 2;
