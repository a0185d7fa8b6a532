-- The latest changes of the span of time that is shown.
SELECT
    seen_at,
    context_name AS context,
    kind,
    namespace,
    name,
    change,
    array_to_string(columns, ', ') AS columns
FROM k8s_changes
WHERE $__timeFilter(seen_at) AND context_name IN ($context)
ORDER BY seen_at DESC
LIMIT 200;
