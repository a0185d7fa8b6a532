-- Every context that the inventory has seen.
SELECT
    cluster.context_name,
    cluster.version,
    cluster.provider,
    cluster.region,
    cluster.unconfigured_since,
    cluster.same_cluster_as
FROM k8s_clusters AS cluster
ORDER BY cluster.context_name;
