UPDATE k8s_sync_runs
SET
    outcome = %(outcome)s,
    scope = %(scope)s,
    error = %(error)s,
    whole_context = %(whole_context)s,
    retryable = %(retryable)s,
    warning = %(warning)s,
    pages = %(pages)s,
    objects = %(objects)s,
    changed = %(changed)s,
    deleted = %(deleted)s,
    redacted = %(redacted)s,
    bytes = %(bytes)s,
    seconds = greatest(extract(EPOCH FROM clock_timestamp() - started_at), 0),
    resource_version = %(resource_version)s,
    snapshot_at = %(snapshot_at)s,
    under_other_rules = %(under_other_rules)s,
    finished_at = clock_timestamp()
WHERE id = %(id)s
RETURNING seconds;
