DELETE FROM k8s_sync_runs WHERE context_name = %(context_name)s;
