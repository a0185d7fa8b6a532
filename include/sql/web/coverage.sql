-- How far each family of kinds of each context is known: a row for each outcome in it. `objects` are those of the listings
-- that are complete.
SELECT
    status.context_name,
    coalesce(%(families)s::jsonb ->> status.kind, 'custom') AS family,
    CASE
        WHEN status.outcome IS NULL THEN 'running'
        WHEN status.outcome = 'complete' AND status.scope <> 'all' THEN 'in part'
        ELSE status.outcome
    END AS outcome,
    count(*) AS kinds,
    (array_agg(status.kind ORDER BY status.kind))[1:4] AS some_kinds,
    (array_agg(left(status.error, 400) ORDER BY status.kind) FILTER (WHERE status.error IS NOT NULL))[1] AS error,
    min(status.exact_as_of) AS oldest,
    count(*) FILTER (WHERE status.exact_as_of IS NULL) AS never,
    coalesce(sum(status.objects) FILTER (WHERE status.outcome = 'complete' AND status.scope = 'all'), 0)::bigint AS objects
FROM k8s_sync_status AS status
GROUP BY 1, 2, 3;
