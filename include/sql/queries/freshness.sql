-- How well do we know it? Rows of a target are exact as of exact_as_of.
SELECT
    context_name,
    kind,
    outcome,
    date_trunc('second', exact_as_of) AS exact_as_of,
    error
FROM k8s_sync_status
ORDER BY outcome = 'complete', context_name, kind;
