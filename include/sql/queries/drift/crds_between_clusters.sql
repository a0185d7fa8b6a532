-- Which CRDs differ between clusters?
-- Hit: A CRD that several clusters have with other served or stored versions; `found` says which context has which.
-- Do: Install the same version of the operator.
-- Key: name
-- Source: Kubernetes documentation, Versions in CustomResourceDefinitions.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['crds'])
),

hit AS (
    SELECT
        NULL::text AS context_name,
        NULL::text AS not_known,
        name,
        jsonb_object_agg(
            context_name, jsonb_build_object('served', to_jsonb(served_versions), 'storage', storage_version)
        ) AS found
    FROM k8s_custom_resources
    GROUP BY name
    HAVING count(DISTINCT concat(served_versions::text, storage_version)) > 1
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, name;
