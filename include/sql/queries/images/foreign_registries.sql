-- Which containers run images of other registries than ours?
-- Hit: A container whose image's registry is not in `asked.ours`: change that list. As it stands, it has Kubernetes'
-- own.
-- Do: Copy the image to a registry of yours, and have an admission policy refuse others.
-- Key: namespace, owner_kind, owner, image
-- Source: CIS Kubernetes Benchmark 1.9 5.5.1; NSA/CISA Kubernetes Hardening Guide 1.2, Building secure container
-- images.
WITH asked AS (
    SELECT ARRAY['registry.k8s.io', 'registry.example'] AS ours
),

unknown AS (
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
    CROSS JOIN asked
    WHERE NOT part.registry = any(asked.ours)
    GROUP BY container.context_name, container.namespace, container.owner_kind, container.owner, image.name
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner, image;
