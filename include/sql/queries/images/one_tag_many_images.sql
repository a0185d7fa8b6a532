-- Which tags stand for different images?
-- Hit: An image's name under which nodes run more than one digest: it was pushed again, and pods differ.
-- Do: Restart the workload, and name images by digest.
-- Source: Kubernetes documentation, Images: Image pull policy.
-- Limits: An image for several architectures has a digest for each with some runtimes.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        pod.context_name,
        NULL::text AS not_known,
        status.value ->> 'image' AS image,
        count(DISTINCT substring(status.value ->> 'imageID' FROM '@(.*)$')) AS digests,
        array_agg(DISTINCT substring(status.value ->> 'imageID' FROM '@(.*)$')) AS found,
        array_agg(DISTINCT pod.namespace) AS namespaces,
        count(*) AS containers
    FROM k8s_pods AS pod
    CROSS JOIN LATERAL jsonb_path_query(pod.status, '$.containerStatuses[*] ? (exists (@.imageID))') AS status (value)
    WHERE strpos(status.value ->> 'imageID', '@') > 0 AND strpos(status.value ->> 'image', '@') = 0
    GROUP BY pod.context_name, status.value ->> 'image'
    HAVING count(DISTINCT substring(status.value ->> 'imageID' FROM '@(.*)$')) > 1
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, image;
