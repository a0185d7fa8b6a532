INSERT INTO k8s_sync_parts AS stored (
    context_name, kind, namespace, outcome, error, objects, changed, deleted, finished_at,
    resource_version, exact_as_of, last_complete_at, last_verified_at, is_all, is_all_rows
)
VALUES (
    %(context_name)s, %(kind)s, %(namespace)s, %(outcome)s, %(error)s, %(objects)s, %(changed)s, %(deleted)s,
    clock_timestamp(),
    CASE WHEN %(outcome)s::text = 'complete' THEN %(resource_version)s::text END,
    CASE WHEN %(outcome)s::text = 'complete' THEN %(snapshot_at)s::timestamptz END,
    CASE WHEN %(outcome)s::text = 'complete' THEN clock_timestamp() END,
    CASE WHEN %(outcome)s::text = 'complete' AND %(rewritten)s THEN clock_timestamp() END,
    %(outcome)s::text = 'complete' AND %(is_all)s,
    %(outcome)s::text = 'complete' AND %(is_all_rows)s
)
ON CONFLICT (context_name, kind, namespace) DO UPDATE
    SET
        outcome = excluded.outcome,
        error = excluded.error,
        objects = excluded.objects,
        changed = excluded.changed,
        deleted = excluded.deleted,
        finished_at = excluded.finished_at,
        resource_version = coalesce(excluded.resource_version, stored.resource_version),
        exact_as_of = coalesce(excluded.exact_as_of, stored.exact_as_of),
        last_complete_at = coalesce(excluded.last_complete_at, stored.last_complete_at),
        last_verified_at = coalesce(excluded.last_verified_at, stored.last_verified_at),
        is_all = CASE WHEN excluded.exact_as_of IS NULL THEN stored.is_all ELSE excluded.is_all END,
        is_all_rows = CASE WHEN excluded.exact_as_of IS NULL THEN stored.is_all_rows ELSE excluded.is_all_rows END;
