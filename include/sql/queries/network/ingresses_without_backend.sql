-- Which ingresses lead nowhere?
-- Hit: A backend of an Ingress whose Service is not there, or has no such port; `port` is the port's name or number.
-- Do: Correct the backend, or delete the Ingress.
-- Key: namespace, name, service, port, why
-- Source: Kubernetes documentation, Ingress.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['ingresses', 'services'])
),

hit AS (
    SELECT DISTINCT
        ingress.context_name,
        NULL::text AS not_known,
        ingress.namespace,
        ingress.name,
        backend.value ->> 'name' AS service,
        coalesce(backend.value #>> '{port,name}', backend.value #>> '{port,number}') AS port,
        CASE WHEN service.uid IS NULL THEN 'no such service' ELSE 'no such port' END AS why
    FROM k8s_ingresses AS ingress
    CROSS JOIN
        LATERAL (
            SELECT found.value
            FROM jsonb_path_query(ingress.spec, '$.rules[*].http.paths[*].backend.service') AS found (value)
            UNION
            SELECT found.value
            FROM jsonb_path_query(ingress.spec, '$.defaultBackend.service') AS found (value)
        ) AS backend
    LEFT JOIN k8s_services AS service
        ON
            ingress.context_name = service.context_name
            AND ingress.namespace = service.namespace
            AND backend.value ->> 'name' = service.name
    WHERE
        ingress.context_name NOT IN (SELECT unknown.context_name FROM unknown)
        AND (
            service.uid IS NULL
            -- One of type ExternalName needs no ports.
            OR service.type IS DISTINCT FROM 'ExternalName'
            AND NOT EXISTS (
                SELECT 1
                FROM jsonb_path_query(service.ports, '$[*]') AS port (value)
                WHERE
                    port.value ->> 'name' = backend.value #>> '{port,name}'
                    OR port.value ->> 'port' = backend.value #>> '{port,number}'
            )
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, namespace, name, service, port;
