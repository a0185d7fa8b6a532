-- Which webhooks let everything pass when they do not answer?
-- Hit: A webhook whose `failurePolicy` is Ignore: what it should refuse or change goes through while it is down.
-- Do: Set it to Fail where the webhook guards something, and run it in several copies.
-- Key: kind, name, webhook
-- Source: Kubernetes documentation, Dynamic Admission Control: Failure policy; Admission Webhook Good Practices.
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
        webhook ->> 'failurePolicy' AS failure_policy
    FROM k8s_webhooks
    WHERE webhook ->> 'failurePolicy' = 'Ignore'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, kind, name, webhook;
