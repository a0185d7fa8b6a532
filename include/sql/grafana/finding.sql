-- A ready-made query, counted by cluster: its hits, or why it can not speak of the cluster.
SELECT
    {{ query.title | literal }} AS finding,
    coalesce(context_name, 'all') AS context,
    count(*) FILTER (WHERE not_known IS NULL) AS hits,
    string_agg(DISTINCT not_known, '; ') AS not_known
FROM (
{{ query.sql.rstrip().rstrip(";") }}
) AS answer
WHERE context_name IS NULL OR context_name IN ($context)
GROUP BY context_name
ORDER BY hits DESC, context;
