-- Which images run where, and in how many pods?
-- Hit: An image of running pods, whatever the cluster.
-- Do: Nothing: it is what there is.
-- Key: image
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Building secure container images: know what runs.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        NULL::text AS context_name,
        NULL::text AS not_known,
        image.name AS image,
        count(*) AS pods,
        array_agg(DISTINCT pod.context_name) AS contexts
    FROM k8s_pods AS pod
    CROSS JOIN LATERAL unnest(pod.images || pod.init_images) AS image (name)
    WHERE pod.phase = 'Running'
    GROUP BY image.name
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, pods DESC, image;
