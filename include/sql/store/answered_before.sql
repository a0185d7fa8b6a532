-- Of which contexts a query has spoken, and when it was last asked.
SELECT
    context_name,
    made_of,
    asked_at
FROM k8s_answer_contexts
WHERE report = %(report)s AND query = %(query)s;
