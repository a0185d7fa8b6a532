-- What is set aside for pods that do not work?
-- Hit: Pods of one owner that have had a node for an hour and are not ready: what they ask for is taken from others.
-- Do: Mend or stop them: reliability/crash_loops.sql and images/pull_errors.sql have two of the reasons.
-- Key: namespace, owner_kind, owner, display_status
-- Source: Kubernetes documentation, Resource Management for Pods and Containers: how Pods with resource requests are
-- scheduled.
-- Limits: How much a pod that works uses of what it asks for is not in the API: metrics are not stored.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        owner_kind,
        owner,
        display_status,
        count(*) AS pods,
        sum(cpu_request) AS cpu_requested,
        sum(memory_request) AS memory_requested,
        min(created_at) AS since
    FROM k8s_live_pods
    WHERE
        node_name <> ''
        AND ready_containers < total_containers
        AND created_at < now() - interval '1 hour'
        AND (cpu_request > 0 OR memory_request > 0)
    GROUP BY context_name, namespace, owner_kind, owner, display_status
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, cpu_requested DESC NULLS LAST, context_name, namespace, owner;
