-- Which pods have had a debugger attached?
-- Hit: A pod with ephemeral containers, as `kubectl debug` adds them; they stay in the pod until it goes. Pods of one
-- owner that are alike are one row: `pods` of them, `pod` is one.
-- Do: Ask who did it and why, then delete the pod: its controller makes a clean one.
-- Key: namespace, owner_kind, owner, containers
-- Source: Kubernetes documentation, Ephemeral Containers: they can not be taken away again.
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
        k8s_found(pod.spec, '$.ephemeralContainers[*].name') AS containers
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
