-- How long each statement of this transaction takes, locks and all: no longer than the role would.
SELECT set_config('statement_timeout', least(nullif(setting::bigint, 0), %(milliseconds)s::bigint)::text, true)
FROM pg_settings
WHERE name = 'statement_timeout';
