-- Which containers listen on ports of their node?
-- Hit: A container with a hostPort: it is reached past Services, and mostly past network policies. Pods of one owner
-- that are alike are one row: `pods` of them, `pod` is one.
-- Do: Use a Service, or take the port away.
-- Key: namespace, owner_kind, owner, containers
-- Source: Pod Security Standards, Baseline: Host Ports; CIS Kubernetes Benchmark 1.9 5.2.13.
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
        k8s_found(
            pod.spec,
            '$.*[*] ? (@.image.type() == "string" && exists (@.ports[*].hostPort ? (@ != 0))).name'
        ) AS containers
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
