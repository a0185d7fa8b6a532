-- The hits of a query as they are known, and since when.
SELECT
    hit,
    context_name,
    first_seen_at,
    told_at
FROM k8s_answer_hits
WHERE report = %(report)s AND query = %(query)s;
