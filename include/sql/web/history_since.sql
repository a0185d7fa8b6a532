-- Since when a kind of a context has a history.
SELECT target.history_since
FROM k8s_sync_targets AS target
WHERE target.context_name = %(context)s AND target.kind = %(target)s;
