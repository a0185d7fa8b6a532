-- Whether changes of a target are noted; when this one is seen, which is after all others of the target, whatever the clock
-- says; until when the rows of a part of it are known to have been right, and until when there was nothing without a row, if
-- that is not later, by a clock that was set back since; and whether they may be of another cluster, that the context led to.
WITH state AS (
    SELECT
        target.history_since IS NOT NULL AS is_kept,
        greatest(clock_timestamp(), target.changed_at + interval '1 microsecond') AS seen_at,
        greatest(target.exact_as_of, CASE WHEN part.is_all_rows THEN part.exact_as_of END) AS right_at,
        greatest(target.exact_as_of, CASE WHEN part.is_all THEN part.exact_as_of END) AS all_at,
        coalesce(
            target.exact_as_of IS NULL AND part.exact_as_of IS NULL AND target.history_since <= context.repointed_at, FALSE
        ) AS is_repointed
    FROM k8s_sync_targets AS target
    LEFT JOIN k8s_sync_parts AS part
        ON
            target.context_name = part.context_name
            AND target.kind = part.kind
            AND part.namespace = %(part)s
    LEFT JOIN k8s_sync_contexts AS context ON target.context_name = context.context_name
    WHERE target.context_name = %(context_name)s AND target.kind = %(kind)s
)

SELECT
    state.is_kept,
    state.seen_at,
    CASE WHEN state.right_at <= state.seen_at THEN state.right_at END AS not_before,
    CASE WHEN state.all_at <= state.seen_at THEN state.all_at END AS not_before_of_new,
    state.is_repointed
FROM state;
