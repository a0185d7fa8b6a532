-- Which kinds does a cluster serve in no newer version than one that goes?
-- Hit: Objects that can only be read in an API version that Kubernetes 1.`removed_in` takes away. The objects
-- themselves stay, under `use_instead`.
-- Do: Move manifests and clients while both versions are served: upgrade one minor version at a time.
-- Key: kind, api_version
-- Source: Kubernetes documentation, Deprecated API Migration Guide; for beta versions that it does not name, the
-- lifecycle in k8s.io/api 0.36.
-- Limits: The inventory reads the version that a cluster prefers: it does not see in which one an object was written.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['cronjobs', 'endpointslices', 'horizontalpodautoscalers', 'poddisruptionbudgets', 'runtimeclasses', 'flowschemas', 'prioritylevelconfigurations', 'csistoragecapacities', 'validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'volumeattributesclasses', 'ipaddresses', 'servicecidrs'])
),

hit AS (
    SELECT
        object.context_name,
        NULL::text AS not_known,
        object.kind,
        removed.api_version,
        '1.' || removed.removed_in AS removed_in,
        removed.use_instead,
        count(*) AS objects,
        min(object.name) AS one_of_them
    FROM k8s_removed_versions() AS removed
    INNER JOIN k8s_objects AS object
        ON removed.plural = object.plural AND removed.api_version = object.api_version
    WHERE object.plural <> 'pods'
    GROUP BY object.context_name, object.kind, removed.api_version, removed.removed_in, removed.use_instead
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, removed_in, kind;
