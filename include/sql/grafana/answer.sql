-- A ready-made query, as it is.
SELECT *
FROM (
{{ query.sql.rstrip().rstrip(";") }}
) AS answer
WHERE context_name IS NULL OR context_name IN ($context)
LIMIT 1000;
