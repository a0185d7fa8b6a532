-- Events that are about an object, the latest first.
SELECT
    event.last_seen_at,
    event.type,
    event.reason,
    left(event.message, 1000) AS message,
    event.count,
    event.source_component
FROM k8s_events AS event
WHERE
    event.context_name = %(context)s
    AND event.namespace = coalesce(%(namespace)s, 'default')
    AND event.involved_kind = %(kind)s
    AND event.involved_name = %(name)s
    AND coalesce(event.involved_uid, '') IN ('', %(uid)s)
ORDER BY event.last_seen_at DESC NULLS LAST
LIMIT 50;
