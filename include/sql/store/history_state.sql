-- Whether changes of a target are noted; when this one is seen, which is after all others of the target; and until when the
-- rows of a part of it are known to have been right.
SELECT
    target.history_since IS NOT NULL AS is_kept,
    greatest(clock_timestamp(), target.changed_at + interval '1 microsecond') AS seen_at,
    greatest(target.exact_as_of, part.exact_as_of) AS not_before
FROM k8s_sync_targets AS target
LEFT JOIN k8s_sync_parts AS part
    ON
        target.context_name = part.context_name
        AND target.kind = part.kind
        AND part.namespace = %(part)s
WHERE target.context_name = %(context_name)s AND target.kind = %(kind)s;
