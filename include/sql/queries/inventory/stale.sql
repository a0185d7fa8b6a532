-- What was last read whole more than two days ago?
-- Hit: A target whose rows are older than that, or that was never whole; `outcome` is of the last attempt. Where the
-- database's clock was far ahead when it was read, it is not known how old they are, and they count as old.
-- Do: Look whether the DAG runs, and what the error says.
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
        exact_as_of,
        error
    FROM k8s_sync_status
    WHERE
        outcome IS DISTINCT FROM 'absent'
        AND (
            exact_as_of IS NULL
            OR exact_as_of NOT BETWEEN now() - interval '2 days' AND now() + interval '2 days'
        )
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, exact_as_of NULLS FIRST, context_name, kind;
