-- Which Secrets were made, deleted or changed in the last week, as far as their metadata shows?
-- Hit: A row is a change of a Secret, the latest first; `columns` are those that differ, `old` has what they held. A
-- row without a name is a context of which not all changes since then are known.
-- Do: Where nobody meant it, rotate what is in it.
-- Key: namespace, name, seen_at
-- Source: docs/history.md.
-- Limits: It can not say that a value was changed: values are never read, and nothing else of such a Secret differs.
WITH asked AS NOT MATERIALIZED (
    SELECT now() - interval '7 days' AS since
)

SELECT
    change.seen_at,
    change.not_before,
    change.context_name,
    change.namespace,
    change.name,
    change.change,
    change.columns,
    CASE change.change WHEN 'updated' THEN change.old END AS old,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM asked
INNER JOIN k8s_changes AS change
    ON
        asked.since < change.seen_at
        AND change.plural = 'secrets'
        AND change."group" = ''
UNION ALL
SELECT
    NULL AS seen_at,
    NULL AS not_before,
    unknown.context_name,
    NULL AS namespace,
    NULL AS name,
    NULL AS change,
    NULL AS columns,
    NULL AS old,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
WHERE unknown.kind = 'secrets'
ORDER BY seen_at DESC NULLS LAST, context_name, namespace, name;
