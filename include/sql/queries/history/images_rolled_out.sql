-- Which images were rolled out in the last day, and which did they replace?
-- Hit: A row is a workload whose images changed, or that is new (without former images), the latest first. A row
-- without a name is a kind of which not all changes since then are known.
-- Do: Compare it with what was to be released.
-- Key: kind, namespace, name, seen_at
-- Source: docs/history.md.
-- Limits: It can not say whether the rollout succeeded (see rollouts.sql), nor what a tag that was pushed anew stands
-- for. `images_to` is null where not all that came after the change was noted.
WITH asked AS NOT MATERIALIZED (
    SELECT now() - interval '1 day' AS since
)

SELECT
    change.seen_at,
    change.not_before,
    change.context_name,
    change.kind,
    change.namespace,
    change.name,
    change.old -> 'images' AS images_from,
    CASE
        WHEN coalesce(change.seen_at < k8s_history_since(change.context_name, change.plural, change."group"), TRUE) THEN NULL
        WHEN next.old IS NULL THEN to_jsonb(present.images)
        ELSE next.old -> 'images'
    END AS images_to,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM asked
INNER JOIN k8s_changes AS change
    ON
        change.plural IN ('deployments', 'statefulsets', 'daemonsets', 'cronjobs')
        AND change."group" IN ('apps', 'batch')
        AND asked.since < change.seen_at
        AND (change.change = 'created' OR 'images' = any(change.columns))
LEFT JOIN LATERAL (
    SELECT later.old
    FROM k8s_changes AS later
    WHERE
        later.uid = change.uid
        AND later.seen_at > change.seen_at
        AND later.context_name = change.context_name
        AND later.plural = change.plural
        AND later.old ? 'images'
    ORDER BY later.seen_at
    LIMIT 1
) AS next ON TRUE
LEFT JOIN LATERAL (
    SELECT stored.images
    FROM k8s_deployments AS stored
    WHERE change.plural = 'deployments' AND stored.context_name = change.context_name AND stored.uid = change.uid
    UNION ALL
    SELECT stored.images
    FROM k8s_statefulsets AS stored
    WHERE change.plural = 'statefulsets' AND stored.context_name = change.context_name AND stored.uid = change.uid
    UNION ALL
    SELECT stored.images
    FROM k8s_daemonsets AS stored
    WHERE change.plural = 'daemonsets' AND stored.context_name = change.context_name AND stored.uid = change.uid
    UNION ALL
    SELECT stored.images
    FROM k8s_cronjobs AS stored
    WHERE change.plural = 'cronjobs' AND stored.context_name = change.context_name AND stored.uid = change.uid
) AS present ON TRUE
UNION ALL
SELECT
    NULL AS seen_at,
    NULL AS not_before,
    unknown.context_name,
    unknown.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS images_from,
    NULL AS images_to,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
WHERE unknown.kind IN ('deployments', 'statefulsets', 'daemonsets', 'cronjobs')
ORDER BY seen_at DESC NULLS LAST, context_name, kind, namespace, name;
