-- Which nodes are too far behind, or ahead of, their API server?
-- Hit: A node whose kubelet is newer than the API server, or `behind` by more minor versions than are supported: three,
-- and two for kubelets before 1.25.
-- Do: Upgrade the node before the control plane.
-- Key: name
-- Source: Kubernetes documentation, Version Skew Policy: kubelet.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['nodes'])
),

minors AS (
    SELECT
        node.context_name,
        node.name,
        node.kubelet_version,
        cluster.version,
        substring(node.kubelet_version FROM '^v?1\.(\d{1,3})')::integer AS kubelet_minor,
        substring(cluster.version FROM '^v?1\.(\d{1,3})')::integer AS cluster_minor
    FROM k8s_nodes AS node
    INNER JOIN k8s_clusters AS cluster ON node.context_name = cluster.context_name
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        name,
        kubelet_version,
        version AS cluster_version,
        cluster_minor - kubelet_minor AS behind
    FROM minors
    WHERE
        kubelet_minor > cluster_minor
        OR cluster_minor - kubelet_minor > CASE WHEN kubelet_minor < 25 THEN 2 ELSE 3 END
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, name;
