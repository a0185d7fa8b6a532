SELECT
    run_id,
    attempt,
    started_at
FROM k8s_sync_runs
WHERE context_name = %(context_name)s AND kind = %(kind)s AND outcome IS NULL
ORDER BY id DESC
LIMIT 1;
