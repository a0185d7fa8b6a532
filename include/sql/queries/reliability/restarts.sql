-- Which pods restart often?
-- Hit: A pod with ten restarts or more, the last within a day.
-- Do: Find out what ends its containers: reliability/out_of_memory.sql, liveness probes.
-- Key: namespace, name
-- Source: Kubernetes documentation, Pod Lifecycle: container restarts.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        display_status,
        restarts,
        last_restart_at
    FROM k8s_pods
    WHERE restarts >= 10 AND last_restart_at > now() - interval '1 day'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, restarts DESC NULLS LAST, context_name, namespace, name;
