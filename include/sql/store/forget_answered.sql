-- What hits of a statement or key were that is another now says nothing of its hits.
WITH hit AS (
    DELETE FROM k8s_answer_hits WHERE report = %(report)s AND query = %(query)s
)

DELETE FROM k8s_answer_contexts
WHERE report = %(report)s AND query = %(query)s;
