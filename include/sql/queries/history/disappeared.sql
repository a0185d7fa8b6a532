-- What disappeared in the last day, and what shows that it did?
-- Hit: A row is an object that is gone, the latest first: it went between not_before and deleted_at. One that was made
-- again under its name is another object, and its former one is in here. A row without a name is a kind of which not
-- all deletions since then are known.
-- Do: Where an object was not meant to go, look for its deletion in the API server's audit log, between `not_before`
-- and `deleted_at`.
-- Key: kind, namespace, name, deleted_at
-- Source: docs/history.md.
-- Limits: It can not say who deleted it, nor hold what came and went between two syncs.
WITH asked AS NOT MATERIALIZED (
    SELECT
        now() - interval '1 day' AS since,
        NULL::text AS namespace -- null: all, and what is in none
)

SELECT
    gone.deleted_at,
    gone.not_before,
    gone.happened_at AS deletion_requested_at,
    gone.context_name,
    gone.kind,
    gone.namespace,
    gone.name,
    gone.last_row ->> 'created_at' AS created_at,
    gone.evidence,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM asked
INNER JOIN k8s_deleted AS gone
    ON asked.since < gone.deleted_at AND (asked.namespace IS NULL OR asked.namespace = gone.namespace)
UNION ALL
SELECT
    NULL AS deleted_at,
    NULL AS not_before,
    NULL AS deletion_requested_at,
    unknown.context_name,
    unknown.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS created_at,
    unknown.error AS evidence,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
ORDER BY deleted_at DESC NULLS LAST, context_name, kind, namespace, name;
