-- The schema we write to, and what we made in it so far; null where nothing is there yet.
SELECT
    current_schema() AS schema_name,
    to_regclass('k8s_schema_migrations') IS NOT NULL AS has_migrations,
    to_regclass('k8s_schema_tables') IS NOT NULL AS has_tables;
