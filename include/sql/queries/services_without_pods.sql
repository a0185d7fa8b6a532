-- Which services that select pods select none? One of type ExternalName selects none by nature, and none selects pods that
-- have ended. Where pods were never read as a whole, nobody knows.
SELECT
    service.context_name,
    service.namespace,
    service.name,
    service.selector
FROM k8s_services AS service
WHERE
    service.selector <> '{}'
    AND service.type IS DISTINCT FROM 'ExternalName'
    AND EXISTS (
        SELECT 1
        FROM k8s_sync_status AS status
        WHERE
            status.context_name = service.context_name
            AND status.kind = 'pods'
            AND status.last_complete_at IS NOT NULL
    )
    AND NOT EXISTS (
        SELECT 1
        FROM k8s_pods AS pod
        WHERE
            pod.context_name = service.context_name
            AND pod.namespace = service.namespace
            AND pod.labels @> service.selector
            AND coalesce(pod.phase, '') NOT IN ('Succeeded', 'Failed')
    )
ORDER BY service.context_name, service.namespace, service.name;
