DELETE FROM k8s_sync_sources WHERE context_name = %(context_name)s;
