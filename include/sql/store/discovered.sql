INSERT INTO k8s_sync_discoveries (context_name, run_id, invocation, found, definitions)
VALUES (%(context_name)s, %(run_id)s, %(invocation)s, %(found)s::jsonb, %(definitions)s)
ON CONFLICT (context_name) DO UPDATE
    SET
        run_id = excluded.run_id,
        invocation = excluded.invocation,
        found = excluded.found,
        definitions = excluded.definitions,
        discovered_at = now();
