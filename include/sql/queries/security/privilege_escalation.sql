-- Which containers may gain more rights than they were started with?
-- Hit: A container without `allowPrivilegeEscalation: false`: setuid programs work in it. Pods of one owner that are
-- alike are one row: `pods` of them, `pod` is one.
-- Do: Set it; what is privileged or has CAP_SYS_ADMIN can not.
-- Key: namespace, owner_kind, owner, containers
-- Source: Pod Security Standards, Restricted: Privilege Escalation; CIS Kubernetes Benchmark 1.9 5.2.6; NSA/CISA
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
            '$.*[*] ? (@.image.type() == "string" && !(@.securityContext.allowPrivilegeEscalation == false) && !($.os.name == "windows")).name'
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
