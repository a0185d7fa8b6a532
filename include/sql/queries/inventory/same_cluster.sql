-- Which contexts lead to the same cluster?
-- Hit: A context beside which others lead to one cluster: its objects are there once for each, and sums over all
-- contexts count them twice.
-- Do: Leave one of them out of `contexts`.
-- Key: cluster_uid
-- Source: docs/status.md.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY[]::text[])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        cluster_uid,
        server,
        same_cluster_as
    FROM k8s_clusters
    WHERE same_cluster_as <> '{}'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, cluster_uid, context_name;
