-- What happened to an object in the last week, and to what owns it?
-- Hit: A row is a change or an Event of it, of one that is gone and had its name, or of an owner (depth: how many
-- owners up), the latest first: a change when it was stored, an Event when it was last seen, with how often since its
-- first time. A row without a name is a kind of which not all changes since then are known; of events it has a time
-- (from history_since to complete_as_of) of which Events were not read before clusters forget them.
-- Do: Read it from the bottom up: what came first is mostly the reason.
-- Key: kind, namespace, name, what, seen_at
-- Source: docs/history.md.
-- Limits: It can not say what came and went between two syncs, nor what an Event said before its last time.
WITH asked AS NOT MATERIALIZED (
    SELECT
        now() - interval '7 days' AS since,
        'Pod' AS kind,
        NULL::text AS namespace, -- null: any
        'web' AS name
),

chain AS (
    WITH RECURSIVE up AS (
        SELECT
            0 AS depth,
            first.context_name,
            first.kind,
            first.namespace,
            first.name,
            first.uid,
            k8s_owner(first.owner_references) AS owner
        FROM asked
        INNER JOIN LATERAL (
            SELECT
                object.context_name,
                object.kind,
                object.namespace,
                object.name,
                object.uid,
                object.owner_references
            FROM k8s_objects AS object
            WHERE
                object.kind = asked.kind
                AND object.name = asked.name
                AND (asked.namespace IS NULL OR asked.namespace = object.namespace)
            UNION ALL
            SELECT
                gone.context_name,
                gone.kind,
                gone.namespace,
                gone.name,
                gone.uid,
                gone.last_row -> 'owner_references' AS owner_references
            FROM k8s_deleted AS gone
            WHERE
                gone.deleted_at > asked.since
                AND gone.kind = asked.kind
                AND gone.name = asked.name
                AND (asked.namespace IS NULL OR asked.namespace = gone.namespace)
        ) AS first ON TRUE
        UNION ALL
        SELECT
            up.depth + 1 AS depth,
            next.context_name,
            next.kind,
            next.namespace,
            next.name,
            next.uid,
            k8s_owner(next.owner_references) AS owner
        FROM up
        INNER JOIN LATERAL (
            SELECT
                object.context_name,
                object.kind,
                object.namespace,
                object.name,
                object.uid,
                object.owner_references
            FROM k8s_objects AS object
            WHERE object.context_name = up.context_name AND object.uid = up.owner ->> 'uid'
            UNION ALL
            SELECT
                gone.context_name,
                gone.kind,
                gone.namespace,
                gone.name,
                gone.uid,
                gone.last_row -> 'owner_references' AS owner_references
            FROM k8s_deleted AS gone
            WHERE gone.context_name = up.context_name AND gone.uid = up.owner ->> 'uid'
            LIMIT 1
        ) AS next ON TRUE
        WHERE up.depth < 20
    )

    SELECT DISTINCT ON (up.context_name, up.uid)
        up.context_name,
        up.uid,
        up.depth,
        up.kind,
        up.namespace,
        up.name
    FROM up
    ORDER BY up.context_name, up.uid, up.depth
)

SELECT
    change.seen_at,
    chain.depth,
    chain.context_name,
    chain.kind,
    chain.namespace,
    chain.name,
    change.change AS what,
    NULL AS reason,
    NULL AS message,
    NULL::integer AS count,
    change.columns,
    CASE change.change WHEN 'updated' THEN change.old - ARRAY['spec', 'status', 'data'] END AS old,
    NULL::timestamptz AS history_since,
    NULL::timestamptz AS complete_as_of,
    NULL::text AS not_known
FROM asked
CROSS JOIN chain
INNER JOIN k8s_changes AS change
    ON asked.since < change.seen_at AND chain.context_name = change.context_name AND chain.uid = change.uid
UNION ALL
SELECT
    event.last_seen_at AS seen_at,
    chain.depth,
    chain.context_name,
    chain.kind,
    chain.namespace,
    chain.name,
    event.type AS what,
    event.reason,
    event.message,
    event.count,
    NULL AS columns,
    NULL AS old,
    NULL AS history_since,
    NULL AS complete_as_of,
    NULL AS not_known
FROM asked
CROSS JOIN chain
CROSS JOIN LATERAL k8s_events_of(chain.context_name, chain.uid) AS event
WHERE event.last_seen_at > asked.since
UNION ALL
SELECT
    NULL AS seen_at,
    NULL AS depth,
    unknown.context_name,
    unknown.kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS what,
    NULL AS reason,
    unknown.error AS message,
    NULL AS count,
    NULL AS columns,
    NULL AS old,
    unknown.history_since,
    unknown.complete_as_of,
    concat_ws(': ', unknown.kind, coalesce(unknown.error, 'not all is known since then')) AS not_known
FROM asked
CROSS JOIN k8s_unknown_since(asked.since) AS unknown
UNION ALL
SELECT
    NULL AS seen_at,
    NULL AS depth,
    missed.context_name,
    'events' AS kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS what,
    NULL AS reason,
    NULL AS message,
    NULL AS count,
    NULL AS columns,
    NULL AS old,
    missed.missed_from AS history_since,
    missed.missed_until AS complete_as_of,
    'events: not read before they were forgotten' AS not_known
FROM asked
CROSS JOIN k8s_events_missed(asked.since) AS missed
ORDER BY seen_at DESC NULLS LAST, depth, context_name, kind, history_since;
