-- Which containers may use any amount of memory?
-- Hit: A container, init container or sidecar without a memory limit, in a pod without one. Pods of one owner that are
-- alike are one row: `pods` of them, `pod` is one.
-- Do: Set `limits.memory`, or a LimitRange with defaults in the namespace.
-- Key: namespace, owner_kind, owner, containers
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Resource policies; Kubernetes documentation, Assign Memory Resources
-- to Containers and Pods.
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
        k8s_found(pod.spec, '$.containers[*] ? (!exists (@.resources.limits.memory) && !exists ($.resources.limits.memory)).name')
        || k8s_found(pod.spec, '$.initContainers[*] ? (!exists (@.resources.limits.memory) && !exists ($.resources.limits.memory)).name') AS containers
    FROM k8s_live_pods AS pod
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        owner_kind,
        owner,
        containers,
        count(*) AS pods,
        min(pod) AS pod
    FROM found
    WHERE containers <> '[]'
    GROUP BY context_name, namespace, owner_kind, owner, containers
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
