-- The contexts of which there is something to ask, and since when each leads to the cluster that it leads to now.
SELECT
    coalesce(seen.context_name, target.context_name) AS context_name,
    max(seen.repointed_at) AS repointed_at
FROM k8s_sync_contexts AS seen
FULL JOIN k8s_sync_targets AS target ON seen.context_name = target.context_name
GROUP BY 1;
