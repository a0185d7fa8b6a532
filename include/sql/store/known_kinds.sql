-- The kinds that were tried on a context, without those that are proven to be gone from it.
SELECT target.kind
FROM k8s_sync_targets AS target
LEFT JOIN k8s_sync_status AS status ON target.context_name = status.context_name AND target.kind = status.kind
WHERE target.context_name = %(context_name)s AND status.outcome IS DISTINCT FROM 'absent'
ORDER BY target.kind;
