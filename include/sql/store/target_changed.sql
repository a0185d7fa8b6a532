UPDATE k8s_sync_targets
SET changed_at = %(seen_at)s
WHERE context_name = %(context_name)s AND kind = %(kind)s;
