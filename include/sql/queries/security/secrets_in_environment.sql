-- Which containers have Secrets in their environment?
-- Hit: A container with an environment variable from a Secret: it shows in crash dumps, child processes and logs. Pods
-- of one owner that are alike are one row: `pods` of them, `pod` is one.
-- Do: Mount the Secret as a file.
-- Key: namespace, owner_kind, owner, containers
-- Source: CIS Kubernetes Benchmark 1.9 5.4.1; NSA/CISA Kubernetes Hardening Guide 1.2, Secrets.
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
            '$.*[*] ? (@.image.type() == "string" && (exists (@.env[*].valueFrom.secretKeyRef) || exists (@.envFrom[*].secretRef))).name'
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
