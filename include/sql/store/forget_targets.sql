DELETE FROM k8s_sync_targets WHERE context_name = %(context_name)s;
