-- What later changes of objects took away: for each column, so that the value after a change is found.
SELECT
    change.uid,
    change.context_name,
    change.plural,
    change."group",
    change.seen_at,
    change.change,
    change.columns,
    change.old
FROM k8s_changes AS change
WHERE change.uid = any(%(uids)s) AND change.seen_at >= %(since)s
ORDER BY change.seen_at, change.id
LIMIT %(limit)s;
