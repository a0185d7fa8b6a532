-- Which clusters are behind the others?
-- Hit: A cluster whose Kubernetes is older than that of another one; `behind` counts minor versions.
-- Do: Upgrade it: the last three minor versions get security fixes.
-- Key: context_name
-- Source: Kubernetes documentation, Version Skew Policy: Supported versions.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['nodes'])
),

versions AS (
    SELECT
        context_name,
        version,
        provider,
        substring(version FROM '^v?1\.(\d{1,3})')::integer AS minor,
        max(substring(version FROM '^v?1\.(\d{1,3})')::integer) OVER () AS newest
    FROM k8s_clusters
    WHERE unconfigured_since IS NULL
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        version,
        provider,
        newest - minor AS behind
    FROM versions
    WHERE minor < newest
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, behind DESC, context_name;
