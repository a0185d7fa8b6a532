-- A watch has brought what selectors select up to an instant; or only so far, and it is not known how far that is.
UPDATE k8s_sync_parts
SET
    outcome = %(outcome)s,
    error = %(error)s,
    objects = %(objects)s,
    changed = %(changed)s,
    deleted = %(deleted)s,
    resource_version = CASE WHEN %(outcome)s::text = 'complete' THEN %(resource_version)s::text ELSE resource_version END,
    exact_as_of = coalesce(%(snapshot_at)s::timestamptz, exact_as_of),
    last_complete_at = CASE WHEN %(outcome)s::text = 'complete' THEN clock_timestamp() ELSE last_complete_at END,
    finished_at = clock_timestamp(),
    is_all_rows = is_all_rows AND %(is_all_rows)s
WHERE context_name = %(context_name)s AND kind = %(kind)s AND namespace = '';
