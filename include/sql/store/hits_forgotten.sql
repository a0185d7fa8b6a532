-- Of contexts that were forgotten while they were asked about.
WITH hit AS (
    DELETE FROM k8s_answer_hits
    WHERE
        report = %(report)s
        AND query = %(query)s
        AND context_name <> ''
        AND context_name <> all(%(contexts)s::text[])
)

DELETE FROM k8s_answer_contexts
WHERE
    report = %(report)s
    AND query = %(query)s
    AND context_name <> ''
    AND context_name <> all(%(contexts)s::text[]);
