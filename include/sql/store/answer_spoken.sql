-- Of which contexts an answer has spoken.
INSERT INTO k8s_answer_contexts (report, query, context_name, made_of, known_since, asked_at)
SELECT
    %(report)s AS report,
    %(query)s AS query,
    spoken.context_name,
    %(made_of)s AS made_of,
    %(asked_at)s AS known_since,
    %(asked_at)s AS asked_at
FROM unnest(%(contexts)s::text[]) AS spoken (context_name)
ON CONFLICT (report, query, context_name) DO UPDATE
    SET asked_at = excluded.asked_at;
