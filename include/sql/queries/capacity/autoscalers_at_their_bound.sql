-- Which autoscalers can not scale up any more?
-- Hit: A HorizontalPodAutoscaler whose workload has as many pods as it may, and more than the fewest.
-- Do: Raise `maxReplicas`, or find out what the load is.
-- Key: namespace, name
-- Source: Kubernetes documentation, Horizontal Pod Autoscaling.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['horizontalpodautoscalers'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        target_kind,
        target_name,
        min_replicas,
        current_replicas,
        max_replicas,
        last_scale_time
    FROM k8s_horizontalpodautoscalers
    WHERE current_replicas >= max_replicas AND max_replicas > coalesce(min_replicas, 1)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
