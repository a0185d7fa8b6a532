UPDATE k8s_sync_targets
SET history_rules = %(rules)s
WHERE context_name = %(context_name)s AND kind = %(kind)s;
