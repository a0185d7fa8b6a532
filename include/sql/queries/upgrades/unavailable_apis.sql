-- Which aggregated APIs do not answer?
-- Hit: An APIService that is not available: discovery is not whole without it, and namespaces can not be deleted.
-- Do: Mend its Service, or delete the APIService if its API server is gone for good.
-- Key: name
-- Source: Kubernetes documentation, Kubernetes API Aggregation Layer.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['apiservices'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        name,
        service_namespace,
        service_name,
        available,
        available_reason
    FROM k8s_apiservices
    WHERE service_name IS NOT NULL AND available IS DISTINCT FROM 'True'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, name;
