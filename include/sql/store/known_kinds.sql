-- The kinds that were tried on a context, without those that are gone from it. One that has rows is looked after until
-- these are accounted for: that it seemed to be gone is no proof.
SELECT target.kind
FROM k8s_sync_targets AS target
LEFT JOIN k8s_sync_status AS status ON target.context_name = status.context_name AND target.kind = status.kind
WHERE
    target.context_name = %(context_name)s
    AND (
        status.outcome IS DISTINCT FROM 'absent'
        OR EXISTS (
            SELECT FROM k8s_custom_objects AS object
            WHERE
                object.context_name = target.context_name
                AND object."group" = regexp_replace(substr(target.kind, strpos(target.kind, '.') + 1), '^core$', '')
                AND object.plural = split_part(target.kind, '.', 1)
        )
    )
ORDER BY target.kind;
