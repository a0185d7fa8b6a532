DELETE FROM k8s_sync_discoveries WHERE context_name = %(context_name)s;
