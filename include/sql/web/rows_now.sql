-- Rows of a table as they are now, as JSON.
SELECT
    object.context_name,
    object.uid,
    to_jsonb(object.*) AS row_now
FROM {{ kind.table | identifier }} AS object
WHERE object.context_name = any(%(contexts)s) AND object.uid = any(%(uids)s)
ORDER BY object.context_name, object.uid
LIMIT %(limit)s;
