-- Hits that are there no more, of contexts of which the answer speaks.
DELETE FROM k8s_answer_hits AS known
WHERE
    known.report = %(report)s
    AND known.query = %(query)s
    AND known.context_name = any(%(contexts)s::text[])
    AND NOT EXISTS (SELECT FROM unnest(%(hits)s::bytea[]) AS found (hit) WHERE found.hit = known.hit)
RETURNING known.hit;
