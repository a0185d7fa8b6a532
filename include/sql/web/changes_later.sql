-- What later changes of objects took away: for each column, so that the value after a change is found.
SELECT
    later.uid,
    later.context_name,
    later.plural,
    later."group",
    later.seen_at,
    later.change,
    later.columns,
    CASE
        WHEN sum(octet_length(later.old::text)) OVER (ORDER BY later.seen_at, later.id) <= %(bytes)s THEN later.old
    END AS old
FROM (
    SELECT change.*
    FROM k8s_changes AS change
    WHERE change.uid = any(%(uids)s) AND change.seen_at >= %(since)s
    ORDER BY change.seen_at, change.id
    LIMIT %(limit)s
) AS later
ORDER BY later.seen_at, later.id;
