-- What changed in a namespace in the last day?
-- A row is a change of an object, the latest first, with the former values of its small columns. A row without a change
-- is a kind of which not all changes since then are known: kept from history_since, exact as of complete_as_of.
-- It can not say what came and went between two syncs, nor anything of Events.
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
    NULL::timestamptz AS complete_as_of
FROM asked
INNER JOIN k8s_changes AS change
    ON asked.since < change.seen_at AND (asked.namespace IS NULL OR asked.namespace = change.namespace)
UNION ALL
SELECT
    NULL AS seen_at,
    NULL AS not_before,
    coverage.context_name,
    coverage.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS change,
    NULL AS columns,
    NULL AS old,
    coverage.history_since,
    coverage.complete_as_of
FROM asked
CROSS JOIN k8s_coverage_at(now()) AS coverage
WHERE
    coverage.kind <> 'events'
    AND (
        coverage.known NOT IN ('complete', 'absent')
        OR coverage.history_since > asked.since
        OR (coverage.known = 'complete' AND coverage.complete_as_of < asked.since)
    )
ORDER BY seen_at DESC NULLS LAST, context_name, kind, namespace, name;
