-- The last attempt of each kind, those that are not complete first. `objects` are those of a listing: a run that goes on
-- from where the rows are counts what it heard of.
SELECT
    context_name AS context,
    kind,
    coalesce(outcome, 'running') AS outcome,
    abs(extract(EPOCH FROM now() - exact_as_of))::double precision AS age,
    CASE WHEN outcome = 'complete' AND pages > 0 THEN objects END AS objects,
    seconds,
    left(error, 400) AS error
FROM k8s_sync_status
WHERE context_name IN ($context) AND kind IN ($kind)
ORDER BY outcome IN ('complete', 'absent', 'unsupported'), age DESC NULLS FIRST, context_name, kind
LIMIT 1000;
