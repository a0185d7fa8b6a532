-- How many seconds ago the rows of each kind of these contexts were exact; of none that the cluster does not serve. A clock that was
-- ahead then, or is behind now, makes nothing fresh.
SELECT
    context_name,
    kind,
    abs(extract(EPOCH FROM clock_timestamp() - exact_as_of))::double precision AS age
FROM k8s_sync_status
WHERE
    context_name = any(%(contexts)s)
    AND exact_as_of IS NOT NULL
    AND outcome IS DISTINCT FROM 'absent'
    AND outcome IS DISTINCT FROM 'unsupported';
