-- Columns that have the name of one of ours and can not take its values: others added them before we declared ours.
SELECT
    declared.table_name || '.' || declared.column_name AS name,
    format_type(attribute.atttypid, attribute.atttypmod) AS type,
    declared.type AS declared_type
FROM
    unnest(%(tables)s::text[], %(columns)s::text[], %(types)s::text[]) AS declared (table_name, column_name, type)
INNER JOIN pg_type AS ours ON ours.oid = to_regtype(declared.type)
INNER JOIN pg_attribute AS attribute
    ON
        attribute.attrelid = to_regclass(quote_ident(declared.table_name))
        AND declared.column_name = attribute.attname
INNER JOIN pg_type AS theirs ON attribute.atttypid = theirs.oid
WHERE ours.oid <> theirs.oid AND (ours.typcategory <> theirs.typcategory OR ours.typcategory IN ('A', 'U'))
ORDER BY name;
