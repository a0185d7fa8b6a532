-- Which kinds may we not read?
-- Hit: A kind that a cluster refused to list: no answer can speak of it.
-- Do: Grant `list` on it: docs/rbac.md has the ClusterRole.
-- Key: kind
-- Source: docs/status.md, Outcomes.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY[]::text[])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        kind,
        outcome,
        error,
        last_complete_at
    FROM k8s_sync_status
    WHERE outcome IN ('forbidden', 'unauthorized')
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, kind;
