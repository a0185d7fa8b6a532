-- The kinds that were tried on a context; `is_gone` where they are gone from it: one that has rows is looked after until
-- these are accounted for, that it seemed to be gone is no proof. `called` is a custom one's kind.
WITH tried AS (
    SELECT
        target.context_name,
        target.kind,
        target.history_rules,
        regexp_replace(substr(target.kind, strpos(target.kind, '.') + 1), '^core$', '') AS "group",
        split_part(target.kind, '.', 1) AS plural
    FROM k8s_sync_targets AS target
    WHERE target.context_name = %(context_name)s
)

SELECT
    tried.kind,
    tried.history_rules,
    coalesce(status.outcome = 'absent', FALSE) AND object.kind IS NULL AS is_gone,
    coalesce(object.kind, deleted.kind) AS called
FROM tried
LEFT JOIN k8s_sync_status AS status ON tried.context_name = status.context_name AND tried.kind = status.kind
LEFT JOIN LATERAL (
    SELECT stored.kind
    FROM k8s_custom_objects AS stored
    WHERE stored.context_name = tried.context_name AND stored."group" = tried."group" AND stored.plural = tried.plural
    ORDER BY stored.uid
    LIMIT 1
) AS object ON TRUE
LEFT JOIN LATERAL (
    SELECT change.kind
    FROM k8s_changes AS change
    WHERE
        object.kind IS NULL
        AND change.change = 'deleted'
        AND change.plural = tried.plural
        AND change."group" = tried."group"
        AND change.context_name = tried.context_name
    ORDER BY change.seen_at
    LIMIT 1
) AS deleted ON TRUE
ORDER BY tried.kind;
