-- Of which contexts a query has spoken, and when it was last asked: after this answer, if that is not by a clock that was set
-- back since.
SELECT
    context_name,
    made_of,
    asked_at,
    asked_at > %(asked_at)s AND asked_at <= clock_timestamp() AS is_later
FROM k8s_answer_contexts
WHERE report = %(report)s AND query = %(query)s;
