-- Which pods name a ConfigMap, Secret or claim that is not there?
-- Hit: A pod, or a template of pods, whose containers can not start until somebody makes what it names; `kind` and
-- `name` are of the pod or workload, `missing` is what it lacks.
-- Do: Make it, or correct the name.
-- Key: kind, namespace, name, missing_kind, missing
-- Source: Kubernetes documentation, ConfigMaps; Secrets: optional references are left out.
-- Limits: Pull secrets that are missing are only warned of by kubelets, and left out.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['configmaps', 'secrets', 'persistentvolumeclaims', 'pods', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'replicationcontrollers', 'jobs', 'cronjobs', 'podtemplates'])
),

named AS (
    SELECT
        shape.context_name,
        shape.kind,
        shape.namespace,
        shape.name,
        place.kind AS missing_kind,
        found.value #>> '{}' AS missing
    FROM k8s_pod_shapes AS shape
    CROSS JOIN (
        VALUES
        ('ConfigMap', '$.volumes[*].configMap ? (!(@.optional == true)).name'::jsonpath),
        ('ConfigMap', '$.volumes[*].projected.sources[*].configMap ? (!(@.optional == true)).name'),
        ('ConfigMap', '$.*[*].envFrom[*].configMapRef ? (!(@.optional == true)).name'),
        ('ConfigMap', '$.*[*].env[*].valueFrom.configMapKeyRef ? (!(@.optional == true)).name'),
        ('Secret', '$.volumes[*].secret ? (!(@.optional == true)).secretName'),
        ('Secret', '$.volumes[*].projected.sources[*].secret ? (!(@.optional == true)).name'),
        ('Secret', '$.*[*].envFrom[*].secretRef ? (!(@.optional == true)).name'),
        ('Secret', '$.*[*].env[*].valueFrom.secretKeyRef ? (!(@.optional == true)).name'),
        ('PersistentVolumeClaim', '$.volumes[*].persistentVolumeClaim.claimName')
    ) AS place (kind, path)
    CROSS JOIN LATERAL jsonb_path_query(shape.spec, place.path) AS found (value)
),

hit AS (
    SELECT DISTINCT
        named.context_name,
        NULL::text AS not_known,
        named.kind,
        named.namespace,
        named.name,
        named.missing_kind,
        named.missing
    FROM named
    LEFT JOIN k8s_configmaps AS config_map
        ON
            named.missing_kind = 'ConfigMap'
            AND named.context_name = config_map.context_name
            AND named.namespace = config_map.namespace
            AND named.missing = config_map.name
    LEFT JOIN k8s_secrets AS secret
        ON
            named.missing_kind = 'Secret'
            AND named.context_name = secret.context_name
            AND named.namespace = secret.namespace
            AND named.missing = secret.name
    LEFT JOIN k8s_persistentvolumeclaims AS claim
        ON
            named.missing_kind = 'PersistentVolumeClaim'
            AND named.context_name = claim.context_name
            AND named.namespace = claim.namespace
            AND named.missing = claim.name
    WHERE
        config_map.uid IS NULL
        AND secret.uid IS NULL
        AND claim.uid IS NULL
        AND named.context_name NOT IN (SELECT unknown.context_name FROM unknown)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, kind, name, missing_kind, missing;
