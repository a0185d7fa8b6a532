-- Which pods mount paths of their node?
-- Hit: A pod with a hostPath volume; `paths` are those. Pods of one owner that are alike are one row: `pods` of them,
-- `pod` is one.
-- Do: Use a volume of another type. A path that is `/`, or has the socket of the container runtime, `/etc`, `/root`,
-- `/var/lib/kubelet` or `/proc` in it, is as good as the node itself: look at these first.
-- Key: namespace, owner_kind, owner, paths
-- Source: Pod Security Standards, Baseline: HostPath Volumes; CIS Kubernetes Benchmark 1.9 5.2.12; NSA/CISA Kubernetes
-- Hardening Guide 1.2, Kubernetes Pod security.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

found AS MATERIALIZED (
    SELECT
        pod.context_name,
        pod.namespace,
        pod.owner_kind,
        pod.owner,
        pod.name AS pod,
        k8s_found(pod.spec, '$.volumes[*].hostPath.path') AS paths
    FROM k8s_live_pods AS pod
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        owner_kind,
        owner,
        paths,
        count(*) AS pods,
        min(pod) AS pod
    FROM found
    WHERE paths <> '[]'
    GROUP BY context_name, namespace, owner_kind, owner, paths
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
