UPDATE k8s_sync_targets
SET
    resource_version = %(resource_version)s,
    exact_as_of = %(snapshot_at)s,
    last_complete_at = clock_timestamp(),
    has_bookmarks = has_bookmarks OR %(rewritten)s,
    last_verified_at = CASE WHEN %(rewritten)s THEN clock_timestamp() ELSE last_verified_at END
WHERE context_name = %(context_name)s AND kind = %(kind)s;
