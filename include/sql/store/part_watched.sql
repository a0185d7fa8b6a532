-- A watch has brought what selectors select up to an instant.
UPDATE k8s_sync_parts
SET
    outcome = 'complete',
    error = NULL,
    changed = %(changed)s,
    deleted = %(deleted)s,
    resource_version = %(resource_version)s,
    exact_as_of = %(snapshot_at)s,
    last_complete_at = clock_timestamp(),
    finished_at = clock_timestamp()
WHERE context_name = %(context_name)s AND kind = %(kind)s AND namespace = '';
