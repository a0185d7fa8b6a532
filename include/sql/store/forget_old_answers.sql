DELETE FROM k8s_answers
WHERE asked_at < now() - make_interval(days => %(days)s);
