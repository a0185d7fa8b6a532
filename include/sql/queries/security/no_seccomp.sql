-- Which containers run without a seccomp profile?
-- Hit: A container for which neither it nor its pod names a profile, or that is Unconfined: every system call is open
-- to it, unless the kubelet has `seccompDefault`. Pods of one owner that are alike are one row: `pods` of them, `pod`
-- is one.
-- Do: Set `seccompProfile.type: RuntimeDefault` in the pod's securityContext.
-- Key: namespace, owner_kind, owner, containers
-- Source: Pod Security Standards, Restricted: Seccomp; CIS Kubernetes Benchmark 1.9 5.7.2; NSA/CISA Kubernetes
-- Hardening Guide 1.2, Kubernetes Pod security.
-- Limits: The kubelet's `seccompDefault` is not in the API: where it is on, what names no profile has the runtime's.
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
            '$.*[*] ? (@.image.type() == "string" && !($.os.name == "windows") && (
                exists (@.securityContext.seccompProfile.type ? (@ == "Unconfined"))
                || !exists (@.securityContext.seccompProfile.type)
                && !exists ($.securityContext.seccompProfile.type ? (@ != "Unconfined"))
            )).name'
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
