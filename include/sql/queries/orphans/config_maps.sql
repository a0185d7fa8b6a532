-- Which ConfigMaps does no pod use?
-- Hit: A ConfigMap that no pod, and no template of one, names in a volume, a projected volume or an environment.
-- Do: Delete it.
-- Key: namespace, name
-- Source: Kubernetes documentation, ConfigMaps; the places are those of pkg/api/v1/pod/util.go of Kubernetes 1.36.
-- Limits: Custom objects, and programs that read it by the API, may use it all the same: look before you delete. Of
-- pods of one built-in controller and revision the newest is looked at. What has an owner goes with it, and
-- kube-system's is Kubernetes' own: both are left out.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['configmaps', 'pods', 'deployments', 'replicasets', 'statefulsets', 'daemonsets', 'replicationcontrollers', 'jobs', 'cronjobs', 'podtemplates'])
),

used AS (
    SELECT DISTINCT
        shape.context_name,
        shape.namespace,
        referred.name
    FROM k8s_pod_shapes AS shape
    CROSS JOIN k8s_pod_references(shape.name, shape.spec) AS referred
    WHERE referred.kind = 'ConfigMap'
),

hit AS (
    SELECT
        config_map.context_name,
        NULL::text AS not_known,
        config_map.namespace,
        config_map.name,
        config_map.key_count,
        config_map.created_at
    FROM k8s_configmaps AS config_map
    LEFT JOIN used
        ON
            config_map.context_name = used.context_name
            AND config_map.namespace = used.namespace
            AND config_map.name = used.name
    WHERE
        used.name IS NULL
        AND config_map.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND config_map.name <> 'kube-root-ca.crt'
        AND config_map.namespace NOT IN ('kube-system', 'kube-public')
        AND config_map.owner_references = '[]'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, created_at, context_name, namespace, name;
