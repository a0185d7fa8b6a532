-- What was seen to change, where history is kept.
SELECT
    $__timeGroupAlias(seen_at,$__interval),
    change AS metric,
    count(*) AS changes
FROM k8s_changes
WHERE $__timeFilter(seen_at) AND context_name IN ($context)
GROUP BY 1, 2
ORDER BY 1, 2;
