-- Which containers crash again and again?
-- Hit: A container that the kubelet lets wait before it starts it again; `exit_code` and `reason` are of its last end.
-- Do: `kubectl logs --previous`; 137 with OOMKilled is a memory limit that is too low.
-- Key: namespace, name, container
-- Source: Kubernetes documentation, Pod Lifecycle: container restarts.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        pod.context_name,
        NULL::text AS not_known,
        pod.namespace,
        pod.name,
        status.value ->> 'name' AS container,
        status.value ->> 'restartCount' AS restarts,
        status.value #>> '{lastState,terminated,exitCode}' AS exit_code,
        status.value #>> '{lastState,terminated,reason}' AS reason,
        pod.created_at
    FROM k8s_pods AS pod
    CROSS JOIN
        LATERAL jsonb_path_query(
            pod.status,
            '$.*[*] ? (@.state.waiting.reason == "CrashLoopBackOff")'
        ) AS status (value)
    WHERE coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed') AND pod.ready_containers < pod.total_containers
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name, container;
