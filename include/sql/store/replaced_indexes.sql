-- Indexes of older versions that others have replaced since. By what they are, too: users give these names to theirs.
SELECT class.relname AS name
FROM pg_index AS index
INNER JOIN pg_class AS class ON index.indexrelid = class.oid
INNER JOIN pg_class AS made ON index.indrelid = made.oid
CROSS JOIN split_part(pg_get_indexdef(class.oid), ' USING ', 2) AS definition
WHERE
    made.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND NOT index.indisunique
    AND (
        made.relname = any(%(tables)s::text[])
        AND class.relname = made.relname || '_owner'
        AND definition
        = 'btree (context_name, ((k8s_owner(owner_references) ->> ''uid''::text))) WHERE (owner_references <> ''[]''::jsonb)'
        OR made.relname = any(%(with_long_names)s::text[])
        AND class.relname = made.relname || '_name'
        AND definition IN ('btree (context_name, name)', 'btree (context_name, namespace, name)')
    );
