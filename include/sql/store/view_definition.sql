-- What stands under a name, and the definition of a view; none where nothing does.
SELECT CASE WHEN class.relkind = 'v' THEN pg_get_viewdef(class.oid) END AS definition
FROM pg_class AS class
WHERE
    class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND class.relname = %(view)s;
