-- Which containers were killed for their memory?
-- Hit: A container whose last end, or present one, was OOMKilled.
-- Do: Raise its memory limit, or find the leak.
-- Key: namespace, name, container
-- Source: Kubernetes documentation, Assign Memory Resources to Containers and Pods.
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
        coalesce(
            status.value #>> '{lastState,terminated,finishedAt}', status.value #>> '{state,terminated,finishedAt}'
        ) AS killed_at
    FROM k8s_pods AS pod
    CROSS JOIN
        LATERAL jsonb_path_query(
            pod.status,
            '$.*[*] ? (
            @.state.terminated.reason == "OOMKilled" || @.lastState.terminated.reason == "OOMKilled"
        )'
        ) AS status (value)
    WHERE pod.restarts > 0 OR pod.ready_containers < pod.total_containers
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, killed_at DESC NULLS LAST, context_name, namespace, name, container;
