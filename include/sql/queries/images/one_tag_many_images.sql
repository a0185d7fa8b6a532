-- Which tags stand for different images?
-- Hit: An image's name under which nodes run more than one digest: it was pushed again, and pods differ.
-- Do: Restart the workload, and name images by digest.
-- Key: image
-- Source: Kubernetes documentation, Images: Image pull policy.
-- Limits: An image for several architectures has a digest for each with some runtimes.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

running AS (
    SELECT
        pod.context_name,
        pod.namespace,
        status.value ->> 'image' AS image,
        substring(status.value ->> 'imageID' FROM '@(.*)$') AS digest,
        count(*) AS containers
    FROM k8s_pods AS pod
    CROSS JOIN LATERAL jsonb_path_query(pod.status, '$.containerStatuses[*]') AS status (value)
    WHERE strpos(status.value ->> 'imageID', '@') > 0 AND strpos(status.value ->> 'image', '@') = 0
    GROUP BY pod.context_name, pod.namespace, image, digest
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        image,
        count(DISTINCT digest) AS digests,
        array_agg(DISTINCT digest) AS found,
        array_agg(DISTINCT namespace) AS namespaces,
        sum(containers) AS containers
    FROM running
    GROUP BY context_name, image
    HAVING count(DISTINCT digest) > 1
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, image;
