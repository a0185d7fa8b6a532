-- Which autoscalers scale nothing?
-- Hit: A HorizontalPodAutoscaler whose Deployment, StatefulSet, ReplicaSet or ReplicationController is not there.
-- Do: Delete it, or correct its `scaleTargetRef`.
-- Key: namespace, name
-- Source: Kubernetes documentation, Horizontal Pod Autoscaling.
-- Limits: Targets of custom kinds are not looked at.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['horizontalpodautoscalers', 'deployments', 'statefulsets', 'replicasets', 'replicationcontrollers'])
),

hit AS (
    SELECT
        autoscaler.context_name,
        NULL::text AS not_known,
        autoscaler.namespace,
        autoscaler.name,
        autoscaler.target_kind,
        autoscaler.target_name
    FROM k8s_horizontalpodautoscalers AS autoscaler
    WHERE
        autoscaler.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND autoscaler.target_kind IN ('Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController')
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_objects AS object
            WHERE
                object.context_name = autoscaler.context_name
                AND object.kind = autoscaler.target_kind
                AND object.plural IN ('deployments', 'statefulsets', 'replicasets', 'replicationcontrollers')
                AND object."group" IN ('apps', '')
                AND object.namespace = autoscaler.namespace
                AND object.name = autoscaler.target_name
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
