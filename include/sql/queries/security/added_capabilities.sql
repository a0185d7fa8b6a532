-- Which containers have capabilities that a runtime does not give by default?
-- Hit: A container that adds a capability beyond the Baseline list. Pods of one owner that are alike are one row:
-- `pods` of them, `pod` is one.
-- Do: Drop ALL, and add no more than the process needs; NET_ADMIN, SYS_ADMIN and SYS_PTRACE lead to the node.
-- Key: namespace, owner_kind, owner, containers
-- Source: Pod Security Standards, Baseline: Capabilities; CIS Kubernetes Benchmark 1.9 5.2.8, 5.2.9; NSA/CISA
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
            '$.*[*] ? (@.image.type() == "string" && exists (@.securityContext.capabilities.add[*] ? (
                @ != "AUDIT_WRITE" && @ != "CHOWN" && @ != "DAC_OVERRIDE" && @ != "FOWNER" && @ != "FSETID"
                && @ != "KILL" && @ != "MKNOD" && @ != "NET_BIND_SERVICE" && @ != "SETFCAP" && @ != "SETGID"
                && @ != "SETPCAP" && @ != "SETUID" && @ != "SYS_CHROOT"
            ))).name'
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
