-- Which CRDs still have objects stored in a version that is not served?
-- Hit: A CRD with a version in `status.storedVersions` that it does not serve, or is not the one that is stored:
-- objects may still be in it, and the version can not be taken out of the CRD.
-- Do: Migrate the stored objects (write each again, or a StorageVersionMigration), then take the version out of
-- `status.storedVersions`.
-- Key: name, version
-- Source: Kubernetes documentation, Versions in CustomResourceDefinitions: Upgrade existing objects to a new stored
-- version.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['crds'])
),

hit AS (
    SELECT
        definition.context_name,
        NULL::text AS not_known,
        definition.name,
        stored.version,
        stored.version = any(definition.served_versions) AS is_served,
        definition.storage_version
    FROM k8s_custom_resources AS definition
    CROSS JOIN unnest(definition.stored_versions) AS stored (version)
    WHERE stored.version IS DISTINCT FROM definition.storage_version
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, is_served, context_name, name, version;
