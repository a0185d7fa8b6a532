-- Which pods break the Pod Security Standard baseline?
-- Hit: Pods of one owner that a namespace which enforces `baseline` would refuse. `controls` are what one of them,
-- `pod`, breaks, by the names that PodSecurity admission has for them, and by which containers or volumes.
-- Do: Mend what the controls name, then label the namespace `pod-security.kubernetes.io/enforce: baseline`.
-- Key: namespace, owner_kind, owner, controls
-- Source: Pod Security Standards, Baseline, version latest of Kubernetes 1.36; CIS Kubernetes Benchmark 1.9 5.2.1;
-- NSA/CISA Kubernetes Hardening Guide 1.2, Pod Security enforcement.
-- Limits: Pods of one owner may break different controls. What admission exempts (users, runtime classes, namespaces)
-- is a flag of the API server, which is not in the API.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

broken AS (
    SELECT
        pod.context_name,
        pod.namespace,
        pod.owner_kind,
        pod.owner,
        count(*) AS pods,
        min(pod.uid) AS uid
    FROM k8s_live_pods AS pod
    WHERE k8s_breaks_baseline(pod.spec, pod.annotations)
    GROUP BY pod.context_name, pod.namespace, owner_kind, owner
),

hit AS (
    SELECT
        broken.context_name,
        NULL::text AS not_known,
        broken.namespace,
        broken.owner_kind,
        broken.owner,
        broken.pods,
        pod.name AS pod,
        (
            SELECT jsonb_object_agg(security.control, security.broken_by)
            FROM k8s_pod_security(pod.spec, pod.annotations) AS security WHERE security.level = 'baseline'
        ) AS controls
    FROM broken
    INNER JOIN k8s_pods AS pod ON broken.context_name = pod.context_name AND broken.uid = pod.uid
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, owner_kind, owner;
