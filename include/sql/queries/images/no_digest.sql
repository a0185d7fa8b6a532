-- Which containers run an image that can change under its name?
-- Hit: A container whose image is not named by its digest.
-- Do: Put the digest behind the tag, as most build systems can.
-- Key: namespace, owner_kind, owner, image
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Building secure container images; Kubernetes documentation, Images:
-- Image pull policy.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

container AS (
    SELECT
        context_name,
        namespace,
        owner_kind,
        owner,
        images || init_images AS images,
        count(*) AS pods
    FROM k8s_live_pods
    GROUP BY context_name, namespace, owner_kind, owner, images || init_images
),

hit AS (
    SELECT
        container.context_name,
        NULL::text AS not_known,
        container.namespace,
        container.owner_kind,
        container.owner,
        image.name AS image,
        sum(container.pods) AS pods
    FROM container
    CROSS JOIN unnest(container.images) AS image (name)
    CROSS JOIN k8s_image(image.name) AS part
    WHERE part.digest IS NULL
    GROUP BY container.context_name, container.namespace, container.owner_kind, container.owner, image.name
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner, image;
