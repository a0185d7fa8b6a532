-- How well do we know it? Rows of a target are exact as of last_complete_at.
SELECT
    context_name,
    kind,
    outcome,
    date_trunc('second', last_complete_at) AS last_complete_at,
    error
FROM k8s_sync_status
ORDER BY outcome = 'complete', context_name, kind;
