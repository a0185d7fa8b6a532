-- What changed in a namespace in the last day?
-- Hit: A row is a change of an object, the latest first, with the former values of its small columns. A row without a
-- change is a kind of which not all changes since then are known: kept from history_since, exact as of complete_as_of.
-- Do: Look at the columns and their former values; `k8s_pods_at` and its like have the whole rows.
-- Key: kind, namespace, name, seen_at
-- Source: docs/history.md.
-- Limits: It can not say what came and went between two syncs, nor anything of Events.
WITH asked AS NOT MATERIALIZED (
    SELECT
        now() - interval '1 day' AS since,
        NULL::text AS namespace -- null: all, and what is in none
)

SELECT
    change.seen_at,
    change.not_before,
    change.context_name,
    change.kind,
    change.namespace,
    change.name,
    change.change,
    change.columns,
    CASE change.change WHEN 'updated' THEN change.old - ARRAY['spec', 'status', 'data'] END AS old,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM asked
INNER JOIN k8s_changes AS change
    ON asked.since < change.seen_at AND (asked.namespace IS NULL OR asked.namespace = change.namespace)
UNION ALL
SELECT
    NULL AS seen_at,
    NULL AS not_before,
    unknown.context_name,
    unknown.kind,
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
ORDER BY seen_at DESC NULLS LAST, context_name, kind, namespace, name;
