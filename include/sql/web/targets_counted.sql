-- How many objects the last complete listing of each target had, and whether that is what the tables hold now.
SELECT
    status.context_name,
    status.kind,
    status.objects,
    status.outcome IN ('complete', 'absent') AND status.scope = 'all' AS is_exact
FROM k8s_sync_status AS status
WHERE status.kind <> 'custom' AND (status.objects > 0 OR status.outcome NOT IN ('complete', 'absent'));
