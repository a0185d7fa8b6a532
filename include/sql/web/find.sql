-- The object of a uid.
SELECT
    object."group",
    object.plural
FROM k8s_objects AS object
WHERE object.context_name = %(context)s AND object.uid = %(uid)s
ORDER BY object.created_at DESC NULLS LAST
LIMIT 1;
