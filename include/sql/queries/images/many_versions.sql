-- Which images run in more than one version?
-- Hit: An image that runs by several tags or digests, in all clusters together; `contexts` are those.
-- Do: Find out which is meant, and roll it out everywhere.
-- Key: image
-- Source: Kubernetes documentation, Configuration Best Practices.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

running AS (
    SELECT
        context_name,
        unnest(images || init_images) AS image,
        count(*) AS pods
    FROM k8s_pods
    WHERE phase = 'Running'
    GROUP BY context_name, image
),

hit AS (
    SELECT
        NULL::text AS context_name,
        NULL::text AS not_known,
        concat(part.registry, '/', part.repository) AS image,
        count(DISTINCT coalesce(part.digest, part.tag)) AS versions,
        array_agg(DISTINCT coalesce(part.digest, part.tag)) AS found,
        array_agg(DISTINCT running.context_name) AS contexts,
        sum(running.pods) AS pods
    FROM running
    CROSS JOIN k8s_image(running.image) AS part
    GROUP BY part.registry, part.repository
    HAVING count(DISTINCT coalesce(part.digest, part.tag)) > 1
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, versions DESC, image;
