-- Which pods share namespaces of their node?
-- Hit: A pod in the node's network, process or IPC namespace: it sees what others on the node do; `namespaces` names
-- which. Pods of one owner that are alike are one row: `pods` of them, `pod` is one.
-- Do: Take `hostNetwork`, `hostPID` and `hostIPC` away where they are not what the pod is for.
-- Key: namespace, owner_kind, owner, namespaces
-- Source: Pod Security Standards, Baseline: Host Namespaces; CIS Kubernetes Benchmark 1.9 5.2.3, 5.2.4, 5.2.5; NSA/CISA
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
            '$ ? (@.hostNetwork == true || @.hostPID == true || @.hostIPC == true).keyvalue() ? (
                (@.key == "hostNetwork" || @.key == "hostPID" || @.key == "hostIPC") && @.value == true
            ).key'
        ) AS namespaces
    FROM k8s_live_pods AS pod
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        owner_kind,
        owner,
        namespaces,
        count(*) AS pods,
        min(pod) AS pod
    FROM found
    WHERE namespaces <> '[]'
    GROUP BY context_name, namespace, owner_kind, owner, namespaces
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
