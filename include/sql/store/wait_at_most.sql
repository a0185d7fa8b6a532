-- How long this transaction waits for a lock: no longer than the role would.
SELECT set_config('lock_timeout', least(nullif(setting::bigint, 0), %(milliseconds)s::bigint)::text, true)
FROM pg_settings
WHERE name = 'lock_timeout';
