-- Which containers run privileged?
-- Hit: A container with all rights of its node's root; `containers` names them. Pods of one owner that are alike are
-- one row: `pods` of them, `pod` is one.
-- Do: Take `privileged` away, and add single capabilities or a device plugin in its place; keep what must stay, such as
-- CNI and CSI agents, in namespaces of their own.
-- Key: namespace, owner_kind, owner, containers
-- Source: Pod Security Standards, Baseline: Privileged Containers; CIS Kubernetes Benchmark 1.9 5.2.2; NSA/CISA
-- Kubernetes Hardening Guide 1.2, Kubernetes Pod security.
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
            '$.*[*] ? (@.image.type() == "string" && @.securityContext.privileged == true).name'
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
