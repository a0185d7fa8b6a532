-- Rows of a table as they are now, as JSON.
SELECT
    found.context_name,
    found.uid,
    found.row_now
FROM (
    SELECT
        object.context_name,
        object.uid,
        to_jsonb(object.*) AS row_now,
        sum(octet_length(to_jsonb(object.*)::text)) OVER (ORDER BY object.context_name, object.uid) AS bytes
    FROM {{ kind.table | identifier }} AS object
    WHERE object.context_name = any(%(contexts)s) AND object.uid = any(%(uids)s)
    ORDER BY object.context_name, object.uid
    LIMIT %(limit)s
) AS found
WHERE found.bytes <= %(bytes)s
ORDER BY found.context_name, found.uid;
