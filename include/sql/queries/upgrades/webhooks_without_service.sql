-- Which webhooks call a service that is not there?
-- Hit: A webhook whose Service is not there: with `failurePolicy` Fail, every request that it is for is refused.
-- Do: Delete the configuration, or bring the Service back.
-- Key: kind, name, webhook, service_namespace, service
-- Source: Kubernetes documentation, Dynamic Admission Control: Service reference.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['validatingwebhookconfigurations', 'mutatingwebhookconfigurations', 'services'])
),

hit AS (
    SELECT
        webhook.context_name,
        NULL::text AS not_known,
        webhook.kind,
        webhook.name,
        webhook.webhook ->> 'name' AS webhook,
        webhook.webhook #>> '{clientConfig,service,namespace}' AS service_namespace,
        webhook.webhook #>> '{clientConfig,service,name}' AS service,
        webhook.webhook ->> 'failurePolicy' AS failure_policy
    FROM k8s_webhooks AS webhook
    LEFT JOIN k8s_services AS service
        ON
            webhook.context_name = service.context_name
            AND webhook.webhook #>> '{clientConfig,service,namespace}' = service.namespace
            AND webhook.webhook #>> '{clientConfig,service,name}' = service.name
    WHERE
        webhook.webhook #> '{clientConfig,service}' IS NOT NULL
        AND service.uid IS NULL
        AND webhook.context_name NOT IN (SELECT unknown.context_name FROM unknown)
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, kind, name, webhook;
