-- Events that are about an object, those too that its cluster has forgotten, the latest first.
SELECT
    event.last_seen_at,
    event.type,
    event.reason,
    left(event.message, 1000) AS message,
    event.count,
    event.source_component
FROM k8s_events_of(%(context)s, %(uid)s) AS event
ORDER BY event.last_seen_at DESC NULLS LAST
LIMIT 50;
