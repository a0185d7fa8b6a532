-- What is known of the custom kind's targets becomes the declared kind's, where that has none in a context; else it goes.
-- No row counts as unchanged: those that were moved are made of nothing that a listing knows.
WITH renamed AS (
    UPDATE k8s_sync_targets AS target
    SET kind = %(declared)s, history_rules = NULL
    WHERE
        target.kind = %(custom)s
        AND NOT EXISTS (
            SELECT 1
            FROM k8s_sync_targets AS other
            WHERE other.context_name = target.context_name AND other.kind = %(declared)s
        )
    RETURNING target.context_name
),

-- What changed of its objects was written by the rules of a custom kind, which keep out less.
ruled AS (
    UPDATE k8s_changes
    SET made_of = NULL
    WHERE "group" = %(group)s AND plural = %(plural)s AND old IS NOT NULL
),

runs AS (
    UPDATE k8s_sync_runs AS run
    SET kind = %(declared)s
    FROM renamed
    WHERE run.context_name = renamed.context_name AND run.kind = %(custom)s
),

others AS (
    UPDATE k8s_sync_targets
    SET history_rules = NULL
    WHERE kind = %(declared)s
),

parts AS (
    DELETE FROM k8s_sync_parts
    WHERE kind = %(custom)s
)

DELETE FROM k8s_sync_targets AS target
USING k8s_sync_targets AS other
WHERE target.kind = %(custom)s AND other.context_name = target.context_name AND other.kind = %(declared)s;
