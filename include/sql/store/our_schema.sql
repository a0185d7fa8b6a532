-- Where the tables are, or will be: of the search path's schemas the one that holds an inventory, before all others one that
-- is the role's own; or else the first. So nobody leads us astray by a schema that comes earlier in the path.
SELECT
    space.nspname AS schema_name,
    made.relowner IS NOT NULL AS is_made,
    coalesce(pg_get_userbyid(made.relowner) = current_user, FALSE) AS is_own
FROM unnest(current_schemas(FALSE)) WITH ORDINALITY AS path (schema_name, position)
INNER JOIN pg_namespace AS space ON path.schema_name = space.nspname
LEFT JOIN pg_class AS made ON space.oid = made.relnamespace AND made.relname = 'k8s_schema_migrations'
WHERE space.nspname !~ '^pg_'
ORDER BY is_made DESC, is_own DESC, path.position;
