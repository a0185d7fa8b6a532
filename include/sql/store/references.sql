-- How objects hang together: owners, and edges between kinds. Never across contexts.

-- The owner that an owner chain follows: the controller, or the first owner where none is.
CREATE OR REPLACE FUNCTION k8s_owner(owner_references jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(jsonb_path_query_first(owner_references, '$[*] ? (@.controller == true)'), owner_references -> 0);

COMMENT ON FUNCTION k8s_owner(jsonb) IS 'Of owner references, the one of the controller, or else the first.';

-- What a pod takes from others of its namespace. The rules are those of pkg/api/v1/pod/util.go of Kubernetes 1.36.
CREATE OR REPLACE FUNCTION k8s_pod_references(pod_name text, spec jsonb)
RETURNS TABLE (kind text, name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
SELECT DISTINCT
    path.kind,
    found #>> '{}'
FROM (
    VALUES
    ('ConfigMap', '$.volumes[*].configMap.name'::jsonpath),
    ('ConfigMap', '$.volumes[*].projected.sources[*].configMap.name'),
    ('ConfigMap', '$.*[*].envFrom[*].configMapRef.name'),
    ('ConfigMap', '$.*[*].env[*].valueFrom.configMapKeyRef.name'),
    ('Secret', '$.volumes[*].secret.secretName'),
    ('Secret', '$.volumes[*].projected.sources[*].secret.name'),
    ('Secret', '$.volumes[*].azureFile.secretName'),
    ('Secret', '$.volumes[*].csi.nodePublishSecretRef.name'),
    ('Secret', '$.volumes[*].*.secretRef.name'),
    ('Secret', '$.*[*].envFrom[*].secretRef.name'),
    ('Secret', '$.*[*].env[*].valueFrom.secretKeyRef.name'),
    ('Secret', '$.imagePullSecrets[*].name'),
    ('PersistentVolumeClaim', '$.volumes[*].persistentVolumeClaim.claimName')
) AS path (kind, find)
CROSS JOIN LATERAL jsonb_path_query(spec, path.find) AS found
WHERE found <> '""'
UNION ALL
SELECT
    'PersistentVolumeClaim',
    pod_name || '-' || (found #>> '{}')
FROM jsonb_path_query(spec, '$.volumes[*] ? (exists (@.ephemeral)).name') AS found;
END;

COMMENT ON FUNCTION k8s_pod_references(text, jsonb) IS
'The ConfigMaps, Secrets and PersistentVolumeClaims that a pod of this name and spec uses.';
