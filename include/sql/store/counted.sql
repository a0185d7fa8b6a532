-- How many hits each of some queries had, the latest so many times that it was asked.
WITH numbered AS (
    SELECT
        query,
        asked_at,
        hits,
        row_number() OVER (PARTITION BY query ORDER BY asked_at DESC) AS place
    FROM k8s_answers
    WHERE report = %(report)s AND query = any(%(queries)s::text[])
)

SELECT
    query,
    asked_at,
    hits
FROM numbered
WHERE place <= %(most)s
ORDER BY query, asked_at;
