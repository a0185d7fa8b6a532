-- Which services can be reached from outside?
-- Hit: A Service of type LoadBalancer or NodePort, or with external IPs; `node_ports` are open on every node.
-- Do: Put an Ingress in front, or bound it: `loadBalancerSourceRanges`, an internal load balancer.
-- Key: namespace, name, type
-- Source: NSA/CISA Kubernetes Hardening Guide 1.2, Network separation and hardening; Kubernetes documentation, Service:
-- Publishing Services.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['services'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        namespace,
        name,
        type,
        external_addresses,
        jsonb_path_query_array(spec, '$.externalIPs[*]') AS external_ips,
        jsonb_path_query_array(ports, '$[*].nodePort ? (@ > 0)') AS node_ports,
        jsonb_path_query_array(spec, '$.loadBalancerSourceRanges[*]') AS source_ranges
    FROM k8s_services
    WHERE type IN ('LoadBalancer', 'NodePort') OR jsonb_path_exists(spec, '$.externalIPs[*]')
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name;
