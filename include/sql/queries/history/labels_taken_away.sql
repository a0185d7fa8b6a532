-- Which labels were taken away, or set to another value, in the last week?
-- Hit: A row is a label of an object that a change took away, the latest first; `value_to` is null where the object has
-- none of that name any more. Labels of objects that were deleted are not in it. A row without a name is a kind of
-- which not all changes since then are known.
-- Do: Put the label back where a selector, a policy or a budget goes by it.
-- Key: kind, namespace, name, label, seen_at
-- Source: docs/history.md.
-- Limits: It can not hold labels that came and went between two syncs, nor those that are not stored (drop_labels), nor
-- what was taken away before changes that were not noted.
WITH asked AS NOT MATERIALIZED (
    SELECT now() - interval '7 days' AS since
),

changed AS (
    SELECT
        change.seen_at,
        change.context_name,
        change.kind,
        change.namespace,
        change.name,
        change.old -> 'labels' AS labels_from,
        CASE WHEN next.old IS NULL THEN present.labels ELSE next.old -> 'labels' END AS labels_to
    FROM asked
    INNER JOIN k8s_changes AS change
        ON
            asked.since < change.seen_at
            AND 'labels' = any(change.columns)
            AND change.seen_at >= k8s_history_since(change.context_name, change.plural, change."group")
    LEFT JOIN LATERAL (
        SELECT later.old
        FROM k8s_changes AS later
        WHERE
            later.uid = change.uid
            AND later.seen_at > change.seen_at
            AND later.context_name = change.context_name
            AND later.plural = change.plural
            AND later."group" = change."group"
            AND later.old ? 'labels'
        ORDER BY later.seen_at
        LIMIT 1
    ) AS next ON TRUE
    LEFT JOIN LATERAL (
        SELECT stored.labels
        FROM k8s_objects AS stored
        WHERE
            next.old IS NULL
            AND stored.context_name = change.context_name
            AND stored.plural = change.plural
            AND stored."group" = change."group"
            AND stored.uid = change.uid
    ) AS present ON TRUE
)

SELECT
    changed.seen_at,
    changed.context_name,
    changed.kind,
    changed.namespace,
    changed.name,
    label.key AS label,
    label.value AS value_from,
    changed.labels_to ->> label.key AS value_to,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM changed
CROSS JOIN
    jsonb_each_text(CASE jsonb_typeof(changed.labels_from) WHEN 'object' THEN changed.labels_from ELSE '{}' END) AS label
WHERE changed.labels_to ->> label.key IS DISTINCT FROM label.value
UNION ALL
SELECT
    NULL AS seen_at,
    unknown.context_name,
    unknown.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS label,
    NULL AS value_from,
    NULL AS value_to,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
ORDER BY seen_at DESC NULLS LAST, context_name, kind, namespace, name, label;
