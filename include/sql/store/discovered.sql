INSERT INTO k8s_sync_discoveries (context_name, run_id, invocation, found)
VALUES (%(context_name)s, %(run_id)s, %(invocation)s, %(found)s::jsonb)
ON CONFLICT (context_name) DO UPDATE
    SET
        run_id = excluded.run_id,
        invocation = excluded.invocation,
        found = excluded.found,
        discovered_at = now();
