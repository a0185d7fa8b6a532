-- What stands where something of ours is to be made, and was not made by us: relations and functions by these names, and
-- tables that are written down as ours but do not look it.
SELECT class.relname AS name
FROM pg_class AS class
WHERE
    class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND (
        class.relname = any(%(unknown)s::text[])
        OR class.relname = any(%(tables)s::text[])
        AND (
            class.relkind NOT IN ('r', 'p')
            OR (
                SELECT count(*)
                FROM pg_attribute AS attribute
                WHERE attribute.attrelid = class.oid AND attribute.attname IN ('context_name', 'uid')
            ) < 2
        )
    )
UNION
SELECT concat(routine.proname, '()')
FROM pg_proc AS routine
WHERE
    routine.pronamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND routine.proname = any(%(unknown)s::text[])
ORDER BY name;
