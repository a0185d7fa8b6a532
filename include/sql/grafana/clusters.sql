-- A row for each cluster: the first have most that is not known.
SELECT
    cluster.context_name AS context,
    cluster.version,
    cluster.provider,
    cluster.region,
    count(*) FILTER (WHERE status.outcome = 'complete') AS complete,
    count(*) FILTER (WHERE status.outcome NOT IN ('complete', 'absent', 'unsupported')) AS not_complete,
    max(abs(extract(EPOCH FROM now() - status.exact_as_of)))
    FILTER (WHERE status.outcome NOT IN ('absent', 'unsupported'))::double precision AS oldest,
    cluster.unconfigured_since
FROM k8s_clusters AS cluster
LEFT JOIN k8s_sync_status AS status ON cluster.context_name = status.context_name
WHERE cluster.context_name IN ($context)
GROUP BY
    cluster.context_name,
    cluster.version,
    cluster.provider,
    cluster.region,
    cluster.unconfigured_since
ORDER BY not_complete DESC, cluster.context_name;
