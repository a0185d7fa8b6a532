-- Of what not all changes since an instant are known.
SELECT
    unknown.context_name,
    array_agg(unknown.kind ORDER BY unknown.kind) AS kinds,
    count(*) AS how_many
FROM k8s_unknown_since(%(since)s) AS unknown
WHERE
    unknown.kind <> 'custom'
    AND (%(context)s::text IS NULL OR unknown.context_name = %(context)s)
    AND (%(target)s::text IS NULL OR unknown.kind = %(target)s)
GROUP BY unknown.context_name
ORDER BY unknown.context_name
LIMIT 20;
