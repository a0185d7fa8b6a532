-- Which warnings were there in the last day, and about how many objects?
-- Hit: A row is a reason by kind and namespace, the most frequent first: how many objects it was about, how often in
-- all (each Event since its own first time), and what the latest says. A row without a name is a time of which Events
-- were not read before clusters forget them.
-- Do: Begin with the most frequent; `object.sql` has all that happened to one of them.
-- Key: kind, namespace, name
-- Source: docs/history.md.
-- Limits: It can not say what was warned of in such a time, nor what an Event said before its last time.
WITH asked AS NOT MATERIALIZED (
    SELECT
        now() - interval '1 day' AS since,
        NULL::text AS namespace -- null: all
)

SELECT
    event.context_name,
    event.involved_kind AS kind,
    event.involved_namespace AS namespace,
    event.reason AS name,
    count(DISTINCT coalesce(nullif(event.involved_uid, ''), event.involved_name)) AS objects,
    sum(event.count) AS times,
    min(event.first_seen_at) AS first_seen_at,
    max(event.last_seen_at) AS last_seen_at,
    (array_agg(event.involved_name ORDER BY event.last_seen_at DESC NULLS LAST))[1] AS latest_object,
    (array_agg(event.message ORDER BY event.last_seen_at DESC NULLS LAST))[1] AS latest_message,
    NULL::timestamptz AS missed_from,
    NULL::timestamptz AS missed_until,
    NULL::text AS not_known
FROM asked
INNER JOIN k8s_event_history AS event
    ON
        asked.since < event.last_seen_at
        AND event.type = 'Warning'
        AND (asked.namespace IS NULL OR asked.namespace = event.involved_namespace)
GROUP BY event.context_name, event.involved_kind, event.involved_namespace, event.reason
UNION ALL
SELECT
    missed.context_name,
    'events' AS kind,
    NULL AS namespace,
    NULL AS name,
    NULL AS objects,
    NULL AS times,
    NULL AS first_seen_at,
    NULL AS last_seen_at,
    NULL AS latest_object,
    NULL AS latest_message,
    missed.missed_from,
    missed.missed_until,
    'events: not read before they were forgotten' AS not_known
FROM asked
CROSS JOIN k8s_events_missed(asked.since) AS missed
ORDER BY times DESC NULLS LAST, context_name, kind, namespace, name, missed_from;
