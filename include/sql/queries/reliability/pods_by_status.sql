-- Which pods are in which state, as kubectl calls it?
-- Hit: Pods of a namespace in one state.
-- Do: Look at the states that are not Running or Completed.
-- Key: namespace, display_status
-- Source: kubectl get pods.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['pods'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        display_status,
        count(*) AS pods,
        sum(restarts) AS restarts
    FROM k8s_pods
    GROUP BY context_name, namespace, display_status
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, display_status;
