-- Which objects have not changed for 30 days?
-- Hit: A row is a Deployment, StatefulSet, DaemonSet, CronJob, Service or ConfigMap that was there then and is the same
-- now, but for noise, the oldest first. A row without a name is a kind whose history does not reach back so far:
-- nothing can be said of its objects.
-- Do: Ask whether it is in use: orphans/ has what nothing refers to.
-- Key: kind, namespace, name
-- Source: docs/history.md.
-- Limits: It can not say whether an object is in use, nor see changes that were undone between two syncs.
WITH asked AS NOT MATERIALIZED (
    SELECT now() - interval '30 days' AS since
),

covered AS (
    SELECT
        coverage.context_name,
        coverage.kind,
        coverage.known,
        coverage.history_since,
        coverage.complete_as_of
    FROM asked
    CROSS JOIN k8s_coverage_at(asked.since) AS coverage
    WHERE coverage.kind IN ('deployments', 'statefulsets', 'daemonsets', 'cronjobs', 'services', 'configmaps')
)

SELECT
    stored.context_name,
    covered.kind,
    stored.namespace,
    stored.name,
    stored.created_at,
    covered.history_since,
    NULL::text AS not_known
FROM asked
CROSS JOIN covered
INNER JOIN k8s_objects AS stored
    ON
        covered.context_name = stored.context_name
        AND covered.kind = stored.plural
        AND stored."group" IN ('apps', 'batch', '')
WHERE
    covered.known <> 'unknown'
    AND stored.created_at <= asked.since
    AND NOT EXISTS (
        SELECT FROM k8s_changes AS change
        WHERE
            change.uid = stored.uid
            AND change.seen_at > asked.since
            AND change.context_name = stored.context_name
            AND change.plural = stored.plural
            AND change."group" = stored."group"
    )
UNION ALL
SELECT
    covered.context_name,
    covered.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS created_at,
    covered.history_since,
    concat(covered.kind, ': ', covered.known, ' then') AS not_known
FROM covered
WHERE covered.known NOT IN ('complete', 'absent')
ORDER BY created_at NULLS LAST, context_name, kind, namespace, name;
