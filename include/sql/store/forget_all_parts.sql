DELETE FROM k8s_sync_parts WHERE context_name = %(context_name)s;
