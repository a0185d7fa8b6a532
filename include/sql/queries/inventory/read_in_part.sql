-- What is read only in part?
-- Hit: A target that was last read in some namespaces, or under selectors: what is beyond is not known.
-- Do: Nothing, if it is meant; else leave `namespaces` and selectors out.
-- Key: kind
-- Source: docs/choosing.md.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY[]::text[])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        kind,
        scope,
        outcome,
        objects
    FROM k8s_sync_status
    WHERE scope <> 'all'
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, context_name, kind;
