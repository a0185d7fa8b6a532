-- The counts stay: they are of all contexts together.
WITH hit AS (
    DELETE FROM k8s_answer_hits WHERE context_name = %(context_name)s
)

DELETE FROM k8s_answer_contexts
WHERE context_name = %(context_name)s;
