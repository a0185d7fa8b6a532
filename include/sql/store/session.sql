-- What changes the meaning of a statement, what it reads, or the text of its rows is ours to say, whatever the role, the
-- database or the environment has set. Limits, such as statement_timeout, stay what they are.
SELECT set_config(setting.name, setting.value, false)
FROM (
    VALUES
    ('standard_conforming_strings', 'on'),
    ('quote_all_identifiers', 'off'),
    ('timezone', 'UTC'),
    ('datestyle', 'ISO, MDY'),
    ('intervalstyle', 'postgres'),
    ('extra_float_digits', '1'),
    ('bytea_output', 'hex'),
    ('default_transaction_isolation', 'read committed'),
    ('default_transaction_read_only', 'off'),
    ('default_transaction_deferrable', 'off'),
    -- A policy that would hide rows from us is an error: what is hidden would count as absent.
    ('row_security', 'off'),
    ('gin_fuzzy_search_limit', '0'),
    -- A session waits for its cluster.
    ('idle_session_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    -- A server that loses its client lets go of its locks in time.
    ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '10'),
    ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '60s'),
    -- The staging of some thousand objects then stays in memory.
    ('temp_buffers', '32MB'),
    -- No wait is without an end.
    ('lock_timeout', coalesce(nullif(current_setting('lock_timeout'), '0'), '5min'))
) AS setting (name, value)
-- Of a session of the server that a pooler gave to others before, and that had temporary tables, it stays as it is.
WHERE setting.name <> 'temp_buffers' OR pg_my_temp_schema() = 0;
