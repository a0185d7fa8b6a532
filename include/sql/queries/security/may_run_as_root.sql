-- Which containers may run as root?
-- Hit: A container whose user is 0, or is left to its image without `runAsNonRoot`; what a container does not set is
-- the pod's. Pods of one owner that are alike are one row: `pods` of them, `pod` is one.
-- Do: Set `runAsNonRoot: true`, and `runAsUser` where the image names no user by number.
-- Key: namespace, owner_kind, owner, containers
-- Source: Pod Security Standards, Restricted: Running as Non-root, Running as Non-root user; CIS Kubernetes Benchmark
-- 1.9 5.2.7; NSA/CISA Kubernetes Hardening Guide 1.2, Non-root containers.
-- Limits: It does not know the user that an image names: such a container is a hit, though it may run as another. In a
-- pod with `hostUsers: false` root is none of the node's.
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
                @.securityContext.runAsUser == 0
                || !exists (@.securityContext.runAsUser) && $.securityContext.runAsUser == 0
                || !exists (@.securityContext.runAsUser) && !exists ($.securityContext.runAsUser) && (
                    @.securityContext.runAsNonRoot == false
                    || !exists (@.securityContext.runAsNonRoot) && !($.securityContext.runAsNonRoot == true)
                )
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
