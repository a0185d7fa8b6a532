-- Hits that were not there before. Those of contexts of which the answer speaks for the first time are nothing new.
INSERT INTO k8s_answer_hits AS known (report, query, hit, context_name, first_seen_at, told_at)
SELECT
    %(report)s AS report,
    %(query)s AS query,
    found.hit,
    found.context_name,
    %(asked_at)s AS first_seen_at,
    CASE WHEN found.context_name = any(%(first)s::text[]) THEN %(asked_at)s::timestamptz END AS told_at
FROM unnest(%(hits)s::bytea[], %(of)s::text[]) AS found (hit, context_name)
ON CONFLICT (report, query, hit) DO NOTHING
RETURNING known.hit, known.told_at;
