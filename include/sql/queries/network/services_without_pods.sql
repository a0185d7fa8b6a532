-- Which services that select pods select none?
-- Hit: A Service with a selector that no pod has which has not ended: who calls it gets no answer. One of type
-- ExternalName selects none by nature.
-- Do: Correct the selector or the pods' labels, or delete the Service.
-- Key: namespace, name
-- Source: Kubernetes documentation, Service; the rule is that of Kubernetes' EndpointSlice controller.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['services', 'pods'])
),

hit AS (
    SELECT
        service.context_name,
        NULL::text AS not_known,
        service.namespace,
        service.name,
        service.selector
    FROM k8s_services AS service
    WHERE
        service.selector <> '{}'
        AND service.type IS DISTINCT FROM 'ExternalName'
        AND service.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_pods AS pod
            WHERE
                pod.context_name = service.context_name
                AND pod.namespace = service.namespace
                AND pod.labels @> service.selector
                AND coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
