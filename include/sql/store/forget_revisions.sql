DELETE FROM k8s_sync_revisions WHERE context_name = %(context_name)s;
