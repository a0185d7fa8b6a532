-- Which webhooks may hold up every request?
-- Hit: A webhook that the API server waits for ten seconds or more: one that sets no `timeoutSeconds` has ten.
-- Do: Set `timeoutSeconds` to a few seconds.
-- Key: kind, name, webhook
-- Source: Kubernetes documentation, Dynamic Admission Control: Timeouts; Admission Webhook Good Practices.
-- Limits: The API server writes its default of ten into each webhook, so that nobody can tell whether it was meant.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        kind,
        name,
        webhook ->> 'name' AS webhook,
        coalesce(k8s_to_numeric(webhook -> 'timeoutSeconds'), 10) AS timeout_seconds,
        webhook ->> 'failurePolicy' AS failure_policy
    FROM k8s_webhooks
    WHERE coalesce(k8s_to_numeric(webhook -> 'timeoutSeconds'), 10) >= 10
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, timeout_seconds DESC, context_name, kind, name, webhook;
