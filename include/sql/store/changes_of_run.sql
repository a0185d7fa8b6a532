-- What changed in a run: how many changes of each sort there were, of which no more than so many come as rows.
WITH noted AS (
    SELECT
        change.context_name,
        change.kind,
        change."group",
        change.change,
        change.namespace,
        change.name,
        change.columns,
        row_number() OVER sort_of_change AS number,
        count(*) OVER (PARTITION BY change.context_name, change."group", change.kind, change.change) AS changes
    FROM k8s_changes AS change
    WHERE
        change.run_id = %(run_id)s
        AND change.seen_at >= (SELECT min(run.started_at) FROM k8s_sync_runs AS run WHERE run.run_id = %(run_id)s)
    WINDOW sort_of_change AS (
        PARTITION BY change.context_name, change."group", change.kind, change.change ORDER BY change.id
    )
)

SELECT
    noted.context_name,
    noted.kind,
    noted."group",
    noted.change,
    noted.namespace,
    noted.name,
    noted.columns,
    noted.changes
FROM noted
WHERE noted.number <= %(most)s::bigint OR %(most)s::bigint IS NULL
ORDER BY noted.context_name, noted.kind, noted."group", noted.change, noted.number;
