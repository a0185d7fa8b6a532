-- Which objects flap: changed, or made again, ten times or more within a day?
-- Hit: A row is a name under which that happened, the busiest first. A row without a name is a kind of which not all
-- changes since then are known.
-- Do: Look at the columns that change: two controllers may write the same field.
-- Key: kind, namespace, name
-- Source: docs/history.md.
-- Limits: It can not count what came and went between two syncs, so that a daily sync shows nothing here.
WITH asked AS NOT MATERIALIZED (
    SELECT
        now() - interval '1 day' AS since,
        10 AS at_least
),

counted AS (
    SELECT
        change.context_name,
        change.kind,
        change.namespace,
        change.name,
        count(*) AS changes,
        count(DISTINCT change.uid) AS objects,
        min(change.seen_at) AS first_seen_at,
        max(change.seen_at) AS last_seen_at
    FROM asked
    INNER JOIN k8s_changes AS change ON asked.since < change.seen_at
    GROUP BY
        change.context_name,
        change.kind,
        change."group",
        change.plural,
        change.namespace,
        change.name,
        asked.at_least
    HAVING count(*) >= asked.at_least
)

SELECT
    counted.*,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM counted
UNION ALL
SELECT
    unknown.context_name,
    unknown.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS changes,
    NULL AS objects,
    NULL AS first_seen_at,
    NULL AS last_seen_at,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
ORDER BY changes DESC NULLS LAST, context_name, kind, namespace, name;
