-- How well do we know it?
-- Hit: A context and kind, those that are not complete first; rows of a target are exact as of `exact_as_of`.
-- Do: docs/status.md says what to do about each outcome.
-- Key: kind
-- Source: docs/status.md.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY[]::text[])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        kind,
        outcome,
        date_trunc('second', exact_as_of) AS exact_as_of,
        error
    FROM k8s_sync_status
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, outcome IS NOT DISTINCT FROM 'complete', context_name, kind;
