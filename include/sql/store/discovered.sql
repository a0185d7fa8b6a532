INSERT INTO k8s_sync_discoveries (context_name, run_id, found)
VALUES (%(context_name)s, %(run_id)s, %(found)s::jsonb)
ON CONFLICT (context_name) DO UPDATE
    SET
        run_id = excluded.run_id,
        found = excluded.found,
        discovered_at = now();
