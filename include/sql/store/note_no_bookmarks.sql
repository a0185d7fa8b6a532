UPDATE k8s_sync_targets SET has_bookmarks = FALSE WHERE context_name = %(context_name)s AND kind = %(kind)s;
