-- Which API versions does a cluster serve that a later Kubernetes does not?
-- Hit: An API version that the cluster serves, and that Kubernetes 1.`removed_in` takes away: clients of it fail from
-- then on.
-- Do: Find its clients by the API server's metric `apiserver_requested_deprecated_apis`, and move them to
-- `use_instead`.
-- Key: api_version, removed_in, use_instead
-- Source: Kubernetes documentation, Deprecated API Migration Guide; for beta versions that it does not name, the
-- lifecycle in k8s.io/api 0.36.
-- Limits: A cluster serves an API version, it does not say who uses it. Of a version that has several kinds, the others
-- may stay.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['apiservices'])
),

hit AS (
    SELECT
        service.context_name,
        NULL::text AS not_known,
        cluster.version AS cluster_version,
        removed.api_version,
        array_agg(removed.kind ORDER BY removed.kind) AS kinds,
        '1.' || removed.removed_in AS removed_in,
        max(removed.use_instead) AS use_instead
    FROM k8s_apiservices AS service
    INNER JOIN k8s_removed_versions() AS removed
        ON concat(service.api_group, '/', service.version) = removed.api_version
    LEFT JOIN k8s_clusters AS cluster ON service.context_name = cluster.context_name
    WHERE
        service.service_name IS NULL
        AND removed.removed_in > coalesce(substring(cluster.version FROM '^v?1\.(\d{1,3})')::integer, 0)
    GROUP BY service.context_name, cluster.version, removed.api_version, removed.removed_in
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, removed_in, api_version;
