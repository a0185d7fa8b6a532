-- Of which contexts are there rows, though they are not configured any more?
-- Hit: A context that is gone from the configuration: its rows are those of then, and are in every answer.
-- Do: Bring it back, or delete its rows by the DAG `k8s_inventory_forget`.
-- Key: context_name
-- Source: docs/status.md.
WITH unknown AS (
    SELECT * FROM k8s_not_known(ARRAY[]::text[])
),

hit AS (
    SELECT
        context_name,
        NULL::text AS not_known,
        server,
        unconfigured_since,
        last_seen_at
    FROM k8s_clusters
    WHERE unconfigured_since IS NOT NULL
)

SELECT *
FROM hit
FULL JOIN unknown USING (context_name, not_known)
ORDER BY not_known NULLS FIRST, unconfigured_since, context_name;
