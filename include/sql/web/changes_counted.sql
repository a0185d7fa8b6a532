-- How many changes there were, by what happened, in equal parts of a time.
SELECT
    width_bucket(
        date_part('epoch', change.seen_at),
        date_part('epoch', %(since)s::timestamptz),
        date_part('epoch', %(until)s::timestamptz) + 1,
        %(parts)s
    ) AS part,
    count(*) FILTER (WHERE change.change = 'created') AS created,
    count(*) FILTER (WHERE change.change = 'updated') AS updated,
    count(*) FILTER (WHERE change.change = 'deleted') AS deleted
FROM k8s_changes AS change
WHERE
    change.seen_at >= %(since)s
    AND change.seen_at <= %(until)s
    AND (%(context)s::text IS NULL OR change.context_name = %(context)s)
    AND (%(namespace)s::text IS NULL OR change.namespace = %(namespace)s)
GROUP BY 1
ORDER BY 1;
