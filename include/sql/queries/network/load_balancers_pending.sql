-- Which load balancers have no address?
-- Hit: A Service of type LoadBalancer that has waited for an address for ten minutes.
-- Do: Look into its events: the cloud's quota, or no controller for its class.
-- Key: namespace, name
-- Source: Kubernetes documentation, Service: type LoadBalancer.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['services'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        load_balancer_class,
        created_at
    FROM k8s_services
    WHERE
        type = 'LoadBalancer'
        AND NOT jsonb_path_exists(status, '$.loadBalancer.ingress[*]')
        AND created_at < now() - interval '10 minutes'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
