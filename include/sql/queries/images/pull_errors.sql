-- Which images can not be pulled?
-- Hit: A pod that waits for an image; `reason` is what kubectl shows.
-- Do: Look into the pod's events: a name that is wrong, a registry that is down, or a pull secret that is missing.
-- Key: namespace, name, container, image
-- Source: Kubernetes documentation, Images: ImagePullBackOff.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        pod.context_name,
        NULL::text AS not_known,
        pod.namespace,
        pod.name,
        status.value ->> 'name' AS container,
        status.value ->> 'image' AS image,
        status.value #>> '{state,waiting,reason}' AS reason,
        pod.created_at
    FROM k8s_pods AS pod
    CROSS JOIN
        LATERAL jsonb_path_query(
            pod.status, '$.*[*] ? (exists (@.state.waiting.reason))'
        ) AS status (value)
    WHERE
        coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
        AND pod.ready_containers < pod.total_containers
        AND status.value #>> '{state,waiting,reason}' IN (
            'ImagePullBackOff', 'ErrImagePull', 'ErrImageNeverPull', 'InvalidImageName', 'ImageInspectError',
            'RegistryUnavailable', 'SignatureValidationFailed'
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name, container;
