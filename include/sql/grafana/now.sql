-- Of the clusters that are configured: how far they are known now.
SELECT
    count(DISTINCT cluster.context_name) AS clusters,
    count(*) FILTER (WHERE status.outcome = 'complete') AS complete,
    count(*) FILTER (WHERE status.outcome NOT IN ('complete', 'absent', 'unsupported')) AS not_complete,
    max(abs(extract(EPOCH FROM now() - status.exact_as_of)))
    FILTER (WHERE status.outcome NOT IN ('absent', 'unsupported'))::double precision AS oldest
FROM k8s_clusters AS cluster
LEFT JOIN k8s_sync_status AS status ON cluster.context_name = status.context_name
WHERE cluster.unconfigured_since IS NULL AND cluster.context_name IN ($context);
