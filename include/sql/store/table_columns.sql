-- The columns of tables, in their order.
SELECT
    class.relname AS table_name,
    array_agg(attribute.attname::text ORDER BY attribute.attnum) AS names
FROM pg_class AS class
INNER JOIN pg_attribute AS attribute ON class.oid = attribute.attrelid
WHERE
    class.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND class.relname = any(%(tables)s::text[])
    AND attribute.attnum > 0
    AND NOT attribute.attisdropped
GROUP BY class.relname;
