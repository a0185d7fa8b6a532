-- Which workloads have all their pods on one node?
-- Hit: Two or more running pods of one owner that share a node: all are gone with it.
-- Do: Spread them: `topologySpreadConstraints` or anti-affinity by `kubernetes.io/hostname`.
-- Key: namespace, owner_kind, owner
-- Source: Kubernetes documentation, Pod Topology Spread Constraints.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods', 'nodes'])
),

several AS (
    SELECT context_name
    FROM k8s_nodes
    GROUP BY context_name
    HAVING count(*) > 1
),

hit AS (
    SELECT
        pod.context_name,
        NULL::text AS not_known,
        pod.namespace,
        k8s_owner(pod.owner_references) ->> 'kind' AS owner_kind,
        k8s_owner(pod.owner_references) ->> 'name' AS owner,
        min(pod.node_name) AS node_name,
        count(*) AS pods
    FROM k8s_pods AS pod
    INNER JOIN several
        ON pod.context_name = several.context_name
    WHERE
        pod.node_name <> ''
        AND coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
        AND k8s_owner(pod.owner_references) ->> 'kind' IN ('ReplicaSet', 'StatefulSet', 'ReplicationController')
    GROUP BY pod.context_name, pod.namespace, owner_kind, owner
    HAVING count(*) > 1 AND min(pod.node_name) = max(pod.node_name)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, pods DESC NULLS LAST, context_name, namespace, owner;
