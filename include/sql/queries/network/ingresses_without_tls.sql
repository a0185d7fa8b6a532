-- Which hosts are served without TLS?
-- Hit: A host of an Ingress that no entry of its `tls` covers; null: all hosts.
-- Do: Add the host to `tls`, with a Secret or the controller's default certificate.
-- Key: namespace, name, host
-- Source: Kubernetes documentation, Ingress: TLS; NSA/CISA Kubernetes Hardening Guide 1.2, Network separation and
-- hardening: encryption.
-- Limits: Whether the controller, or what is before it, has TLS for all hosts is not in the API.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['ingresses'])
),

hit AS (
    SELECT
        ingress.context_name,
        NULL::text AS not_known,
        ingress.namespace,
        ingress.name,
        rule.host,
        ingress.ingress_class_name
    FROM k8s_ingresses AS ingress
    CROSS JOIN
        LATERAL (
            SELECT nullif(each.value ->> 'host', '') AS host
            FROM jsonb_path_query(ingress.rules, '$[*]') AS each (value)
            UNION
            SELECT NULL
            WHERE ingress.spec -> 'defaultBackend' IS NOT NULL
        ) AS rule
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM jsonb_path_query(ingress.spec, '$.tls[*]') AS tls (value)
            WHERE
                NOT jsonb_path_exists(tls.value, '$.hosts[*]')
                OR tls.value -> 'hosts' ? rule.host
                -- A wildcard stands for one label.
                OR tls.value -> 'hosts' ? ('*' || substr(rule.host, strpos(rule.host, '.')))
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name, host;
