-- The columns that a view has now; none where there is no such view.
SELECT
    attribute.attname AS name,
    format_type(attribute.atttypid, NULL) AS type
FROM pg_attribute AS attribute
INNER JOIN pg_class AS class ON attribute.attrelid = class.oid
WHERE
    class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND class.relname = %(view)s
    AND attribute.attnum > 0
    AND NOT attribute.attisdropped
ORDER BY attribute.attnum;
